"""`imagineerd install-service`: write the systemd unit that runs the daemon.

The user unit runs as whoever installs it and sees what they see. The system unit runs as the user `imagineer` and sees
next to nothing: no home, no network, no device but NVIDIA's (systemd.exec(5), systemd.resource-control(5)).
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from imagineerd.config import Paths
from imagineerd.errors import Denied, DiskError, Invalid, NotFound, WrongState
from imagineerd.replacing import replace_file
from imagineerd.version import VERSION

NAME: Final = "imagineerd.service"
SYSTEM_UNITS: Final = Path("/etc/systemd/system")
MARK: Final = "# Written by imagineerd "
"""How a unit of ours begins: one that begins otherwise is somebody else's and stays as it is."""
USER: Final = "imagineer"
STATE: Final = "/var/lib/imagineer"
HIDDEN: Final = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - named to be refused
"""What the system unit cannot see: `ProtectHome=`, `PrivateTmp=`."""

_UNIT: Final = """\
[Unit]
Description=imagineer, a dealer of card decks with Stable Diffusion
StartLimitIntervalSec=300
StartLimitBurst=5
"""

_DRIVER: Final = """\
# Device groups that do not exist yet when the unit starts are left out of DeviceAllow=.
Wants=modprobe@nvidia_uvm.service
After=modprobe@nvidia_uvm.service
"""

_SERVICE: Final = """
[Service]
Type=notify
NotifyAccess=main
ExecStart={executable}
ExecReload=kill -HUP $MAINPID
WatchdogSec=60
TimeoutStartSec=120
TimeoutStopSec=90
KillMode=mixed
Restart=on-failure
RestartSec=2
# 2: the configuration is wrong, or another daemon runs; starting again mends neither.
RestartPreventExitStatus=2
# A worker that the kernel ends for memory is replaced by the daemon.
OOMPolicy=continue
RuntimeDirectory=imagineer
RuntimeDirectoryMode=0700
"""

_SANDBOX: Final = """
LockPersonality=yes
NoNewPrivileges=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
# @resources stays: libzmq aborts where it may not set the scheduling of its threads to what it is, CUDA pins memory.
SystemCallFilter=~@privileged
# What is refused fails, as programs expect, and does not kill.
SystemCallErrorNumber=EPERM
"""
"""What needs no privilege of the service manager, and so works in a user's as well."""

_USER_PART: Final = """\
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
# The folder may hold the sockets of a daemon that was started by hand.
RuntimeDirectoryPreserve=yes

[Install]
WantedBy=default.target
"""

_SYSTEM_PART: Final = """
# The user must exist: {useradd}
User=imagineer
Group=imagineer
StateDirectory=imagineer
StateDirectoryMode=0700
CacheDirectory=imagineer
CacheDirectoryMode=0700
Environment=HOME=%S/imagineer
Environment=XDG_CACHE_HOME=%C/imagineer
Environment=IMAGINEER_CONFIG=%S/imagineer/config.yaml
Environment=IMAGINEER_DATA_DIR=%S/imagineer
Environment=IMAGINEER_RUNTIME_DIR=%t/imagineer
UMask=0077
OOMScoreAdjust=-100

# No network, so models must be on this machine. To let it fetch them, `systemctl edit imagineerd` and write
# [Service], PrivateNetwork=no, IPAddressDeny=, RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK and
# Environment=HF_HUB_OFFLINE=0, each on a line of its own.
Environment=HF_HUB_OFFLINE=1
PrivateNetwork=yes
IPAddressDeny=any
RestrictAddressFamilies=AF_UNIX

# The GPU, and no other device. The driver reads /proc/driver, so ProcSubset= stays as it is; oneDNN and Triton
# write code while they run, so MemoryDenyWriteExecute= does as well.
PrivateDevices=no
DevicePolicy=closed
DeviceAllow=char-nvidia* rw
MemoryDenyWriteExecute=no

AmbientCapabilities=
CapabilityBoundingSet=
PrivateMounts=yes
PrivateTmp=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
{labels}
[Install]
WantedBy=multi-user.target
"""
_LABELS: Final = """
# Labels are made in containers. Who may use the engine's socket is root on this machine, whatever stands above.
SupplementaryGroups=docker
# In a user namespace the group would be nobody's.
PrivateUsers=no
"""
USERADD: Final = f"useradd --system --user-group --home-dir {STATE} --shell /usr/sbin/nologin {USER}"

# ---------------------------------------------------------------- the text


