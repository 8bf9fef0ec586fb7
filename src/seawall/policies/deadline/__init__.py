"""The deadline policy."""
