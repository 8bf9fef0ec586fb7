"""Text to one frozen tree of settings."""
