"""Side-by-side measurements against nginx; prints ratios of one run, never wall times to compare between machines."""
