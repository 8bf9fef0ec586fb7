"""One folder per policy, all alike: settings.py (values), core.py (decides), policy.py (does), SPEC."""
