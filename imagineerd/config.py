"""YAML and environment in, `Config` out; the only file that knows paths.

Which settings there are stands in `settings.py`. Reading is strict and complete: whatever is wrong
is reported, all at once, with its line. A missing file means defaults. Only the paths can come from
the environment (`find_paths`).
"""

from __future__ import annotations

import os
import pwd
import shlex
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from imagineerd import link, yaml_text
from imagineerd.errors import Denied, DiskError, Invalid, Problem, did_you_mean
from imagineerd.models import MOVED
from imagineerd.replacing import replace_file
from imagineerd.settings import (
    SETTINGS,
    TYPES,
    Config,
    Labeling,
    Loras,
    Output,
    Sets,
    Setting,
    Training,
    Value,
    as_plain,
    hint,
    needs_restart,
)

__all__ = [
    "MAX_SOCKET_PATH",
    "Config",
    "Paths",
    "Setting",
    "Value",
    "as_plain",
    "config_notes",
    "credentials_of",
    "default_config",
    "describe",
    "devices_of",
    "find_paths",
    "get_value",
    "hardware_of",
    "labeler_of",
    "load_config",
    "needs_restart",
    "private_dir",
    "set_value",
]

MAX_SOCKET_PATH: Final = 107
"""Bytes of a unix socket's path (`zmq.IPC_PATH_MAX_LEN`)."""
_PACKAGE = Path(__file__).resolve().parent

# ---------------------------------------------------------------- paths


class Paths(msgspec.Struct, frozen=True):
    """Where things are. All absolute; none of them need exist."""

    config_file: Path
    data_dir: Path
    runtime_dir: Path
    home: Path

    @property
    def ctl_socket(self) -> Path:
        """Requests, replies and events."""
        return self.runtime_dir / "ctl.sock"

    @property
    def blob_socket(self) -> Path:
        """Pictures in chunks."""
        return self.runtime_dir / "blob.sock"

    @property
    def database(self) -> Path:
        """The queue; only the daemon opens it."""
        return self.data_dir / "queue.db"

    @property
    def trash_dir(self) -> Path:
        """The files of deleted takes."""
        return self.data_dir / "trash"

    @property
    def worker_dir(self) -> Path:
        """What workers measured and compiled, for the next ones; it may be deleted."""
        return self.data_dir / "worker"

    @property
    def lock_file(self) -> Path:
        """Locked by the one daemon that owns the database."""
        return self.data_dir / "daemon.lock"

    @property
    def sockets_lock_file(self) -> Path:
        """Locked by the one daemon that owns the sockets."""
        return self.runtime_dir / "daemon.lock"

    @property
    def keys_dir(self) -> Path:
        """The keys of the network: see `network/keys.py`."""
        return self.data_dir / "keys"

    @property
    def log_file(self) -> Path:
        """Where a daemon that a client started writes what it has to say."""
        return self.data_dir / "imagineerd.log"

    @property
    def builtin_sets(self) -> Path:
        """The sets that ship with imagineer: in the package, or beside it in a checkout."""
        installed = _PACKAGE / "builtin_sets"
        return installed if installed.is_dir() else _PACKAGE.parent / "sets"

    @property
    def starter_model(self) -> Path:
        """The model that ships with imagineer."""
        return _PACKAGE / "starter" / "model"


def find_paths(environ: Mapping[str, str]) -> Paths:
    """Return the paths that this environment asks for; nothing is created.

    Raises `Invalid` where the sockets' paths would be too long for the system.
    """
    home = Path(environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir)
    paths = Paths(
        config_file=_named(environ, "IMAGINEER_CONFIG", home)
        or _xdg(environ, "XDG_CONFIG_HOME", home / ".config") / "imagineer" / "config.yaml",
        data_dir=_named(environ, "IMAGINEER_DATA_DIR", home)
        or _xdg(environ, "XDG_DATA_HOME", home / ".local" / "share") / "imagineer",
        runtime_dir=_named(environ, "IMAGINEER_RUNTIME_DIR", home) or _runtime_dir(environ),
        home=home,
    )
    _check_socket_path(paths.blob_socket)
    return paths


def _named(environ: Mapping[str, str], variable: str, home: Path) -> Path | None:
    """Return the path in a variable of ours; a relative one starts where we run."""
    value = environ.get(variable, "")
    try:
        return _expand(value, Path.cwd(), home) if value else None
    except ValueError as error:
        raise Invalid(message=f"${variable}: {error}") from None


def _xdg(environ: Mapping[str, str], variable: str, default: Path) -> Path:
    """Return an XDG base folder; relative ones are to be ignored (XDG Base Directory 0.8)."""
    value = Path(environ.get(variable, ""))
    return value if value.is_absolute() else default


