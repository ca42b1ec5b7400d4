"""The least that a daemon could do: a ROUTER in an asyncio loop that sends back what it is sent.

python tests/benchmarks/echo.py PATH
"""

from __future__ import annotations

import asyncio
import sys

import zmq
import zmq.asyncio


async def serve(path: str) -> None:
    """Answer for ever."""
    sock = zmq.asyncio.Context().socket(zmq.ROUTER)
    sock.bind(f"ipc://{path}")
    while True:
        await sock.send_multipart(await sock.recv_multipart())


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
