"""A worker that greets like any other and then reports what nobody would: `reporter.py SEED --fd N`."""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import sys
from pathlib import Path
from random import Random

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from hostile.frames import Frames  # noqa: E402
from imagineerd import link  # noqa: E402

MOST = 200
"""Reports of one life, which the first one that is none ends earlier."""


def main() -> None:
    """Greet, then talk nonsense for as long as the daemon listens."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seed")
    parser.add_argument("--fd", type=int, required=True)
    options = parser.parse_args()
    sock = socket.socket(fileno=options.fd)
    frames = Frames(Random(f"{options.seed}/{os.getpid()}"))  # noqa: S311 - rubbish needs no secrets
    sock.sendall(link.frame(link.Hello(os.getpid())) + link.frame(link.OrderDone()))  # a life that was of use
    link.read_order(sock)
    with contextlib.suppress(OSError):
        for _ in range(MOST):
            sock.sendall(frames.report())


if __name__ == "__main__":
    main()
