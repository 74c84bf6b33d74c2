"""X and y, in any form in which users pass them, as arrays."""
