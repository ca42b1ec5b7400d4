"""A stand-in for ssh that goes to this very machine: it knows what `imagineerd.client.tunnel` asks of the real one.

`install` puts it into a folder as `ssh`. The machine `down` refuses, `chatty` greets, `firm` forwards nothing.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path


def install(folder: Path) -> None:
    """Write a program `ssh` that runs this file, and lets `ssh.pid` tell who the last master was."""
    program = folder / "ssh"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} "{folder}" "$@"\n')
    program.chmod(0o755)


def main(folder: Path, arguments: list[str]) -> int:
    control = arguments[arguments.index("-S") + 1]
    host = arguments[arguments.index("--") + 1]
    if host == "down":
        sys.stderr.write("Warning: a banner\n\x1b[31mssh: connect to host down port 22: Connection refused\r\n")
        return 255
    if "-O" in arguments:
        return _ask(control, [value for flag, value in pairwise(arguments) if flag == "-L"])
    (folder / "ssh.pid").write_text(str(os.getpid()))
    if host != "firm":
        threading.Thread(target=_obey, args=(control,), daemon=True).start()
    if host == "chatty":
        sys.stdout.write("Welcome to chatty!\nimagine: that\n")
        sys.stdout.flush()
    return subprocess.run(arguments[-1], shell=True, check=False).returncode  # noqa: S602 - as sshd does


def _ask(control: str, forwards: list[str]) -> int:
    with socket.socket(socket.AF_UNIX) as master:
        try:
            master.connect(control)
        except OSError:
            sys.stderr.write("mux_client: no master\n")
            return 255
        master.sendall("\n".join([*forwards, ""]).encode())
        return 0 if master.recv(2) == b"ok" else 255


def _obey(control: str) -> None:
    with socket.create_server(control, family=socket.AF_UNIX) as listener:
        client, _ = listener.accept()
        forwards = client.recv(4096).decode().splitlines()
        for near, _, far in (forward.partition(":") for forward in forwards):
            server = socket.create_server(near, family=socket.AF_UNIX)
            threading.Thread(target=_forward, args=(server, far), daemon=True).start()
        client.sendall(b"ok")
        threading.Event().wait()


def _forward(server: socket.socket, far: str) -> None:
    while True:
        near, _ = server.accept()
        other = socket.socket(socket.AF_UNIX)
        other.connect(far)
        for source, target in ((near, other), (other, near)):
            threading.Thread(target=_relay, args=(source, target), daemon=True).start()


def _relay(source: socket.socket, target: socket.socket) -> None:
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
