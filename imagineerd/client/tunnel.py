"""Reach the daemon of another machine through ssh: both of its Unix sockets appear here, for as long as we live.

One ssh does the authentication and stays, a second one asks it for the forwards. The first runs `cat` over there, which
ends when our end of its input closes: so the tunnel ends with us, however we end. When it ends before us, it is opened
again, at the same sockets: who follows goes on without a gap, as after a restart of the daemon.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from shlex import quote
from types import TracebackType
from typing import IO, Final, Self

from imagineerd.client.clients import Endpoints
from imagineerd.errors import DaemonAway, Invalid

_DESTINATION: Final = re.compile(r"(ssh://)?[A-Za-z0-9_\[][A-Za-z0-9_.@:%\[\]-]{0,254}")
_OPTIONS: Final = (
    *("-T", "-o", "RemoteCommand=none", "-o", "ControlPersist=no", "-o", "ClearAllForwardings=yes"),
    *("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"),
)
_FIND: Final = """\
uid=$(id -u)
if [ -n "$IMAGINEER_RUNTIME_DIR" ]; then set -- "$IMAGINEER_RUNTIME_DIR"
else set -- "$XDG_RUNTIME_DIR/imagineer" "/run/user/$uid/imagineer" "${TMPDIR:-/tmp}/imagineer-$uid"; fi
for folder; do
  if [ -S "$folder/ctl.sock" ] && [ -O "$folder/ctl.sock" ]; then echo "imagineer:$folder"; exec cat; fi
done
echo imagineer:"""
"""What runs on the other machine: say where the sockets are, then stay until the input ends."""
LEAVE_S: Final = 5.0
"""Seconds that ssh may take to end."""
AGAIN_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each try to open a tunnel again that broke; the last one for all further tries."""


class Tunnel:
    """The sockets of the daemon on `host` (`box`, `user@box`, `ssh://user@box:22`), forwarded into a folder of ours.

    Raises `Invalid` for a name that is none, `DaemonAway` where ssh fails or no daemon runs there. ssh asks for
    passwords on the terminal, but not when a tunnel that broke is opened again. Close it, or use it in a `with`.
    """

    def __init__(self, host: str) -> None:
        if not _DESTINATION.fullmatch(host):
            raise Invalid(message=f"{host[:80]!a} is no machine for ssh: write box, user@box or ssh://user@box:22.")
        self._host = host
        self._folder = Path(tempfile.mkdtemp(prefix="im-"))
        self._errors = (self._folder / "errors").open("w+b")
        self._ssh: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()
        self._closed = threading.Event()
        self._keeper = threading.Thread(target=self._keep_open, name="tunnel", daemon=True)
        ctl, blob = self._sockets()
        self.endpoints = Endpoints(f"ipc://{ctl}", f"ipc://{blob}", where=host)
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        self._keeper.start()

    def close(self) -> None:
        """End ssh and remove the sockets."""
        with self._starting:
            self._closed.set()
        if self._ssh is not None:
            _end(self._ssh)
        if self._keeper.is_alive():
            self._keeper.join()
        self._errors.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _sockets(self) -> tuple[Path, Path]:
        return self._folder / "ctl.sock", self._folder / "blob.sock"

    def _control(self) -> Path:
        return self._folder / "ssh"

    def _keep_open(self) -> None:
        """Open the tunnel again whenever ssh ends before us, for as often as it takes."""
        while self._ssh is not None:
            self._ssh.wait()
            for seconds in itertools.chain(AGAIN_S, itertools.repeat(AGAIN_S[-1])):
                if self._closed.wait(seconds):
                    return
                if self._try_again():
                    break

    def _try_again(self) -> bool:
        self._errors.truncate(0)
        for stale in (self._control(), *self._sockets()):
            stale.unlink(missing_ok=True)
        try:
            self._open("-o", "BatchMode=yes")
        except (DaemonAway, OSError):
            if self._ssh is not None:
                _end(self._ssh)
            return False
        return True

    def _open(self, *options: str) -> None:
        self._ssh = self._start(*options)
        self._forward(self._find(self._ssh), *self._sockets())

    def _command(self, *arguments: str) -> list[str]:
        return ["ssh", "-S", str(self._control()), *arguments]

    def _start(self, *options: str) -> subprocess.Popen[bytes]:
        command = self._command("-M", *_OPTIONS, *options, "--", self._host, f"exec sh -c {quote(_FIND)}")
        with self._starting:
            if self._closed.is_set():
                raise DaemonAway("The tunnel is closed.")
            try:
                return subprocess.Popen(  # noqa: S603 - the name was checked
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
                )
            except OSError as error:
                raise DaemonAway(f"ssh cannot be run ({error.strerror}): install OpenSSH's client.") from None

    def _find(self, ssh: subprocess.Popen[bytes]) -> str:
        """Return the folder of the sockets over there; what a login shell prints before it is passed over."""
        output: IO[bytes] = ssh.stdout  # type: ignore[assignment]
        for line in output:
            mark, _, folder = line.decode(errors="replace").rstrip("\n").partition(":")
            if mark == "imagineer" and folder:
                return folder
            if mark == "imagineer":
                raise DaemonAway(f"No imagineerd runs on {self._host}: start it there with `imagineer start`.")
        raise DaemonAway(f"ssh does not get to {self._host}: {self._last_words()}")

    def _forward(self, folder: str, ctl: Path, blob: Path) -> None:
        pairs = (f"{ctl}:{folder}/ctl.sock", f"{blob}:{folder}/blob.sock")
        command = self._command("-O", "forward", "-L", pairs[0], "-L", pairs[1], "--", self._host)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=self._errors, stderr=self._errors, check=False)  # noqa: S603 - checked above
        if done.returncode or not ctl.exists():
            raise DaemonAway(f"ssh forwards no sockets of {self._host}: {self._last_words()}")

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "it says nothing of why")
        return "".join(sign if sign.isprintable() else " " for sign in said).rstrip(".") + "."


def _end(ssh: subprocess.Popen[bytes]) -> None:
    if ssh.stdin is not None:
        ssh.stdin.close()
    try:
        ssh.wait(LEAVE_S)
    except subprocess.TimeoutExpired:
        ssh.kill()
        ssh.wait()
    if ssh.stdout is not None:
        ssh.stdout.close()
