"""What should be true, in plain Python."""