def _runtime_dir(environ: Mapping[str, str]) -> Path:
    session = Path(environ.get("XDG_RUNTIME_DIR", ""))
    if session.is_absolute() and _is_ours(session):
        return session / "imagineer"
    # systemd lists the folders of RuntimeDirectory= with colons between them.
    service = Path(environ.get("RUNTIME_DIRECTORY", "").split(":")[0])
    if service.is_absolute():
        return service
    shared = Path(environ.get("TMPDIR", ""))
    shared = shared if shared.is_absolute() else Path(tempfile.gettempdir())
    return shared / f"imagineer-{os.getuid()}"


def _is_ours(folder: Path) -> bool:
    try:
        return folder.is_dir() and folder.stat().st_uid == os.getuid()
    except OSError:
        return False


def _check_socket_path(path: Path) -> None:
    length = len(os.fsencode(path))
    if length > MAX_SOCKET_PATH:
        message = (
            f"The socket path {path} has {length} bytes and the system allows {MAX_SOCKET_PATH}: "
            "set $IMAGINEER_RUNTIME_DIR to a shorter folder."
        )
        raise Invalid(message=message)


def private_dir(path: Path) -> None:
    """Create a folder that nobody else can enter. Raises `Denied` or `DiskError`.

    One that is there already is taken as it is, unless it lies where anyone may create folders
    (`/tmp`): there it must be private, as someone else may have made it for us to fall into.
    """
    _make_dir(path)
    if not path.parent.stat().st_mode & stat.S_IWOTH:
        return
    if fault := _fault(path.lstat()):
        message = f"The folder {path} {fault}: remove it, or set $IMAGINEER_RUNTIME_DIR to another."
        raise Denied(message)


