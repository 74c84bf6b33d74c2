"""A network, its weights, and how both are kept."""
