"""The parent's end of a worker process: start it, talk to it, notice its death, stop it.

Death is the end of file on the socketpair, seen within milliseconds. A hang is silence: no report for longer than the
configured time while there is work. Nothing here knows what a job is.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec

from imagineerd import link
from imagineerd.logs import pairs

log = logging.getLogger("imagineerd.workers")

COMMAND: tuple[str, ...] = (sys.executable, "-P", "-m", "imagineerd.worker")
PACKAGE_ROOT = Path(__file__).resolve().parents[1]
STDERR_LINES = 40
MAX_LINE = 8 * 1024
REAP_S = 10.0
LAST_WORDS_S = 1.0
"""Seconds that a dead worker's stderr is listened to; a process that it left behind may hold it open for ever."""
STACKS_S = 0.5
"""Seconds that a worker is given to write its stacks (`faulthandler`) before it is killed for hanging."""
BACKOFF_S = (0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
"""Seconds to wait before the n-th restart in a row of a worker that did nothing."""


class WorkerProcess:
    """One life of a worker process."""

    def __init__(self, process: asyncio.subprocess.Process, sock: socket.socket, stderr: int) -> None:
        self.process = process
        self.last_words: collections.deque[str] = collections.deque(maxlen=STDERR_LINES)
        self.killed_for = ""
        self._socket = sock
        self._writer: asyncio.StreamWriter | None = None
        self._listener = asyncio.create_task(self._keep_stderr(stderr))

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def send(self, order: link.Order) -> None:
        """Send an order. A dead worker takes none: its end of file says the rest."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(link.frame(order))

    async def reports(self) -> AsyncIterator[link.Report]:
        """Yield what the worker says until it is gone. Rubbish on the link counts as death."""
        reader, self._writer = await asyncio.open_connection(sock=self._socket)
        try:
            while True:
                header = await reader.readexactly(4)
                yield link.decode_report(await reader.readexactly(link.length_of(header)))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self.kill(f"it sent what is no report ({error})")

    def kill(self, reason: str) -> None:
        """End the process at once; `reason` ends the sentence "The worker was killed: …"."""
        self.killed_for = self.killed_for or reason
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)

    def kill_hanging(self, reason: str) -> None:
        """End a process that hangs; before that it has a moment to write down where each of its threads stands."""
        if not self.killed_for:
            self.killed_for = reason
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGUSR1)
            asyncio.get_running_loop().call_later(STACKS_S, self.kill, reason)

    async def reap(self) -> str:
        """Wait for the end of the process and return in one sentence how it came."""
        if self._writer is not None:
            self._writer.close()
        try:
            code = await asyncio.wait_for(self.process.wait(), REAP_S)
        except TimeoutError:
            self.kill("it closed its link but did not leave")
            code = await self.process.wait()
        await asyncio.wait([self._listener], timeout=LAST_WORDS_S)
        self._listener.cancel()
        return self._how_it_ended(code)

    def _how_it_ended(self, code: int) -> str:
        if self.killed_for:
            return f"The worker was killed: {self.killed_for}."
        last = f' Its last line: "{self.last_words[-1]}".' if self.last_words else ""
        if code == -signal.SIGKILL:
            return "The worker was killed from outside (signal 9; out of memory?)."
        if code < 0:
            return f"The worker died of signal {-code}.{last}"
        return f"The worker left with exit code {code}.{last}"

    async def _keep_stderr(self, descriptor: int) -> None:
        """Read to the end, whatever it is: the worker must never wait for us. Of a line too long the end is kept."""
        reader, rest = asyncio.StreamReader(), b""
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
        )
        try:
            while part := await reader.read(MAX_LINE):
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    self._keep_line(line)
                rest = rest[-MAX_LINE:]
        finally:
            pipe.close()
        self._keep_line(rest)

    def _keep_line(self, line: bytes) -> None:
        shown = line.strip().rpartition(b"\r")[2]  # of a progress bar, what it showed last
        if shown:
            self.last_words.append(shown.decode(errors="replace"))
            log.info(self.last_words[-1], extra=pairs(worker=self.pid))


async def spawn(command: Sequence[str] = COMMAND) -> WorkerProcess:
    """Start a worker process and return it. Its link is the file descriptor named by `--fd`."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)  # noqa: FBT003 - the socket API
    # A pipe of our own: asyncio's `wait` would wait for its end, and a child of the worker may keep it open.
    read, write = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            "--fd",
            str(theirs.fileno()),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=write,
            pass_fds=[theirs.fileno()],
            env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)},
        )
    except BaseException:
        os.close(read)
        ours.close()
        raise
    finally:
        os.close(write)
        theirs.close()
    return WorkerProcess(process, ours, read)


def backoff(failures: int) -> float:
    """Return the seconds to wait before the next start after `failures` starts that came to nothing."""
    return BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
