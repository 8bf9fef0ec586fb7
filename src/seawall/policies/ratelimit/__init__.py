"""The ratelimit policy."""
