"""The processes that are measured from outside: the program that people write first, and a worker from its start.

One that dies says how: its standard error is kept, and its end stands in the row that it was to fill.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

from desk import Call, Mix, items_of
from rows import Timed

from imagineerd import link
from imagineerd.jobs import GenerateSpec

ROOT = Path(__file__).resolve().parents[2]
PIPELINE: tuple[str, ...] = (sys.executable, str(Path(__file__).with_name("pipeline.py")))
WORKER: tuple[str, ...] = (sys.executable, "-P", "-m", "imagineerd.worker")
OURS = ("CUBLAS_WORKSPACE_CONFIG", "OMP_WAIT_POLICY")
"""Variables of a worker that others do without: what fixes cuBLAS' sums costs time, and where nothing else runs so does
to wait without spinning.
"""
LAST_WORDS = 20
"""Lines of a dead process's standard error that are shown."""
LEAVE_S = 60.0

Draw = Callable[[Sequence[GenerateSpec]], Timed]


@contextlib.contextmanager
def bare_loop(model: Path, folder: Path, device: str, mix: Mix) -> Iterator[Draw]:
    """Give a function that has a `StableDiffusionPipeline` draw cards one by one, and tells the seconds."""
    loras = [f"{path}={weight}" for _, path, weight in mix]
    environ = {name: value for name, value in os.environ.items() if name not in OURS}
    with _child((*PIPELINE, str(model), str(folder), device, *loras), environ) as child:

        def draw(specs: Sequence[GenerateSpec]) -> Timed:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(json.dumps([_card(spec) for spec in specs]) + "\n")
                child.stdin.flush()
            return Timed(float(child.stdout.readline() or _fail(child)))  # no line: it is gone

        yield draw
        child.stdin.close()
        child.wait(LEAVE_S)


def fresh_worker(hardware: link.Hardware, source: link.ModelSource, decks: Sequence[Sequence[Call]]) -> Iterator[Timed]:
    """Start a worker process; yield the seconds from then to the end of its first deck, and those of each later one."""
    ours, theirs = socket.socketpair()
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ours:
        began = time.perf_counter()
        with _child((*WORKER, "--fd", str(theirs.fileno())), environ, pass_fds=[theirs.fileno()]) as child:
            theirs.close()
            ours.sendall(link.frame(link.Configure(hardware, offline=True, keep=folder)))
            reader = ours.makefile("rb")
            for calls in decks:
                for call in calls:
                    ours.sendall(link.frame(link.Render(items_of(call, Path(folder)), source, call.size)))
                for _ in calls:
                    _read_until_done(reader, child)
                now = time.perf_counter()
                yield Timed(now - began, f"{sum(len(call.specs) for call in calls)} cards")
                began = time.perf_counter()


@contextlib.contextmanager
def _child(command: Sequence[str], environ: dict[str, str], **more: Any) -> Iterator[Any]:
    """Start a process; it is gone when this ends. `last_words` of it is the file that has its standard error."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with tempfile.TemporaryFile() as log:
        child: Any = subprocess.Popen(command, env=environ, text=True, stderr=log, **pipes, **more)
        child.last_words = log
        try:
            yield child
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()


def _fail(child: Any) -> NoReturn:
    """Raise `RuntimeError`, with how the process ended and its last line; show more of them."""
    child.wait(LEAVE_S)
    lines = _lines_of(child.last_words)
    sys.stderr.write("\n".join([f"{child.args[:4]} said last:", *lines[-LAST_WORDS:], ""]))
    raise RuntimeError(f"The process ended ({child.returncode}). Its last line: {lines[-1] if lines else 'none'}")


def _lines_of(log: IO[bytes]) -> list[str]:
    log.seek(0)
    return [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]


def _read_until_done(reader: Any, child: Any) -> None:
    while True:
        header = reader.read(4)
        if len(header) < 4:
            _fail(child)
        match link.decode_report(reader.read(link.length_of(header))):
            case link.Failed(message=message) | link.Broken(message=message):
                raise RuntimeError(message)
            case link.OrderDone():
                return


def _card(spec: GenerateSpec) -> dict[str, object]:
    return {
        "prompt": spec.prompt,
        "negative_prompt": spec.negative_prompt,
        "width": spec.width,
        "height": spec.height,
        "num_inference_steps": spec.steps,
        "guidance_scale": spec.guidance_scale,
        "seed": spec.seed,
    }
