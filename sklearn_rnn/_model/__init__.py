"""Networks and their weights, and how both are saved."""
