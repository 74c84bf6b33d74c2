"""Windows of tables, and forecasts of one series or many."""
