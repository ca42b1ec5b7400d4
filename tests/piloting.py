"""The terminal UI under a test: run by Textual's pilot, with a fake daemon on real sockets or a real one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from fakes import NAMES, Answer, Deck, FakeDaemon
from textual.pilot import Pilot

from imagineer_tui.app import ImagineerApp
from imagineer_tui.preferences import Preferences
from imagineer_tui.terminal.detection import Terminal
from imagineerd import protocol
from imagineerd.client import Endpoints
from imagineerd.errors import Problem
from imagineerd.jobs import PromptParts

T = TypeVar("T")
WAIT_S = 20.0
WIDE = (120, 40)
TERMINAL = Terminal(tty=True, name="test", colors="truecolor")


def environ_of(folder: Path) -> dict[str, str]:
    """The environment in which everything lies in one folder, the sockets of a `FakeDaemon` included."""
    return {
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_STATE_HOME": str(folder / "state"),
        "IMAGINEER_DATA_DIR": str(folder / "data"),
        "IMAGINEER_RUNTIME_DIR": str(folder),
    }


@asynccontextmanager
async def opened(
    at: FakeDaemon | Path,
    size: tuple[int, int] = WIDE,
    preferences: Preferences | None = None,
    far: Endpoints | None = None,
) -> AsyncIterator[tuple[ImagineerApp, Pilot[int]]]:
    """Open the app on a fake daemon, or one whose sockets lie in a folder; it starts none by itself."""
    environ = environ_of(at if isinstance(at, Path) else at.ctl.parent)
    app = ImagineerApp(environ, preferences, TERMINAL, far=far)
    async with app.run_test(size=size, notifications=True) as pilot:
        yield app, pilot


async def until(pilot: Pilot[int], condition: Callable[[], T]) -> T:
    """Let the app go on until the condition gives something true, and return that; fail after the deadline."""
    end = monotonic() + WAIT_S
    while not (found := condition()):
        assert monotonic() < end, "What was waited for did not come."
        await pilot.pause(0.01)
    return found


def text_of(app: ImagineerApp) -> str:
    """Return what stands on the screen, line by line."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip)[:width].rstrip() for strip in lines[:height])


async def shows(pilot: Pilot[int], *texts: str) -> str:
    """Wait until all of these stand on the screen; return the whole screen."""
    app: Any = pilot.app
    try:
        await until(pilot, lambda: not missing(app, texts))
    except AssertionError:
        raise AssertionError(f"{missing(app, texts)} did not come; there is:\n{text_of(app)}") from None
    return text_of(app)


def missing(app: ImagineerApp, texts: Sequence[str]) -> list[str]:
    """Return what of this does not stand on the screen; it is drawn once for all, which takes a while."""
    screen = text_of(app)
    return [text for text in texts if text not in screen]


# ---------------------------------------------------------------- what a fake daemon answers

SETS = (
    protocol.SetInfo(
        id="zodiac", name="Zodiac", description="Three of the twelve signs.", builtin=True, cards=3, width=64,
        height=96, example_theme="gold on black",
    ),
    protocol.SetInfo(id="tarot", name="Tarot", builtin=True, cards=22, width=64, height=96, example_theme="gothic"),
    protocol.SetInfo(id="mine", name="Comets", cards=0, problems=(Problem("There is no row.", "comets.csv"),)),
)  # fmt: skip


def answers(deck: Deck | None = None) -> dict[str, Answer]:
    """Return what a daemon with three sets says; with a deck, also what it says of its batch."""
    return {
        "sets": protocol.Sets(sets=SETS),
        "plan": planned,
        "status": status(),
        "themes": protocol.Themes(themes=("brass and fog",), seed=7),
        **(deck or Deck()).answers(),
    }


def planned(request: protocol.PlanDeal) -> protocol.Plan:
    """Plan three cards; the second is too long, the third is the first once more."""
    cards = tuple(_card(index, name, request.theme) for index, name in enumerate(NAMES, 1))
    return protocol.Plan(
        set=request.set, title=request.set.title(), theme=request.theme,
        model=protocol.ModelInfo(name="starter"), width=64, height=96, scheduler="dpm++", cards=cards, eta_s=24.0,
    )  # fmt: skip


def _card(index: int, name: str, theme: str) -> protocol.PlannedCard:
    parts = PromptParts(base="zodiac card", theme=theme, row=f"{name} in the sky", style="clean lines")
    prompt = ", ".join(part for part in (parts.base, parts.theme, parts.row, parts.style) if part)
    cut = "clean lines" if index == 2 else ""
    return protocol.PlannedCard(
        index=index, name=name, prompt=prompt, seed=4710 + index, parts=parts, negative_prompt="blurry",
        tokens=protocol.Tokens(count=80 if cut else 40 + index, cut=cut),
        duplicate_of=1 if index == len(NAMES) else None, unresolved=("mood",) if index == 1 else (),
    )  # fmt: skip


def status(**more: Any) -> protocol.Status:
    """How a daemon that has nothing to do is."""
    worker = protocol.Worker(phase="idle", device="cpu")
    plain: dict[str, Any] = {
        "version": "1", "pid": 1, "uptime": 1.0, "boot": "b1", "epoch": "e1", "worker": worker,
        "model": protocol.ModelInfo(name="starter"), "jobs": {}, "data_dir": "/data", "output_dir": "/data/outputs",
        "config_file": "/config.yaml", "disk_free": 61 * 1000**3,
    }  # fmt: skip
    return protocol.Status(**{**plain, **more})
