"""The concurrency policy."""
