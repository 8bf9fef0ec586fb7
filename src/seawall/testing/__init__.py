"""Shipped test kit: virtual-time loop, scripted transport, fault proxy, recorder, sandbox API."""
