"""Bytes to calls for clients: protocol, strictness, deadlines, flow control, drain; ASGI both ways."""
