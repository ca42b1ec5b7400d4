"""The parent's end of a worker process: real processes that live, hang, babble and die, told in one sentence."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import psutil
import pytest
from house import wait_until

from imagineerd import link, workers
from imagineerd.workers import BACKOFF_S, WorkerProcess, backoff, spawn

T = TypeVar("T")
FAKE = str(Path(__file__).with_name("fake_worker.py"))


def command(life: str) -> tuple[str, ...]:
    return (sys.executable, FAKE, life)


def program(code: str) -> tuple[str, ...]:
    """A worker that runs this code; its link is `sock`."""
    start = "import os, socket, sys, time; sock = socket.socket(fileno=int(sys.argv[-1])); "
    return (sys.executable, "-c", start + code)


def with_worker(args: tuple[str, ...], play: Callable[[WorkerProcess], Awaitable[T]]) -> T:
    """Start a worker, play with it, and see to it that it ends."""

    async def scene() -> T:
        process = await spawn(args)
        try:
            return await asyncio.wait_for(play(process), 20)
        finally:
            process.kill("the test is over")
            await process.reap()

    return asyncio.run(scene())


async def life_of(process: WorkerProcess) -> tuple[list[link.Report], str]:
    """Listen to the end; return the reports and how it ended."""
    reports = [report async for report in process.reports()]
    return reports, await process.reap()


def test_a_worker_says_hello_is_configured_and_quits() -> None:
    async def play(process: WorkerProcess) -> tuple[list[str], str]:
        names = []
        async for report in process.reports():
            names.append(type(report).__name__)
            process.send(link.Configure(link.Hardware()) if isinstance(report, link.Hello) else link.Quit())
        return names, await process.reap()

    names, how = with_worker(command("fine"), play)

    assert names == ["Hello", "Ready"]
    assert how == "The worker left with exit code 0."


def test_death_is_noticed_and_told() -> None:
    async def play(process: WorkerProcess) -> str:
        async for _ in process.reports():
            os.kill(process.pid, signal.SIGKILL)
        return await process.reap()

    assert with_worker(command("fine"), play) == "The worker was killed from outside (signal 9; out of memory?)."


def test_its_last_line_is_told() -> None:
    args = program("print('no kernel image is available', file=sys.stderr); sys.exit(3)")

    _, how = with_worker(args, life_of)

    assert how == 'The worker left with exit code 3. Its last line: "no kernel image is available".'


def test_a_crash_names_its_signal() -> None:
    _, how = with_worker(program("os.kill(os.getpid(), 11)"), life_of)

    assert how == "The worker died of signal 11."


@pytest.mark.parametrize(
    "bytes_",
    [
        "b'HTTP/1.1 200 OK'",
        "b'\\x00\\x00\\x00\\x01\\xc1'",
        "b'\\x00\\x00\\x00\\x01\\x80'",
        "b'\\x00\\x01\\x86\\xae\\x82\\xa4type\\xa5hello\\xa1x' + b'\\x91' * 100_000",
    ],
)
def test_rubbish_on_the_link_is_death(bytes_: str) -> None:
    reports, how = with_worker(program(f"sock.sendall({bytes_}); time.sleep(60)"), life_of)

    assert reports == []
    assert how.startswith("The worker was killed: it sent what is no report (")


def test_half_a_report_is_death_as_well() -> None:
    reports, how = with_worker(program("sock.sendall(bytes(3))"), life_of)

    assert (reports, how) == ([], "The worker left with exit code 0.")


def test_one_that_hangs_tells_where_before_it_is_killed() -> None:
    async def play(process: WorkerProcess) -> tuple[str, list[str]]:
        async for _ in process.reports():
            process.kill_hanging("it gave no sign of life for 300 seconds")
        return await process.reap(), list(process.last_words)

    hello = f"bytes.fromhex('{link.frame(link.Hello(1)).hex()}')"
    code = f"import faulthandler; faulthandler.register(10); sock.sendall({hello}); time.sleep(60)"
    how, words = with_worker(program(code), play)

    assert how == "The worker was killed: it gave no sign of life for 300 seconds."
    assert words[0].startswith("Current thread")
    assert 'File "<string>", line 1 in <module>' in words[1]


def test_one_that_cannot_even_tell_is_killed_all_the_same() -> None:
    async def play(process: WorkerProcess) -> str:
        async for _ in process.reports():
            process.kill_hanging("it gave no sign of life for 300 seconds")
        return await process.reap()

    hello = f"bytes.fromhex('{link.frame(link.Hello(1)).hex()}')"
    code = f"import signal; signal.signal(10, signal.SIG_IGN); sock.sendall({hello}); time.sleep(60)"

    assert with_worker(program(code), play) == "The worker was killed: it gave no sign of life for 300 seconds."


def test_the_first_reason_for_a_kill_is_the_one_that_is_told() -> None:
    async def play(process: WorkerProcess) -> str:
        process.kill("it gave no sign of life for 300 seconds")
        process.kill("the daemon stops")
        return (await life_of(process))[1]

    assert with_worker(command("mute"), play) == "The worker was killed: it gave no sign of life for 300 seconds."


def test_one_that_closes_its_link_and_stays_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "REAP_S", 0.2)

    _, how = with_worker(program("sock.close(); os.close(2); time.sleep(60)"), life_of)

    assert how == "The worker was killed: it closed its link but did not leave."


def test_one_that_draws_progress_bars_is_never_blocked_by_us() -> None:
    code = "[sys.stderr.write('\\r 50% |####    |' * 1000) for _ in range(200)]; print(file=sys.stderr); sys.exit(4)"

    _, how = with_worker(program(code), life_of)

    assert how == 'The worker left with exit code 4. Its last line: " 50% |####    |".'


def test_what_a_worker_leaves_behind_does_not_keep_us_waiting() -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, file=sys.stderr, flush=True)"

    async def play(process: WorkerProcess) -> tuple[str, int]:
        _, how = await life_of(process)
        return how, int(process.last_words[-1])

    how, left_behind = with_worker(program(code), play)
    psutil.Process(left_behind).kill()

    assert how.startswith("The worker left with exit code 0.")


def test_an_order_to_the_dead_is_no_error() -> None:
    async def play(process: WorkerProcess) -> str:
        _, how = await life_of(process)
        process.send(link.Quit())
        process.kill("twice dead")
        return how

    assert with_worker(program("pass"), play) == "The worker left with exit code 0."


def test_a_worker_ends_when_its_daemon_is_killed() -> None:
    code = (
        "import asyncio, os, sys; from imagineerd.workers import spawn\n"
        "async def main():\n"
        "    process = await spawn(sys.argv[1:])\n"
        "    async for report in process.reports():\n"
        "        print(process.pid, flush=True); os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *command("fine")],
        capture_output=True,
        text=True,
        cwd=workers.PACKAGE_ROOT,
        check=False,
    )
    pid = int(run.stdout)

    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_each_failure_waits_longer_up_to_a_minute() -> None:
    waits = [backoff(failures) for failures in range(20)]

    assert waits == sorted(waits)
    assert (waits[:3], waits[-1]) == ([0.0, 0.0, 1.0], 60.0)
    assert max(BACKOFF_S) == 60.0
