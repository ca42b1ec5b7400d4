"""The doctor: everything that imagineer needs, checked one by one, each with its remedy.

The checks look at this machine for themselves and take from the daemon what only it knows (worker,
model, sets). They import nothing heavy and open no database, so they run where no daemon starts.
Labels are optional: what only they need is a warning at most.
"""

from __future__ import annotations

import os
import platform
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Final

import zmq

from imagineerd.config import Config, Paths, config_notes, devices_of, load_config
from imagineerd.errors import ImagineerError, Problem
from imagineerd.labels.checks import check_docker, check_labeler, check_login
from imagineerd.models import STARTER
from imagineerd.network import keys
from imagineerd.protocol import Check, DeviceWorker, Level, ModelInfo, Worker

GIB: Final = 1024**3
MIB: Final = 1024**2
LITTLE_DISK: Final = 5 * GIB
NO_DISK: Final = 500 * MIB
SD15_MEMORY: Final = 4 * GIB
"""GPU memory that Stable Diffusion 1.5 takes without any saving."""
SHOWN: Final = 3
"""Problems that one finding spells out."""
PATIENCE_S: Final = 2.0
"""Seconds that another program may take to answer."""

OLDEST_PYTHON: Final = (3, 11)
WANTED: Final = {
    "torch": "torch>=2.6,<2.14",
    "diffusers": "diffusers>=0.42,<0.43",
    "transformers": "transformers>=5.20,<6",
    "accelerate": "accelerate>=1.10",
    "peft": "peft>=0.18",
}
"""The libraries of the worker, as `pyproject.toml` asks for them."""
LINGER: Final = Path("/var/lib/systemd/linger")
"""systemd keeps a file here for each user whose session outlives the last logout (loginctl(1))."""
SESSIONS: Final = Path("/run/user")

_Probe = Callable[[], Check]
_Version = tuple[int, ...]


def run_checks(  # noqa: PLR0913 - what the daemon knows comes from several of its parts
    paths: Paths,
    config: Config,
    worker: Worker | None,
    model: ModelInfo | None,
    set_problems: Sequence[Problem] = (),
    *,
    environ: Mapping[str, str] = os.environ,
    sqlite: str = "",
) -> tuple[Check, ...]:
    """Return every finding, in the order to look at them. Blocks for a second or two; never raises.

    `worker` and `model` are None where no daemon tells of them; `sqlite` is the version that the
    store runs on, empty where there is none.
    """
    outputs = config.output.directory
    probes: list[tuple[str, _Probe]] = [
        ("python", partial(check_python, sys.version_info[:3])),
        *((name, partial(check_library, name, text)) for name, text in WANTED.items()),
        ("config", partial(check_config, paths)),
        ("device", partial(check_device, config, worker)),
        ("nvidia", partial(check_nvidia, config, worker, environ)),
        ("model", partial(check_model, config, model)),
        ("sets", partial(check_sets, set_problems)),
        (
            "data folder",
            partial(check_folder, "data folder", paths.data_dir, "$IMAGINEER_DATA_DIR"),
        ),
        ("output folder", partial(check_folder, "output folder", outputs, "output.directory")),
        ("runtime folder", partial(check_runtime, paths.runtime_dir)),
        ("network", partial(check_network, paths, config.listen.tcp)),
        *([("sqlite", partial(check_sqlite, sqlite))] if sqlite else []),
        ("docker", partial(check_docker, environ)),
        ("labeler", partial(check_labeler, config, environ)),
        ("login", partial(check_login, config, paths, environ)),
    ]
    with ThreadPoolExecutor(len(probes)) as pool:
        return tuple(pool.map(_safely, probes))


def _safely(named: tuple[str, _Probe]) -> Check:
    name, probe = named
    try:
        return probe()
    except Exception as error:  # noqa: BLE001 - a check that fails must not hide the others
        message = f"This could not be checked ({type(error).__name__}: {error})."
        return Check(name=name, level="warn", message=message, remedy="Please report this.")


# ---------------------------------------------------------------- software