def user_unit(executable: Path, variables: Mapping[str, str]) -> str:
    """Return the unit for a user's own service manager; `variables` are set for the daemon."""
    lines = "".join(f"Environment={quoted(f'{name}={value}')}\n" for name, value in variables.items())
    return _first_line("--user ") + _UNIT + _service(executable) + lines + _SANDBOX + _USER_PART


def system_unit(executable: Path, *, labels: bool = False) -> str:
    """Return the hardened unit for the system's service manager; with `labels` it may use the docker engine."""
    system = _SYSTEM_PART.format(useradd=USERADD, labels=_LABELS if labels else "")
    return _first_line("") + _UNIT + _DRIVER + _service(executable) + _SANDBOX + system


def _first_line(option: str) -> str:
    change = f"change it with `systemctl {option}edit imagineerd`"
    return f"{MARK}{VERSION}, whose `install-service` replaces it: {change}.\n"


def _service(executable: Path) -> str:
    return _SERVICE.format(executable=quoted(str(executable)))


def quoted(text: str) -> str:
    """Return one word of a unit file: quoted where it must be, its specifiers escaped (systemd.syntax(7))."""
    plain = text.replace("%", "%%")
    if not any(sign in plain for sign in " \t\"'\\"):
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


# ---------------------------------------------------------------- what is put into it


def find_executable(program: str, python: str) -> Path:
    """Return the installed `imagineerd`: the running one, else that beside the interpreter. Raises `NotFound`.

    `program` and `python` are `sys.argv[0]` and `sys.executable`. Links stay: they are what an update changes.
    """
    for path in (Path(program).absolute(), Path(python).with_name("imagineerd")):
        if path.name == "imagineerd" and path.is_file() and os.access(path, os.X_OK):
            return path
    raise NotFound("There is no imagineerd to put into a unit: install it first (pip install .).")


def variables_of(environ: Mapping[str, str], paths: Paths) -> dict[str, str]:
    """Return where the daemon must look, as far as this environment says: a service manager knows none of it."""
    found = {
        "IMAGINEER_CONFIG": ("XDG_CONFIG_HOME", paths.config_file),
        "IMAGINEER_DATA_DIR": ("XDG_DATA_HOME", paths.data_dir),
        "IMAGINEER_RUNTIME_DIR": ("", paths.runtime_dir),
    }
    return {name: str(path) for name, (base, path) in found.items() if environ.get(name) or environ.get(base)}


def check_visible(places: Sequence[Path]) -> None:
    """Raise `Invalid` where the system unit could not see something that the daemon runs from."""
    for place in places:
        if any(place.resolve().is_relative_to(folder) for folder in HIDDEN):
            message = f"A system service cannot see {place}: install imagineer and its Python elsewhere, as in /opt."
            raise Invalid(message=message)


# ---------------------------------------------------------------- installing


def user_folder(environ: Mapping[str, str], home: Path) -> Path:
    """Return where a user's units are (systemd.unit(5))."""
    base = Path(environ.get("XDG_CONFIG_HOME", ""))
    return (base if base.is_absolute() else home / ".config") / "systemd" / "user"


def install(text: str, folder: Path) -> Path:
    """Write the unit, replacing one of ours in one move; return its file.

    Raises `WrongState` where it is not ours, `Denied` and `DiskError`.
    """
    file = folder / NAME
    try:
        _check_ours(file)
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(file, text.encode(), mode=0o644)
    except PermissionError:
        raise Denied(f"You may not write {file}: use sudo, or install the service for yourself alone.") from None
    except OSError as error:
        raise DiskError(f"{file} was not written ({error.strerror}): mend that and try again.") from None
    return file


def _check_ours(file: Path) -> None:
    if file.exists() and not file.read_text(errors="replace").startswith(MARK):
        raise WrongState(f"{file} was not written by imagineerd: move it away, then install the service.")


def next_user_commands() -> list[str]:
    """Return what to type once the user unit is there."""
    return [
        "systemctl --user daemon-reload && systemctl --user enable --now imagineerd",
        "loginctl enable-linger   # so that it outlives your last logout",
    ]


def next_system_commands(executable: Path) -> list[str]:
    """Return what to type once the system unit is there: only its user may talk to the daemon."""
    client = f"sudo -u {USER} env IMAGINEER_DATA_DIR={STATE} IMAGINEER_RUNTIME_DIR=/run/imagineer"
    return [
        *([] if _user_exists() else [f"sudo {USERADD}"]),
        "sudo systemctl daemon-reload && sudo systemctl enable --now imagineerd",
        f"{client} {executable.with_name('imagineer')} status",
    ]


def _user_exists() -> bool:
    return any(user.pw_name == USER for user in pwd.getpwall())
