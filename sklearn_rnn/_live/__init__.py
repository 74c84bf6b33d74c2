"""What is shown while networks train: bars and pictures."""
