"""An upstream that takes its time: `python bench/slow.py PORT MILLISECONDS` answers every GET after so long."""

import asyncio
import sys

ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: max-age=3600\r\ncontent-length: 1500\r\n\r\n"
) + b" " * 1500


async def serve(port: int, seconds: float) -> None:
    """Answer until killed.

    Args:
        port: on loopback.
        seconds: before each answer.
    """

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(seconds)
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
