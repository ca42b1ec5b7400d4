"""`imagineerd`: arguments → Config → Daemon, or → the unit of a service."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from imagineerd.errors import ImagineerError
from imagineerd.version import VERSION


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon in the foreground; return the exit code (2: it could not start)."""
    parser = argparse.ArgumentParser(
        prog="imagineerd",
        description="The imagineer daemon: it owns the Stable Diffusion pipeline and the queue.",
    )
    parser.add_argument("--version", action="version", version=f"imagineerd {VERSION}")
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"))
    parser.add_argument("--paused", action="store_true", help="start no job until somebody resumes the queue")
    _add_install(parser)
    options = parser.parse_args(arguments)
    try:
        if options.command:
            _install(system=options.system, labels=options.labels, show=options.print)
        else:
            _run(options.log_level, paused=options.paused)
    except ImagineerError as error:
        for line in error.problems or (error.message,):
            print(f"imagineerd: {line}", file=sys.stderr)
        return 2
    return 0


def _add_install(parser: argparse.ArgumentParser) -> None:
    about = "Write the systemd unit that runs the daemon, and say what to type next."
    commands = parser.add_subparsers(dest="command", title="instead of running it", metavar="")
    install = commands.add_parser("install-service", help=about[:-1].lower(), description=about)
    install.add_argument("--system", action="store_true", help="a hardened service of the system, not of yourself")
    install.add_argument("--labels", action="store_true", help="let it use the docker engine, which makes it root")
    install.add_argument("--print", action="store_true", help="show the unit and write nothing")


def _install(*, system: bool, labels: bool, show: bool) -> None:
    from imagineerd.config import find_paths
    from imagineerd.service import unit

    paths = find_paths(os.environ)
    executable = unit.find_executable(sys.argv[0], sys.executable)
    variables = unit.variables_of(os.environ, paths)
    text = unit.system_unit(executable, labels=labels) if system else unit.user_unit(executable, variables)
    if show:
        print(text, end="")
        return
    if system:
        unit.check_visible([executable, Path(sys.base_prefix), Path(__file__)])
    folder = unit.SYSTEM_UNITS if system else unit.user_folder(os.environ, paths.home)
    file = unit.install(text, folder)
    print(f"{file} is written. If a daemon runs already, stop it (imagineer stop); then type:")
    for command in unit.next_system_commands(executable) if system else unit.next_user_commands():
        print(f"  {command}")


def _run(log_level: str | None, *, paused: bool) -> None:
    # Imported late so that --version and --help answer at once.
    import msgspec

    from imagineerd import logs
    from imagineerd.config import find_paths, load_config
    from imagineerd.daemon import run

    faulthandler.enable()  # the watchdog ends us with SIGABRT: then the journal shows where every thread stood
    paths = find_paths(os.environ)
    config = load_config(paths)
    if paused:
        config = msgspec.structs.replace(config, daemon=msgspec.structs.replace(config.daemon, start_paused=True))
    logs.configure(log_level or config.daemon.log_level)
    asyncio.run(run(paths, config))


if __name__ == "__main__":
    sys.exit(main())
