"""Door: health, metrics, diagnostics and the management API."""
