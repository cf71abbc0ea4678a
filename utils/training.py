"""Training as every chapter does it."""
