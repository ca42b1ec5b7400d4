"""A worker that says it is ready, keeps every order and answers none."""

from __future__ import annotations

import socket
import sys

from imagineerd import link


def main() -> None:
    """Read orders until the daemon closes the link or says quit."""
    sock = socket.socket(fileno=int(sys.argv[sys.argv.index("--fd") + 1]))
    sock.sendall(link.frame(link.Hello(0)))
    while order := link.read_order(sock):
        match order:
            case link.Configure():
                sock.sendall(link.frame(link.Ready("cpu", "idle", "float32", "", (1, 4))))
                sock.sendall(link.frame(link.Loaded("starter", "", 0.0)))
            case link.Quit():
                return


if __name__ == "__main__":
    main()
