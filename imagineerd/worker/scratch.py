"""What a labeler's container may see: copies of one picture and of the login, in a folder of their own.

The folder can be entered by nobody else, and the copies in it can be read by any user: so a container's user reads
them, whoever owns the originals and however the engine maps its users.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from imagineerd import link
from imagineerd.errors import LabelError
from imagineerd.labels.prompts import PICTURE

SECRETS: Final = "/run/imagineer"
READABLE: Final = 0o444
SHORTEST_SECRET: Final = 16
"""Characters of a text in a credentials file that counts as secret; what is shorter are names and dates."""


class Unready(Exception):
    """Nothing can be labelled until a person mends what this sentence says."""


class Given(NamedTuple):
    """The files of one container (path here to path there), and the texts that must not come back."""

    files: dict[Path, str]
    secrets: tuple[str, ...]

    def hide(self, text: str) -> str:
        """Return text without the login, should a picture have talked the labeler into telling it."""
        for secret in self.secrets:
            text = text.replace(secret, "[login]")
        return text


@contextmanager
def given(order: link.Label, scratch: Path) -> Iterator[Given]:
    """Lay out the files of a label; they are gone afterwards. Raises `LabelError`, and `Unready` for what is no fault
    of the picture.
    """
    picture = _read(Path(order.picture))
    place, login = _login(order.labeler)
    with _folder(scratch) as folder:
        try:
            files = {_written(folder / "take.png", picture): PICTURE}
            if place:
                files[_written(folder / "login", login.encode())] = place
        except OSError as error:
            raise _no_room(scratch, error) from None
        yield Given(files, _secrets(login))


@contextmanager
def _folder(scratch: Path) -> Iterator[Path]:
    try:
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=scratch))
    except OSError as error:
        raise _no_room(scratch, error) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _no_room(scratch: Path, error: OSError) -> Unready:
    return Unready(f"Nothing can be written to {scratch} ({error.strerror}): make room there.")


def clear(scratch: Path) -> None:
    """Delete what a killed worker left behind."""
    for folder in scratch.glob("*"):
        shutil.rmtree(folder, ignore_errors=True)


def _read(picture: Path) -> bytes:
    """Read a picture, which may be a link to a file; of a pipe nothing is waited for."""
    try:
        descriptor = os.open(picture, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return file.read()
    except FileNotFoundError:
        raise LabelError(f"The picture {picture.name} is gone: it cannot be labelled.") from None
    except OSError as error:
        raise LabelError(f"The picture {picture.name} cannot be read: {error.strerror}.") from None
    raise LabelError(f"The picture {picture.name} is no file: it cannot be labelled.")


def _written(file: Path, content: bytes) -> Path:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, READABLE)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)
    file.chmod(READABLE)
    return file


def _login(labeler: link.Labeler) -> tuple[str, str]:
    """Return where a labeler finds its login, and the login; nothing where it needs none. Raises `Unready`."""
    if labeler.login_by == "none":
        return "", ""
    if labeler.login_by == "variable":
        return f"{SECRETS}/variables/{labeler.login}", _token(labeler.login)
    return f"{SECRETS}/credentials.json", _credentials(Path(labeler.login))


def _token(variable: str) -> str:
    token = os.environ.get(variable, "")
    if not token:
        raise Unready(f"The daemon's environment has no ${variable}: set it and start the daemon again.")
    return token


def _credentials(file: Path) -> str:
    try:
        content = file.read_text()
    except FileNotFoundError:
        raise Unready(f"There is no {file}: run `claude setup-token`, or set labeling.credentials.") from None
    except (OSError, UnicodeDecodeError):
        raise Unready(f"{file} cannot be read: run `chmod u+r {file}`, or set labeling.credentials.") from None
    if not content.strip():
        raise Unready(f"{file} is empty: run `claude setup-token`.")
    return content


def _secrets(content: str) -> tuple[str, ...]:
    try:
        found = json.loads(content)
    except ValueError:
        found = content
    texts = {text.strip() for text in _texts(found)}
    return tuple(sorted((text for text in texts if len(text) >= SHORTEST_SECRET), key=len, reverse=True))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
