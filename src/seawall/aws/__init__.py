"""Calls to AWS: credentials from wherever they stand, and the signature each attempt needs."""
