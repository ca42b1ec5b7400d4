"""What the doctor says of the terminal: what it can show, how that is known, what is made of it, and of `tui.yaml`."""

from __future__ import annotations

from collections.abc import Mapping

from imagineer_tui.preferences import load_preferences, preferences_file
from imagineer_tui.preferring import unknown
from imagineer_tui.terminal.detection import Terminal, detect
from imagineer_tui.terminal.images import WAYS, Choice, choose
from imagineerd.protocol import Check


def check_terminal(environ: Mapping[str, str]) -> tuple[Check, ...]:
    """Ask the terminal that we are on, and return what to print of it, or that there is none."""
    terminal = detect(environ)
    wanted = load_preferences(preferences_file(environ)).images
    return checks_of(terminal, choose(wanted, terminal))


def check_preferences(environ: Mapping[str, str]) -> tuple[Check, ...]:
    """Return what is wrong in `tui.yaml`; nothing where all is well."""
    file = preferences_file(environ)
    found = load_preferences(file)
    complaints = (*found.complaints, *unknown(found.keys, file))
    return tuple(Check(name="tui.yaml", level="warn", message=said, remedy="Mend the file.") for said in complaints)


def checks_of(terminal: Terminal, chosen: Choice) -> tuple[Check, ...]:
    """Return what to print; nothing of it is ever wrong, as every terminal can be used."""
    answered, *reasons = terminal.reasons
    if not terminal.tty:
        return (Check(name="terminal", level="ok", message=answered),)
    shown = f"Pictures are shown {WAYS[chosen.large]}, small ones {WAYS[chosen.small]}: {chosen.why}"
    return (
        Check(name="terminal", level="ok", message=f"{terminal.name}. {answered}"),
        *(Check(name=name, level="ok", message=why) for name, _, why in (reason.partition(": ") for reason in reasons)),
        Check(name="images", level="ok", message=shown),
    )
