"""Who has which key: our own, those whom the daemon lets in, and the daemons that this user trusts.

Everything lies in one folder, one file for each key:

    client.key_secret       ours, when we are the client
    daemon.key_secret       ours, when we are the daemon
    authorized/NAME.key     a client that the daemon lets in, with its role
    daemons/HOST_PORT.key   a daemon that we speak to

A change is a change of a file: the daemon looks for itself, and needs neither a request nor a restart.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple, get_args

import msgspec

from imagineerd.errors import Conflict, Denied, DiskError, ImagineerError, Invalid, NotFound, Problem, did_you_mean
from imagineerd.network.key_files import (
    WRITTEN_BY_OTHERS,
    Pair,
    check_key,
    check_mode,
    draw,
    read_fields,
    read_pair,
    read_public,
    write_fields,
    write_pair,
)
from imagineerd.protocol import Role

ROLES: Final[tuple[Role, ...]] = get_args(Role)
SUFFIX: Final = ".key"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class AuthorizedKey(msgspec.Struct, frozen=True):
    """A client that may come in: what it is called here, what it may do, its public key in Z85."""

    name: str
    role: Role
    public: str


class Authorized(NamedTuple):
    """What the folder of authorized keys says; a file with a problem lets nobody in."""

    keys: tuple[AuthorizedKey, ...] = ()
    problems: tuple[Problem, ...] = ()


# ---------------------------------------------------------------- our own


def new_client_pair(folder: Path) -> Pair:
    """Draw and keep the key pair with which we go to other daemons. Raises `Conflict` where there is one."""
    file = folder / "client.key_secret"
    if file.exists():
        raise Conflict(f"There is a key already: remove {file} to draw another.")
    return _new_pair(file)


def client_pair(folder: Path) -> Pair:
    """Return our key pair as a client. Raises `NotFound`, `Denied`, `Invalid`."""
    try:
        return read_pair(folder / "client.key_secret")
    except NotFound:
        raise NotFound("You have no key yet: `imagineer keys new` draws one.") from None


def daemon_pair(folder: Path) -> Pair:
    """Return the daemon's key pair, drawn when it is first asked for. Raises `Denied`, `Invalid`, `DiskError`."""
    file = folder / "daemon.key_secret"
    try:
        return read_pair(file)
    except NotFound:
        return _new_pair(file)


def our_pairs(folder: Path) -> tuple[Pair | None, Pair | None]:
    """Return the key pairs of this machine as the daemon and as a client, None where there is none yet.

    Raises `Denied`, `Invalid`.
    """
    daemon, client = (folder / f"{name}.key_secret" for name in ("daemon", "client"))
    return read_pair(daemon) if daemon.exists() else None, read_pair(client) if client.exists() else None


def _new_pair(file: Path) -> Pair:
    pair = draw()
    write_pair(file, pair)
    return pair


# ---------------------------------------------------------------- who may come in


def authorized_folder(folder: Path) -> Path:
    """Return the folder of those whom the daemon lets in."""
    return folder / "authorized"


def authorize(folder: Path, key: AuthorizedKey) -> None:
    """Let a client in, or change its role. Raises `Invalid`, `Conflict` where its name or key is another's."""
    _check_name(key.name)
    check_key(key.public)
    for known in read_authorized(folder).keys:
        if (known.name == key.name) != (known.public == key.public):
            same = "name" if known.name == key.name else "key"
            raise Conflict(f'This {same} is that of "{known.name}": imagineer keys revoke {known.name} comes first.')
    file = authorized_folder(folder) / f"{key.name}{SUFFIX}"
    write_fields(file, {"name": key.name, "role": key.role}, {"public-key": key.public})


def revoke(folder: Path, name: str) -> None:
    """Let a client in no more. Raises `NotFound`."""
    names = [file.name.removesuffix(SUFFIX) for file in authorized_folder(folder).glob(f"*{SUFFIX}")]
    if name not in names:
        raise NotFound(f'No key is authorized as "{name}".{did_you_mean(name, names)}')
    try:
        (authorized_folder(folder) / f"{name}{SUFFIX}").unlink(missing_ok=True)
    except OSError as error:
        raise DiskError(f"The key of {name} cannot be removed ({error.strerror}).") from None