def check_python(version: Sequence[int]) -> Check:
    """Python is new enough."""
    text = f"Python {'.'.join(map(str, version))} on {platform.system()} {platform.machine()}."
    if tuple(version) >= OLDEST_PYTHON:
        return Check(name="python", level="ok", message=text)
    return Check(name="python", level="fail", message=text, remedy="Install Python 3.11 or newer.")


def check_library(name: str, wanted: str) -> Check:
    """A library is installed in a version that fits; it is not imported."""
    remedy = f'Run: pip install "{wanted}".'
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Check(name=name, level="fail", message="This is not installed.", remedy=remedy)
    if fits(version, wanted):
        return Check(name=name, level="ok", message=f"Version {version}.")
    message = f"Version {version} does not fit {wanted}."
    return Check(name=name, level="fail", message=message, remedy=remedy)


def fits(version: str, wanted: str) -> bool:
    """Say whether a version (`2.13.0+cpu`) is in a range (`torch>=2.6,<2.14`)."""
    bounds = re.findall(r"(>=|<)\s*([0-9.]+)", wanted)
    found = _numbers(version)
    return all((found >= _numbers(bound)) if sign == ">=" else (found < _numbers(bound)) for sign, bound in bounds)


def _numbers(version: str) -> _Version:
    """Return the leading numbers of a version without zeros at the end: 2.6 equals 2.6.0."""
    leading = re.split(r"[^0-9.]", version, maxsplit=1)[0]
    numbers = [int(part) for part in leading.split(".") if part]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def check_sqlite(version: str) -> Check:
    """SQLite is named.

    Before 3.51.3 a second connection could damage the log while it is reset; the store has one.
    """
    return Check(name="sqlite", level="ok", message=f"SQLite {version}, on one connection.")


# ---------------------------------------------------------------- what the user wrote


def check_config(paths: Paths) -> Check:
    """The file as it is now can be read; what in it has no effect is a warning."""
    try:
        load_config(paths)
        notes = config_notes(paths)
    except ImagineerError as error:
        return _listed("config", "fail", error.problems, "Mend the lines named here.")
    if notes:
        return _listed("config", "warn", notes, "Change the lines named here when you like.")
    there = "is right" if paths.config_file.exists() else "does not exist, so defaults are used"
    return Check(name="config", level="ok", message=f"{paths.config_file} {there}.")


def check_sets(problems: Sequence[Problem]) -> Check:
    """Every set can be dealt."""
    if problems:
        return _listed("sets", "fail", problems, "Mend the lines named here, then deal the set.")
    return Check(name="sets", level="ok", message="Every set can be dealt.")


def _listed(name: str, level: Level, problems: Sequence[Problem], remedy: str) -> Check:
    shown = [str(problem) for problem in problems[:SHOWN]]
    more = [f"and {len(problems) - SHOWN} more."] if len(problems) > SHOWN else []
    return Check(name=name, level=level, message=" ".join([*shown, *more]), remedy=remedy)


# ---------------------------------------------------------------- device and model


def check_device(config: Config, worker: Worker | None) -> Check:
    """Each worker runs on the device that the configuration asks for."""
    wanted = devices_of(config)
    workers = [None] if worker is None else worker.workers or [worker]
    checks = [_check_worker(wanted[min(place, len(wanted) - 1)], each) for place, each in enumerate(workers)]
    bad = [check for check in checks if check.level != "ok"]
    return bad[0] if bad else Check(name="device", level="ok", message=" ".join(check.message for check in checks))


def _check_worker(wanted: str, worker: DeviceWorker | None) -> Check:
    if worker is not None and worker.phase == "dead":
        message = worker.detail or "The worker does not run."
        remedy = _device_remedy(wanted)
        return Check(name="device", level="fail", message=message, remedy=remedy)
    if worker is None or not worker.device:
        message = "The worker has not said yet which device it has."
        remedy = "Start the daemon, wait until the model is loaded, and look again."
        return Check(name="device", level="warn", message=message, remedy=remedy)
    if wanted != "auto" and not worker.device.startswith(wanted.split(":", maxsplit=1)[0]):
        message = f"hardware.device asks for {wanted}, but the worker runs on {worker.device}."
        return Check(name="device", level="fail", message=message, remedy=_device_remedy(wanted))
    return Check(name="device", level="ok", message=_device_words(worker))


