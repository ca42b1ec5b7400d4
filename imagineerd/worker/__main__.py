"""A worker process: `python -m imagineerd.worker --fd N`, where N is its end of the daemon's socketpair.

With `--lane io` it works with containers instead (`io`), and torch is never imported.

It says `Hello` before anything heavy is imported, is configured once, then does one order after the other. It never
ends for a job's sake, except when the GPU's context is lost.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import os
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from imagineerd import link
from imagineerd.errors import ImagineerError
from imagineerd.jobs import Lane
from imagineerd.worker import keeping
from imagineerd.worker.kinds import RUNNERS, runners_of
from imagineerd.worker.mailbox import Mailbox

if TYPE_CHECKING:
    from imagineerd.worker.context import Context
    from imagineerd.worker.devices import Device
    from imagineerd.worker.models import Model

ENVIRONMENT = {
    # Read when CUDA starts; without it cuBLAS may change its sums from run to run.
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "DIFFUSERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Threads that spin at OpenMP's barriers stand still whenever another program wants a core: 3 to 80 times slower.
    # Where none does, those that sleep take twice as long for a call of one picture.
    "OMP_WAIT_POLICY": "PASSIVE",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


def main() -> int:
    """Run until the daemon says `Quit` or closes the link; return the exit status."""
    parser = argparse.ArgumentParser(prog="imagineerd.worker", description="A worker of imagineerd.")
    parser.add_argument("--fd", type=int, required=True, help="the socket to the daemon")
    parser.add_argument("--lane", choices=get_args(Lane), default="gpu", help="what it works with")
    options = parser.parse_args()
    mailbox = Mailbox(socket.socket(fileno=options.fd), clears_up=options.lane == "io")
    _prepare_process()
    mailbox.send(link.Hello(os.getpid()))
    mailbox.start()
    match mailbox.receive():
        case link.Configure() as configure if options.lane == "io":
            return _work_with_containers(mailbox, configure)
        case link.Configure() as configure:
            return _work(mailbox, configure)
        case _:
            return 0


def _prepare_process() -> None:
    """Leave Ctrl-C to the daemon, send all prints to stderr, show every thread's stack on SIGUSR1 and on a crash."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(2, 1)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    _set_environment(ENVIRONMENT)


def _set_environment(variables: Mapping[str, str]) -> None:
    """Set what the libraries read when they are imported; what a person has set stays."""
    for name, value in variables.items():
        os.environ.setdefault(name, value)


def _work_with_containers(mailbox: Mailbox, configure: link.Configure) -> int:
    try:
        io = import_module("imagineerd.worker.io")
    except ImportError as error:
        mailbox.send(link.Broken("E_INTERNAL", f"Nothing can be labelled: {error}. Install imagineer again."))
        return 1
    return int(io.serve(mailbox, configure))


def _work(mailbox: Mailbox, configure: link.Configure) -> int:
    try:
        context = _set_up(mailbox, configure)
    except ImagineerError as error:
        mailbox.send(link.Broken(error.code, error.message))
        return 1
    except ImportError as error:
        mailbox.send(link.Broken("E_INTERNAL", f"The worker cannot start: {error}. Install imagineer again."))
        return 1
    if configure.preload is not None:
        _preload(context, configure.preload)
    return _serve(context)


def _set_up(mailbox: Mailbox, configure: link.Configure) -> Context:
    """Import torch, choose the device, import the rest, and say `Ready`. Raises `ImagineerError` without the device."""
    if configure.offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    if configure.keep:
        _set_environment(keeping.for_compilers(Path(configure.keep)))
    import torch

    from imagineerd.worker import devices

    device = devices.choose(configure.hardware)
    devices.set_up(device, configure.hardware.threads)
    from imagineerd.worker.context import Context, measured_in
    from imagineerd.worker.models import Library

    for module in runners_of("gpu"):
        import_module(module)
    mailbox.send(
        link.Ready(
            device=str(device.handle),
            device_name=device.name,
            dtype=device.dtype_name,
            torch=str(torch.__version__),
            batch_sizes=device.batch_sizes,
            memory_used=devices.memory_used(device),
            memory_total=device.memory,
            devices=devices.devices_of_auto(device),
        )
    )
    make_ready = partial(_make_ready, device, measured_in(configure))
    return Context(mailbox, configure, device, Library(device, configure, mailbox.send, make_ready))


def _make_ready(device: Device, folder: Path | None, model: Model) -> None:
    """Do what is done once with each model that was loaded; `folder` is where measurements are kept."""
    from imagineerd.worker import capturing, compiling, denoise, preview, racing, selftest

    model.slot_independent = selftest.slots_are_independent(model, device)
    preview.fit_ahead(model, device)
    if device.capture:
        model.captures = capturing.Captures(capturing.Capturer(device))
        denoise.encode(model, "")  # captures the text encoder, before a compiler is at work: beside one nothing is
    if device.compile:
        model.graphs = racing.RacedGraphs(compiling.Graphs(model.unet), model, device, folder)


def _preload(context: Context, source: link.ModelSource) -> None:
    """Load the model ahead of the first order; trouble with it is told, and again by that order."""
    from imagineerd.worker import failures

    try:
        context.library.get(source)
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        context.mailbox.send(link.Loading(source.name, failures.explain(error)[1]))


def _serve(context: Context) -> int:
    while True:
        match context.mailbox.receive():
            case link.Render() as order:
                _run(order, context)
            case link.Unload():
                context.unload()
            case link.Quit():
                context.orders.finish()
                return 0


def _run(render: link.Render, context: Context) -> None:
    """Draw one order and let it be closed; where the device is lost the process ends."""
    from imagineerd.worker import failures

    order = context.orders.begin(render)
    out_of_memory = False
    try:
        runner = import_module(RUNNERS[type(render.items[0].spec).__name__])
        runner.run(order, context)
    except Exception as error:  # noqa: BLE001 - whatever it is becomes the job's error
        if failures.is_device_lost(error):
            failures.leave_without_device()
        traceback.print_exc()
        out_of_memory = failures.is_out_of_memory(error)
        order.fail(*failures.explain(error))
    if out_of_memory:  # outside `except`, whose traceback holds the tensors
        gc.collect()
        context.library.keep(0)
    context.orders.end(order)


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # every report is sent by now; to take torch down in order would cost a second
