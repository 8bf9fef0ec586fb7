"""The retry policy."""
