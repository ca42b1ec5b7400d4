"""The worker of lane `io`: labels in containers, several at a time. It imports no torch.

When the daemon is gone it stops its containers before it leaves: nobody else would.
"""

from __future__ import annotations

import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import docker
import docker.errors
import requests

from imagineerd import link
from imagineerd.errors import LabelError
from imagineerd.worker import containers, labeler_image, scratch
from imagineerd.worker.kinds import RUNNERS
from imagineerd.worker.mailbox import Mailbox
from imagineerd.worker.scratch import Unready

THREADS = 64


class Context:
    """What a job of this lane may use: the way to report, the engine, a folder, and a name for its containers."""

    def __init__(self, mailbox: Mailbox, configure: link.Configure) -> None:
        self.mailbox = mailbox
        self.owner = containers.Owner(configure.owner, set())
        self.scratch = Path(configure.scratch)
        self._sweeping = threading.Lock()
        self._swept = False
        self._clients = threading.local()

    def engine(self) -> docker.DockerClient:
        """Return this thread's client of the engine, after removing what is left in that. Raises `Unready`."""
        client = getattr(self._clients, "engine", None)
        if client is None:
            client = self._clients.engine = containers.connect()
        with self._sweeping:
            if not self._swept:
                containers.sweep(client, self.owner)
                self._swept = True
            containers.clear(client, self.owner)
        return client


def serve(mailbox: Mailbox, configure: link.Configure) -> int:
    """Do orders until the daemon says `Quit` or is gone; return the exit status."""
    context = Context(mailbox, configure)
    scratch.clear(context.scratch)
    mailbox.send(link.Ready(device="docker", device_name="", dtype="", torch=""))
    try:
        context.engine()
    except (Unready, docker.errors.DockerException, requests.RequestException) as error:
        mailbox.send(link.Loading("", str(error)))  # the first label will meet it, too
    with ThreadPoolExecutor(THREADS, thread_name_prefix="label") as labels:
        while True:
            match mailbox.receive():
                case link.Label() as order:
                    labels.submit(_label, order, context)
                case link.Build() as order:
                    threading.Thread(target=_build, args=(order, context), daemon=True).start()
                case link.Quit():
                    return 0


def _label(order: link.Label, context: Context) -> None:
    try:
        import_module(RUNNERS["LabelSpec"]).run(order, context)
    except Exception as error:  # noqa: BLE001 - whatever it is becomes the job's error
        traceback.print_exc()
        message = f"The worker failed with {type(error).__name__}: {error}."
        context.mailbox.send(link.Failed(order.job, order.attempt, "E_INTERNAL", message))


def _build(order: link.Build, context: Context) -> None:
    error = ""
    try:
        labeler_image.build(containers.connect(), order, lambda line: context.mailbox.send(link.Building(line)))
    except (Unready, LabelError) as trouble:
        error = str(trouble)
    except Exception as trouble:  # noqa: BLE001 - whatever it is, who waits for the image is told
        traceback.print_exc()
        error = f"The worker failed with {type(trouble).__name__}: {trouble}."
    context.mailbox.send(link.Built(order.image, error))