def _device_remedy(wanted: str) -> str:
    if wanted.startswith("cuda"):
        return "Install the NVIDIA driver and a torch built for CUDA, or set hardware.device to auto."
    return "Look into the daemon's log, or set hardware.device to cpu."


def _device_words(worker: DeviceWorker) -> str:
    name = f" ({worker.device_name})" if worker.device_name else ""
    memory = ""
    if worker.memory_total:
        memory = f", {worker.memory_used / GIB:.1f} of {worker.memory_total / GIB:.1f} GiB in use"
    torch = f", torch {worker.torch}" if worker.torch else ""
    return f"{worker.device}{name}, {worker.dtype or 'type unknown'}{memory}{torch}."


def check_nvidia(config: Config, worker: Worker | None, environ: Mapping[str, str]) -> Check:
    """The NVIDIA driver answers where there is one, torch uses it, and the model has room."""
    program = shutil.which("nvidia-smi", path=environ.get("PATH", os.defpath))
    if program is None:
        return _no_nvidia(config.hardware.device)
    try:
        gpus = list(_gpus(program))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        message = f"nvidia-smi is there but fails ({_first_line(error)})."
        remedy = "Install the driver again, or restart the machine after an update of it."
        return Check(name="nvidia", level="warn", message=message, remedy=remedy)
    unused = worker is not None and worker.device == "cpu" and config.hardware.device == "auto"
    if gpus and unused:
        message = f"There is a GPU ({gpus[0][0]}), but the worker runs on the CPU."
        remedy = "Install a torch built for CUDA (https://pytorch.org/get-started)."
        return Check(name="nvidia", level="warn", message=message, remedy=remedy)
    return _room(gpus, config, worker)


def _no_nvidia(device: str) -> Check:
    if not device.startswith("cuda"):
        return Check(name="nvidia", level="ok", message="There is no NVIDIA driver, and none is asked for.")
    message = f"hardware.device asks for {device}, but there is no nvidia-smi."
    remedy = "Install the NVIDIA driver, or set hardware.device to auto."
    return Check(name="nvidia", level="fail", message=message, remedy=remedy)


