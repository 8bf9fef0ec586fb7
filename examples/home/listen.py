"""Prints what the house tells: a consumer of /api/v1/events, of the standard library alone.

    python listen.py [http://127.0.0.1:8080] [--channel home.weather] [--count N]

It comes back by itself when the gateway restarts, and is then given what it has missed. Where server.admin_token is
set, it is read from SEAWALL_ADMIN_TOKEN.
"""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

AGAIN = 3.0  # seconds until it tries again
SILENCE = 45.0  # a comment comes every 15 seconds, so after three the connection is dead


def events(url: str, channels: list[str], last: str | None = None) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield id and message of each event, for ever."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the gateway is no business of a proxy's
    query = urllib.parse.urlencode([("channel", channel) for channel in channels])
    while True:
        headers = {"Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = last
        if token := os.environ.get("SEAWALL_ADMIN_TOKEN"):
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(f"{url}/api/v1/events?{query}", headers=headers)
        try:
            with opener.open(request, timeout=SILENCE) as answer:
                seen = ""
                for raw in answer:
                    line = raw.decode().rstrip("\n")
                    if line.startswith("id: "):
                        seen = line[4:]
                    elif line.startswith("data: "):
                        last = seen
                        yield seen, json.loads(line[6:])
        except urllib.error.HTTPError as error:
            if error.code != 503:  # 400, 401: coming back changes nothing
                sys.exit(f"listen: {error.code} {error.read().decode()}")
        except OSError:
            pass
        time.sleep(AGAIN)


def main() -> None:
    """Print events as they come."""
    parser = argparse.ArgumentParser(description="Print what the gateway publishes.")
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8080")
    parser.add_argument("--channel", action="append", default=[], help="only this one; may be repeated")
    parser.add_argument("--count", type=int, default=0, help="end after so many")
    given = parser.parse_args()
    for number, (_, message) in enumerate(events(given.url.rstrip("/"), given.channel), 1):
        print(message["time"], message["channel"], json.dumps(message["data"]), flush=True)
        if number == given.count:
            return


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
