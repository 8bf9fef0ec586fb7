"""Listeners to events: log, metrics."""
