"""Seawall: one small process between your programs and every API they depend on."""

__all__ = ["__version__"]

__version__ = "0.1.0"