def _fault(found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return "is a link"
    if found.st_uid != os.getuid():
        return "belongs to another user"
    return "is open to other users" if stat.S_IMODE(found.st_mode) & 0o077 else ""


def _make_dir(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        message = f"The folder {path} cannot be created ({error.strerror}): create it, or name another."
        raise DiskError(message) from None


def default_config(paths: Paths) -> Config:
    """Return the configuration of an empty file."""
    return Config(
        output=Output(directory=paths.data_dir / "outputs"),
        sets=Sets(directory=paths.config_file.parent / "sets"),
        loras=Loras(directory=paths.data_dir / "loras"),
        training=Training(output_dir=paths.data_dir / "checkpoints"),
        labeling=Labeling(directory=paths.config_file.parent / "labels"),
    )


def devices_of(config: Config) -> tuple[str, ...]:
    """Return the device of each worker that draws."""
    return tuple(device.strip() for device in config.hardware.device.split(","))


def hardware_of(config: Config) -> link.Hardware:
    """Return the hardware section as the first worker takes it."""
    section = config.hardware
    return link.Hardware(
        device=devices_of(config)[0],
        mixed_precision=section.mixed_precision,
        attention_slicing=section.enable_attention_slicing,
        vae_slicing=section.enable_vae_slicing,
        cpu_offload=section.enable_cpu_offload,
        threads=section.threads,
        compile=section.compile,
    )


def labeler_of(config: Config, paths: Paths) -> link.Labeler:
    """Return the labeling section as the worker takes it. Raises `Invalid` where its command is no command."""
    section = config.labeling
    try:
        command = tuple(shlex.split(section.command))
    except ValueError as error:
        message = f"labeling.command is no command ({error}): {section.command}"
        raise Invalid(message=message) from None
    logins = {"file": str(credentials_of(config, paths)), "variable": section.variable, "none": ""}
    return link.Labeler(
        image=section.image,
        command=command,
        network=section.network,
        timeout_s=section.timeout_s,
        memory=section.memory_mb * 2**20,
        cpus=section.cpus,
        login_by=section.login_by,
        login=logins[section.login_by],
    )


def credentials_of(config: Config, paths: Paths) -> Path:
    """Return where the labeler's credentials file is."""
    return config.labeling.credentials or paths.home / ".claude" / ".credentials.json"


# ---------------------------------------------------------------- reading

_WITHOUT_EFFECT: Final = {
    "hardware.enable_xformers": "torch's own attention (SDPA) is always used, so this has no effect: remove the line.",
    "output.save_metadata": "the JSON file beside a picture is always written, as a crash is recovered from it; "
    "this has no effect: remove the line.",
}
"""Keys of the predecessor that are accepted and do nothing."""
_LONGEST_SHOWN: Final = 40
"""Characters of a wrong value that a sentence repeats."""


def load_config(paths: Paths) -> Config:
    """Return what the file says, and defaults for the rest.

    Raises `Invalid` with everything that is wrong in it.
    """
    reading = _read(_read_text(paths.config_file), paths)
    if reading.problems:
        raise Invalid(reading.problems)
    return reading.config


def config_notes(paths: Paths) -> tuple[Problem, ...]:
    """Return what the file says that is accepted but means nothing, or something else, today.

    Raises `Invalid` where the file cannot be read as YAML.
    """
    return tuple(_read(_read_text(paths.config_file), paths).notes)


def _read_text(file: Path) -> str:
    """Return the file's text, empty where there is no file. Line ends stay as they are."""
    data = b""
    try:
        data = file.read_bytes()
        return data.decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        problem = Problem("This is not UTF-8 text: save the file as UTF-8.", str(file), row)
    except OSError as error:
        message = f"The file cannot be read ({error.strerror}): check what it is and who owns it."
        problem = Problem(message, str(file))
    raise Invalid([problem])


def _read(text: str, paths: Paths) -> _Reading:
    reading = _Reading(paths)
    reading.read_root(yaml_text.compose(text, str(paths.config_file)))
    return reading


class _Reading:
    """One reading of the file: the configuration, and what is wrong or worth a note.

    Where a value is wrong, the default stands in for it.
    """

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.config = default_config(paths)
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []

    def read_root(self, root: yaml.Node | None) -> None:
        if root is None or yaml_text.is_null(root):
            return
        if not isinstance(root, yaml.MappingNode):
            message = "This file must be sections of keys, such as generation: with steps: below it."
            self.problems.append(self._problem(message, root))
            return
        sections = Config.__struct_fields__
        for name, key, node in self._named(root, ""):
            if name in sections:
                self._read_section(name, key, node)
            else:
                message = f"There is no section of this name.{hint(name, sections)}"
                self.problems.append(self._problem(message, key, name))

    def _read_section(self, section: str, key: yaml.Node, node: yaml.Node) -> None:
        if yaml_text.is_null(node):
            return
        if not isinstance(node, yaml.MappingNode):
            message = f"Expected a section of keys, not {_shown(node)}: indent them below."
            self.problems.append(self._problem(message, key, section))
            return
        for name, name_node, value in self._named(node, f"{section}."):
            self._read_key(section, name, name_node, value)

    def _read_key(self, section: str, name: str, at: yaml.Node, node: yaml.Node) -> None:
        key = f"{section}.{name}"
        if key in _WITHOUT_EFFECT:
            self.notes.append(self._problem(_WITHOUT_EFFECT[key], at, key))
        elif key not in SETTINGS:
            known = getattr(self.config, section).__struct_fields__
            message = f"There is no key of this name.{hint(name, known)}"
            self.problems.append(self._problem(message, at, key))
        else:
            self._take(key, at, node)

    def _take(self, key: str, at: yaml.Node, node: yaml.Node) -> None:
        try:
            self.config = _replaced(self.config, key, _typed(key, node, self.paths))
        except ValueError as error:
            self.problems.append(self._problem(str(error), at, key))
        if key == "model.default" and node.value in MOVED:
            message = f"This model has moved; {MOVED[node.value]} is used: write that."
            self.notes.append(self._problem(message, at, key))

    def _named(self, node: yaml.Node, prefix: str) -> list[tuple[str, yaml.Node, yaml.Node]]:
        """Return (name, key, value) of a mapping; a name that was there before is a problem."""
        found: dict[str, tuple[str, yaml.Node, yaml.Node]] = {}
        for key, value in yaml_text.pairs(node):
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            if name in found:
                first = yaml_text.row_of(found[name][1])
                message = f"This is written twice, first on line {first}: keep one."
                self.problems.append(self._problem(message, key, prefix + name))
            else:
                found[name] = (name, key, value)
        return list(found.values())

    def _problem(self, message: str, node: yaml.Node, key: str = "") -> Problem:
        return Problem(message, str(self.paths.config_file), yaml_text.row_of(node), key=key)


def _typed(key: str, node: yaml.Node, paths: Paths) -> Any:
    """Return the checked value of a key. Raises `ValueError`, which says what the key takes."""
    try:
        value = msgspec.convert(yaml_text.scalar_value(node), TYPES[key], dec_hook=_path_of)
    except (ValueError, msgspec.ValidationError):
        raise ValueError(_expected(SETTINGS[key], node)) from None
    if isinstance(value, Path):
        return _expand(str(value), paths.config_file.parent, paths.home)
    return MOVED.get(value, value) if key == "model.default" else value


def _path_of(_: type, value: object) -> Path:
    if isinstance(value, str) and value and "\0" not in value:
        return Path(value)
    raise ValueError


def _expand(text: str, base: Path, home: Path) -> Path:
    """Return an absolute path: `~` is `home`, others start at `base`. Raises `ValueError`."""
    first, *rest = text.split("/", 1)
    if first == "~":
        return home.joinpath(*rest)
    if first.startswith("~"):
        raise ValueError(f'Write out the home folder that "{first}" stands for.')
    return base / text


def _expected(setting: Setting, node: yaml.Node) -> str:
    near = quotes = ""
    if isinstance(node, yaml.ScalarNode):
        near = did_you_mean(node.value, setting.choices)
        is_text = yaml_text.is_null(node) or yaml_text.is_text(node)
        quotes = " Put it in quotes." if setting.kind in {"str", "path"} and not is_text else ""
    return f"Expected {setting.words}, not {_shown(node)}.{near}{quotes}"


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a section of keys"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if yaml_text.is_null(node):
        return "nothing"
    text = node.value if len(node.value) <= _LONGEST_SHOWN else node.value[:_LONGEST_SHOWN] + "…"
    return f'the text "{text}"' if yaml_text.is_text(node) else text


def _replaced(config: Config, key: str, value: Any) -> Config:
    section, name = key.split(".")
    changed = msgspec.structs.replace(getattr(config, section), **{name: value})
    return msgspec.structs.replace(config, **{section: changed})


# ---------------------------------------------------------------- showing and changing


def describe(paths: Paths) -> tuple[Setting, ...]:
    """Return every setting with its default, by section, for people and for settings screens."""
    config = default_config(paths)
    return tuple(msgspec.structs.replace(setting, default=get_value(config, key)) for key, setting in SETTINGS.items())


def get_value(config: Config, key: str) -> Value:
    """Return the plain value of `generation.steps`, …. Raises `Invalid` with the nearest key."""
    _check_key(key)
    section, name = key.split(".")
    return as_plain(config)[section][name]


def set_value(paths: Paths, key: str, text: str | None) -> Config:
    """Write one key of the file, given as YAML, and return the new configuration.

    Where `text` is None the key is removed, so that its default counts. All else in the file stays
    as it is, character by character. Nothing is written unless the whole result is right. Raises
    `Invalid` with everything that is wrong, `Denied` where the file is not ours, `DiskError`.
    """
    if text is not None or key not in _WITHOUT_EFFECT:
        _check_key(key)
    before = _read_text(paths.config_file)
    reading = _read(before, paths)
    problems = [problem for problem in reading.problems if problem.key != key]
    try:
        after, config = _changed(before, reading.config, key, text, paths)
    except ValueError as error:
        problems.append(Problem(str(error), key=key))
    if problems:
        raise Invalid(problems, field="value" if problems[-1].key == key else "")
    _confirm(after, config, key, paths)
    if after != before:
        _write(paths.config_file, after)
    return config


def _changed(before: str, config: Config, key: str, text: str | None, paths: Paths) -> tuple[str, Config]:
    """Return the file's new text and what it should mean. Raises `ValueError` for a wrong value."""
    section, name = key.split(".")
    if key in _WITHOUT_EFFECT:
        return yaml_text.without_value(before, section, name), config
    if text is None:
        default = getattr(getattr(default_config(paths), section), name)
        return yaml_text.without_value(before, section, name), _replaced(config, key, default)
    node = _value_node(text)
    value = _typed(key, node, paths)
    after = yaml_text.with_value(before, section, name, yaml_text.scalar_value(node))
    return after, _replaced(config, key, value)


def _value_node(text: str) -> yaml.Node:
    try:
        node = yaml_text.compose(text, "")
    except Invalid as error:
        raise ValueError(f"{error.problems[0].message} Put texts with : or # in quotes.") from None
    return node or yaml.ScalarNode("tag:yaml.org,2002:null", "")


def _check_key(key: str) -> None:
    if key not in SETTINGS:
        message = _WITHOUT_EFFECT.get(key, f"There is no setting of this name.{hint(key, SETTINGS)}")
        raise Invalid([Problem(message, key=key)], field="key")


def _confirm(text: str, config: Config, key: str, paths: Paths) -> None:
    """Read what is about to be written. Raises `Invalid` where it does not mean what it should."""
    try:
        reading = _read(text, paths)
    except Invalid:
        reading = _Reading(paths)
    if reading.problems:
        raise Invalid(reading.problems)
    if reading.config != config:
        message = "This file is laid out in a way that cannot be changed from here: edit it by hand."
        raise Invalid([Problem(message, str(paths.config_file), key=key)])


def _write(file: Path, text: str) -> None:
    """Replace the file, or what it links to, in one move. Raises `Denied` or `DiskError`."""
    target = Path(os.path.realpath(file))
    _make_dir(target.parent)
    denied = f"You may not write {file}: change its permissions, or set $IMAGINEER_CONFIG."
    # Renaming over a read-only file would work, but is not what its owner meant.
    if target.exists() and not os.access(target, os.W_OK):
        raise Denied(denied)
    try:
        replace_file(target, text.encode())
    except PermissionError:
        raise Denied(denied) from None
    except OSError as error:
        message = f"{file} was not changed ({error.strerror}): mend that and try again."
        raise DiskError(message) from None
