"""An answer in the shape of a weather API's, a little different each time."""

import time
from collections.abc import Mapping
from typing import Any

__all__ = ["forecast"]

# of https://api.open-meteo.com/v1/forecast?latitude=52.5&longitude=13.4&current=temperature_2m,wind_speed_10m
_SHAPE: Mapping[str, Any] = {
    "latitude": 52.52,
    "longitude": 13.419998,
    "generationtime_ms": 0.0294446945190429,
    "utc_offset_seconds": 0,
    "timezone": "GMT",
    "timezone_abbreviation": "GMT",
    "elevation": 38.0,
    "current_units": {
        "time": "iso8601",
        "interval": "seconds",
        "temperature_2m": "°C",
        "wind_speed_10m": "km/h",
    },
    "current": {"time": "2026-01-15T09:45", "interval": 900, "temperature_2m": 2.4, "wind_speed_10m": 13.7},
}


def forecast(number: int) -> dict[str, Any]:
    """Return the document; its current values move on a little with each `number`."""
    current = {
        **_SHAPE["current"],
        "time": time.strftime("%Y-%m-%dT%H:%M", time.gmtime()),
        "temperature_2m": round(2.4 + number % 7 / 10, 1),
    }
    return {**_SHAPE, "current": current}
