"""What is parsed and checked but not built yet; a feature that comes is one line less here."""

__all__ = ["NOT_YET"]

# Paths of settings; `*` stands for any name or number, and "=" names the one value that is meant.
NOT_YET = (
    "jobs",
    "alerts",
    "sentry",
    "trace",
)
