"""X and y in any form that users have them in, as arrays."""
