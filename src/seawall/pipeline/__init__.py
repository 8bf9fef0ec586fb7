"""Fold policies into one callable and run one call."""