def _gpus(program: str) -> Iterator[tuple[str, int, int]]:
    """Yield (name, bytes in all, bytes free) of each GPU, 0 where unknown."""
    query = "--query-gpu=name,memory.total,memory.free"
    command = [program, query, "--format=csv,noheader,nounits"]
    done = subprocess.run(  # noqa: S603 - a fixed command
        command, capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    for line in done.stdout.splitlines():
        name, total, free = (part.strip() for part in line.rsplit(",", 2))
        yield name, _mebibytes(total), _mebibytes(free)


def _mebibytes(text: str) -> int:
    """Return bytes; 0 where the GPU shares the machine's memory and reports `[N/A]`."""
    return int(text) * MIB if text.isdecimal() else 0


def _room(gpus: Sequence[tuple[str, int, int]], config: Config, worker: Worker | None) -> Check:
    index = int(devices_of(config)[0].partition(":")[2] or 0)
    if index >= len(gpus):
        message = f"There is no GPU {index} among the {len(gpus)} that nvidia-smi lists."
        remedy = "Set hardware.device to one that is there, or to auto."
        return Check(name="nvidia", level="fail", message=message, remedy=remedy)
    name, total, free = gpus[index]
    message = f"{name}, {free / GIB:.1f} of {total / GIB:.1f} GiB free."
    ours = (worker.workers or (worker,))[0].memory_used if worker is not None else 0
    if config.model.default == STARTER or not total or free + ours >= SD15_MEMORY:
        return Check(name="nvidia", level="ok", message=message)
    remedy = (
        "Close other programs on the GPU, or set hardware.enable_attention_slicing or "
        "hardware.enable_cpu_offload to true."
    )
    return Check(name="nvidia", level="warn", message=message, remedy=remedy)


def check_model(config: Config, model: ModelInfo | None) -> Check:
    """The model's files are here, or will be fetched."""
    if model is None:
        message = f"No daemon has looked for {config.model.default} yet."
        remedy = "Start the daemon and look again."
        return Check(name="model", level="warn", message=message, remedy=remedy)
    if model.present:
        revision = f", revision {model.revision[:12]}" if model.revision else ""
        return Check(name="model", level="ok", message=f"{model.name} is here{revision}.")
    if config.model.offline:
        message = f"{model.name} is not here, and model.offline forbids fetching it."
        remedy = "Set model.offline to false, or model.default to starter."
        return Check(name="model", level="fail", message=message, remedy=remedy)
    message = f"{model.name} is not here yet; it is fetched when it is first used."
    remedy = "Deal one card while there is a network, or set model.default to starter."
    return Check(name="model", level="warn", message=message, remedy=remedy)


# ---------------------------------------------------------------- folders


def check_folder(name: str, folder: Path, setting: str) -> Check:
    """Files can be made in a folder, or it can be created, and the disk has room."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    remedy = f"Change its permissions, or set {setting} to another folder."
    try:
        with tempfile.TemporaryFile(dir=there):
            free = shutil.disk_usage(there).free
    except OSError as error:
        message = f"{there} takes no files ({error.strerror})."
        return Check(name=name, level="fail", message=message, remedy=remedy)
    level = disk_level(free)
    message = f"{folder} can be written; {free / GIB:.1f} GiB are free."
    remedy = "" if level == "ok" else f"Free some disk, or set {setting} to a folder elsewhere."
    return Check(name=name, level=level, message=message, remedy=remedy)


def disk_level(free: int) -> Level:
    """Return how bad it is that this many bytes are free."""
    if free < NO_DISK:
        return "fail"
    return "warn" if free < LITTLE_DISK else "ok"


def check_runtime(folder: Path, sessions: Path = SESSIONS, linger: Path = LINGER) -> Check:
    """The sockets' folder stays after the last logout.

    systemd removes `sessions/UID` when the user's last session ends, and a daemon with it, unless
    the user lingers (pam_systemd(8)).
    """
    user = pwd.getpwuid(os.getuid()).pw_name
    endangered = folder.is_relative_to(sessions) and linger.parent.is_dir()
    if not endangered or (linger / user).exists():
        return Check(name="runtime folder", level="ok", message=f"The sockets are in {folder}.")
    message = f"The sockets are in {folder}, which is removed at your last logout."
    remedy = f"Run: loginctl enable-linger {user}."
    return Check(name="runtime folder", level="warn", message=message, remedy=remedy)


def check_network(paths: Paths, tcp: str | None) -> Check:
    """Where other machines can come in, the keys are in order and there is somebody to come."""
    name = "network"
    if tcp is None:
        return Check(name=name, level="ok", message="No other machine can come in (listen.tcp is null).")
    if not zmq.has("curve"):
        remedy = "Install pyzmq from its wheel, or set listen.tcp to null."
        return Check(name=name, level="fail", message="This libzmq was built without CURVE.", remedy=remedy)
    try:
        keys.our_pairs(paths.keys_dir)
    except ImagineerError as error:
        return Check(name=name, level="fail", message=error.message, remedy="Mend the file, or set listen.tcp to null.")
    found = keys.read_authorized(paths.keys_dir)
    if found.problems:
        message = " ".join(map(str, found.problems[:SHOWN]))
        return Check(name=name, level="fail", message=message, remedy="Mend or remove these files: they let nobody in.")
    if not found.keys:
        remedy = "Run: imagineer keys authorize NAME KEY --role operator."
        return Check(name=name, level="warn", message=f"Nobody has a key to come in at {tcp}.", remedy=remedy)
    who = ", ".join(f"{key.name} ({key.role})" for key in found.keys)
    return Check(name=name, level="ok", message=f"At {tcp} may come in: {who}.")


def _first_line(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]