def read_authorized(folder: Path) -> Authorized:
    """Return who may come in, by name. A missing folder lets nobody in; this never raises."""
    keys: dict[str, AuthorizedKey] = {}
    problems: list[Problem] = []
    try:
        for file in _files(authorized_folder(folder)):
            _read_into(keys, problems, file)
    except (OSError, Denied) as error:
        text = error.message if isinstance(error, Denied) else f"It cannot be read ({error.strerror})."
        return Authorized(problems=(Problem(text, str(authorized_folder(folder))),))
    return Authorized(tuple(keys.values()), tuple(problems))


def _files(folder: Path) -> Iterable[Path]:
    if not folder.exists():
        return ()
    check_mode(folder, folder.stat(), WRITTEN_BY_OTHERS)
    return sorted(folder.glob(f"*{SUFFIX}"))


def _read_into(keys: dict[str, AuthorizedKey], problems: list[Problem], file: Path) -> None:
    try:
        key = _authorized(file)
        if key.public in keys:
            raise Invalid(message=f'This is the key of "{keys[key.public].name}": only that one counts.')
        keys[key.public] = key
    except ImagineerError as error:
        problems.append(Problem(error.message, str(file)))


def _authorized(file: Path) -> AuthorizedKey:
    name = _check_name(file.name.removesuffix(SUFFIX))
    fields = read_fields(file)
    role = next((role for role in ROLES if role == fields.get("role")), None)
    if role is None:
        raise Invalid(message=f'The file needs a line role = "…", with one of {", ".join(ROLES)}.')
    return AuthorizedKey(name, role, read_public(file))


def _check_name(name: str) -> str:
    if _NAME.fullmatch(name):
        return name
    shown = ascii(name if len(name) <= 40 else f"{name[:40]}…")  # noqa: PLR2004 - enough to recognise it
    raise Invalid(
        message=f"{shown} is no name of a key: write 1 to 64 of A-Z a-z 0-9 . _ @ -, a letter or digit first."
    )


# ---------------------------------------------------------------- whom we trust


class Address(NamedTuple):
    """Where a daemon listens: requests and events at `port`, pictures at the next one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"tcp://{self.host}:{self.port}"

    @property
    def blob(self) -> str:
        """The address of the pictures."""
        return f"tcp://{self.host}:{self.port + 1}"


def parse_address(text: str) -> Address:
    """Read `tcp://HOST:PORT`. Raises `Invalid`."""
    match = re.fullmatch(r"(?:tcp://)?([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})", text)
    if match is None or not 1 <= int(match[2]) < 65535:  # noqa: PLR2004 - the last port has none behind it
        raise Invalid(message=f"{text[:80]!a} is no address of a daemon: write tcp://HOST:PORT.")
    return Address(match[1], int(match[2]))


def trust(folder: Path, address: Address, public: str) -> None:
    """Note the public key of the daemon at an address. Raises `Invalid`, `DiskError`."""
    write_fields(_trusted_file(folder, address), {"address": str(address)}, {"public-key": check_key(public)})


def trusted(folder: Path, address: Address) -> str:
    """Return the public key of the daemon at an address. Raises `NotFound`, `Denied`, `Invalid`."""
    try:
        return read_public(_trusted_file(folder, address))
    except NotFound:
        how = f"on its machine `imagineer keys list` prints it; then: imagineer keys trust {address} 'KEY'"
        raise NotFound(f"The public key of {address} is not known here: {how}") from None


def _trusted_file(folder: Path, address: Address) -> Path:
    return folder / "daemons" / f"{address.host.strip('[]').replace(':', '_')}_{address.port}{SUFFIX}"


def machine_name() -> str:
    """Return this machine's name, as far as it can name a key."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname()).strip(".-_")[:64] or "client"
