"""`imagineer keys`: the files of keys on this machine. A running daemon looks at them itself."""

from __future__ import annotations

import msgspec

from imagineer_tui.output import Output
from imagineer_tui.run import OK, Run
from imagineerd.config import load_config
from imagineerd.errors import Problem
from imagineerd.network import keys as files


class Keys(msgspec.Struct, frozen=True):
    """What `keys list` shows. `daemon` and `client` are this machine's public keys, empty where there is none yet."""

    authorized: tuple[files.AuthorizedKey, ...]
    problems: tuple[Problem, ...]
    daemon: str
    client: str


def keys(run: Run) -> int:
    """Draw, authorize, revoke, trust or list keys."""
    run.only_here("Keys are files of this machine")
    match run.options.action:
        case "new":
            _new(run)
        case "authorize":
            _authorize(run)
        case "revoke":
            files.revoke(run.paths.keys_dir, run.options.name)
            run.out.result(f"{run.options.name} comes in no more; what it has open ends within a second or two.")
        case "trust":
            address = files.parse_address(run.options.address)
            files.trust(run.paths.keys_dir, address, run.options.key)
            run.out.result(f"The daemon at {address} is known now: imagineer --connect {address} status")
        case _:
            run.out.show(_list(run), _print)
    return OK


def _new(run: Run) -> None:
    pair = files.new_client_pair(run.paths.keys_dir)
    run.out.result(f"Your key is drawn. On the daemon's machine, type (or with the role viewer, or admin):\n"
                   f"  imagineer keys authorize {files.machine_name()} '{pair.public}' --role operator")  # fmt: skip


def _authorize(run: Run) -> None:
    options, folder = run.options, run.paths.keys_dir
    files.authorize(folder, files.AuthorizedKey(options.name, options.role, options.key))
    listens = load_config(run.paths).listen.tcp
    address = files.parse_address(listens) if listens else None
    run.out.result(f"{options.name} may come in as {options.role}. On its machine, type:\n"
                   f"  imagineer keys trust {_reachable(address)} '{files.daemon_pair(folder).public}'")  # fmt: skip
    if address is None:
        run.out.notice("Nobody can come in yet: imagineer config set listen.tcp 0.0.0.0:5757, then restart the daemon.")


def _reachable(address: files.Address | None) -> str:
    """Return the address for a client; where the daemon listens on all, this machine's name has to do."""
    if address is None or address.host in {"0.0.0.0", "[::]"}:  # noqa: S104 - compared, not bound
        return f"tcp://{files.machine_name()}:{address.port if address else 'PORT'}"
    return str(address)


def _list(run: Run) -> Keys:
    folder = run.paths.keys_dir
    found = files.read_authorized(folder)
    ours = [pair.public if pair else "" for pair in files.our_pairs(folder)]
    return Keys(found.keys, found.problems, *ours)


def _print(out: Output, data: Keys) -> None:
    for key in data.authorized:
        out.line(f"{key.name}  {key.role}  {key.public}")
    if not data.authorized:
        out.line("Nobody may come in over the network.")
    for problem in data.problems:
        out.line(f"Problem: {problem}")
    for name, public in (("as the daemon", data.daemon), ("as a client", data.client)):
        out.line(f"This machine's key {name}: {public or 'none yet'}")
