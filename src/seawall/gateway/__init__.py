"""Door: the data plane, as a handler and as an ASGI app."""
