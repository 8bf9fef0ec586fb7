"""The breaker policy."""
