"""Read and write the files of CURVE keys; `keys.py` says where they lie and what they are for.

They are certificates as ZeroMQ's own tools write them (ZPL, rfc.zeromq.org/spec/4): `zcert_load` and
`zmq.auth.load_certificate` read them as well.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from pathlib import Path
from typing import Final, NamedTuple

import zmq
from zmq.utils import z85

from imagineerd.errors import Denied, DiskError, Invalid, NotFound
from imagineerd.replacing import replace_file

MAX_BYTES: Final = 4096
KEY_LENGTH: Final = 40
"""Characters of a key in Z85 (rfc.zeromq.org/spec/32); it has 32 bytes."""
BY_OTHERS: Final = 0o077
"""Permissions that nobody else may have on a secret key."""
WRITTEN_BY_OTHERS: Final = 0o022
"""Permissions that nobody else may have on a public key: who could write it could let himself in."""
_LINE: Final = re.compile(r'^[ \t]*([a-z-]+)[ \t]*=[ \t]*"([^"\n]*)"[ \t]*$', re.MULTILINE)


class Pair(NamedTuple):
    """A CURVE key pair in Z85."""

    public: str
    secret: str


def draw() -> Pair:
    """Return a new key pair. Its public key does not begin like an option of a command line."""
    while (pair := _draw()).public.startswith("-"):
        pass
    return pair


def _draw() -> Pair:
    if not zmq.has("curve"):
        raise DiskError("This libzmq was built without CURVE: install pyzmq from its wheel (pip install pyzmq).")
    public, secret = zmq.curve_keypair()
    return Pair(public.decode(), secret.decode())


def check_key(text: str) -> str:
    """Return a public key as it was given. Raises `Invalid` where it is none."""
    try:
        if len(text) == KEY_LENGTH and len(z85.decode(text.encode("ascii"))) == KEY_LENGTH * 4 // 5:
            return text
    except (ValueError, KeyError, struct.error):
        pass
    raise Invalid(message=f"A public key has {KEY_LENGTH} characters of Z85, as `imagineer keys new` prints it.")


def read_pair(file: Path) -> Pair:
    """Return the key pair in a file that nobody else may read. Raises `NotFound`, `Denied`, `Invalid`."""
    fields = read_fields(file, forbidden=BY_OTHERS)
    try:
        secret = check_key(fields["secret-key"])
        return Pair(zmq.curve_public(secret.encode()).decode(), secret)
    except (KeyError, Invalid):
        raise Invalid(message=f"{file} holds no secret key: remove it and draw another.") from None


def read_public(file: Path) -> str:
    """Return the public key in a file that nobody else may write. Raises `NotFound`, `Denied`, `Invalid`."""
    try:
        return check_key(read_fields(file)["public-key"])
    except KeyError:
        raise Invalid(message=f'{file} holds no line public-key = "…".') from None


def read_fields(file: Path, forbidden: int = WRITTEN_BY_OTHERS) -> dict[str, str]:
    """Return what a file says, whose mode may have none of the `forbidden` bits.

    Raises `NotFound`, `Denied` where others could have written (or, for a secret, read) it, `Invalid`.
    """
    text = _read(file, forbidden)
    return {match[1]: match[2] for match in _LINE.finditer(text)}


def _read(file: Path, forbidden: int) -> str:
    try:
        # Neither a link nor a pipe is followed or waited for.
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFound(f"There is no key file {file}.") from None
    except OSError as error:
        raise Denied(f"The key file {file} cannot be read ({error.strerror}).") from None
    with os.fdopen(descriptor, "rb") as opened:
        check_mode(file, os.fstat(descriptor), forbidden)
        data = opened.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Invalid(message=f"The key file {file} has more than {MAX_BYTES} bytes: that is no key.")
    return data.decode(errors="replace")


def check_mode(path: Path, found: os.stat_result, forbidden: int) -> None:
    """Raise `Denied` where others than us and root could have had their hands on a key file or its folder."""
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise Denied(f"The key file {path} is no plain file.")
    if found.st_uid not in {os.getuid(), 0}:
        raise Denied(f"{path} belongs to another user (uid {found.st_uid}): no key in it counts.")
    if stat.S_IMODE(found.st_mode) & forbidden:
        mode = "go=" if forbidden == BY_OTHERS else "go-w"
        raise Denied(f"{path} is open to other users (mode {stat.S_IMODE(found.st_mode):04o}): chmod {mode} {path}.")


def write_pair(file: Path, pair: Pair) -> None:
    """Write a key pair that only we may read. Raises `DiskError`."""
    write_fields(file, {}, {"public-key": pair.public, "secret-key": pair.secret}, 0o600)


def write_fields(file: Path, metadata: dict[str, str], curve: dict[str, str], mode: int = 0o644) -> None:
    """Write a certificate in one move. Raises `DiskError`."""
    sections = {"metadata": metadata, "curve": curve}
    lines = ["# A CURVE key of imagineer, as `imagineer keys` writes it."]
    for section, fields in sections.items():
        lines += [section, *(f'    {name} = "{value}"' for name, value in fields.items())] if fields else []
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(file, "\n".join((*lines, "")).encode(), mode)
    except OSError as error:
        raise DiskError(f"The key file {file} cannot be written ({error.strerror}).") from None
