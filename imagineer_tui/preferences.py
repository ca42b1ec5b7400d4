"""How a person likes the terminal UI: `tui.yaml` beside the configuration.

    theme: ansi-dark
    images: auto
    bell: true
    mouse: true
    keys:
      sets.deal: d
      app.quit: Q

It is a file of its own because it belongs to this terminal, while the daemon's configuration may be on another machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from imagineer_tui.terminal.images import Images


@dataclass(frozen=True)
class Preferences:
    """All of them, checked; `keys` maps the id of a binding to keys (`k,up`), `complaints` are sentences to show."""

    theme: str = ""
    images: Images = "auto"
    bell: bool = True
    mouse: bool = True
    keys: dict[str, str] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()


def preferences_file(environ: Mapping[str, str]) -> Path:
    """Return where they are: beside the configuration file."""
    named = environ.get("IMAGINEER_CONFIG", "")
    if named:
        return Path(named).parent / "tui.yaml"
    base = Path(environ.get("XDG_CONFIG_HOME", ""))
    if not base.is_absolute():
        base = Path(environ.get("HOME") or Path.home()) / ".config"
    return base / "imagineer" / "tui.yaml"


def load_preferences(file: Path) -> Preferences:
    """Return what the file says; for what is wrong in it, the default and a complaint."""
    if not file.exists():
        return Preferences()
    import yaml  # only for those who have such a file

    from imagineerd import yaml_text
    from imagineerd.errors import Invalid

    try:
        text = file.read_text("utf-8")
        yaml_text.compose(text, str(file))  # for a sentence on what is no YAML
        found = yaml.safe_load(text) or {}
    except Invalid as error:
        return Preferences(complaints=(error.message,))
    except (OSError, UnicodeDecodeError) as error:
        return Preferences(complaints=(f"{file} cannot be read: {error}.",))
    except yaml.YAMLError:
        return Preferences(complaints=(f"{file} has something in it that is neither text, number nor list.",))
    if not isinstance(found, dict):
        return Preferences(complaints=(f"{file} must be lines of key: value.",))
    return _checked(file, found)


def _checked(file: Path, found: dict[Any, Any]) -> Preferences:
    chosen: dict[str, Any] = {}
    complaints: list[str] = []
    known = {entry.name: type(getattr(Preferences(), entry.name)) for entry in fields(Preferences)[:-1]}
    for name, value in found.items():
        if name not in known:
            complaints.append(f'{file}: there is no preference "{name}"; there are {", ".join(known)}.')
        elif not _fits(name, value):
            complaints.append(f"{file}: {name} takes {_WORDS.get(name) or _WORDS[known[name]]}, not {value!r}.")
        else:
            chosen[name] = _plain(name, value)
    return Preferences(**chosen, complaints=tuple(complaints))


_WORDS: dict[Any, str] = {
    "images": f"one of {', '.join(get_args(Images))}",
    str: "a text",
    bool: "true or false",
    dict: "lines of binding: key",
}


def _fits(name: str, value: object) -> bool:
    if name == "images":
        return _plain(name, value) in get_args(Images)
    return isinstance(value, type(getattr(Preferences(), name)))


def _plain(name: str, value: Any) -> Any:
    if name == "images" and value is False:
        return "off"  # which YAML takes for false
    return _texts(value) if name == "keys" else value


def _texts(keys: dict[Any, Any]) -> dict[str, str]:
    return {str(binding): str(key) for binding, key in keys.items()}
