"""Calls to bytes for upstreams; the one place that opens a socket to an upstream."""
