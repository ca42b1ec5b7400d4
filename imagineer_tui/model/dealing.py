"""What is about to be dealt: a set, a theme, and settings as they are typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from imagineerd.protocol import SetInfo, Settings

Draft: TypeAlias = dict[str, str]
FIELDS: Final = {
    "mix": "LoRAs", "seed": "Seed", "steps": "Steps", "guidance_scale": "Guidance", "scheduler": "Sampler",
    "size": "Size", "negative_prompt": "Negative",
}  # fmt: skip
"""What a person may choose for a whole set, with its label; what is left empty comes from the set."""


@dataclass
class Deal:
    """`theme` is a person's own, empty where it is the set's example; `draft` holds the fields that are not empty."""

    set_id: str
    theme: str = ""
    draft: Draft = field(default_factory=dict)

    def theme_for(self, info: SetInfo) -> str:
        """Return the theme that the set is dealt with."""
        return self.theme or info.example_theme

    def take_theme(self, text: str, info: SetInfo | None) -> None:
        """Take what was typed; a set's example is nobody's own. None: what there is to the set is not known yet."""
        self.theme = "" if info and text == info.example_theme else text

    def take_draft(self, draft: Mapping[str, str]) -> None:
        """Take what a form was filled in with."""
        self.draft = {name: text.strip() for name, text in draft.items() if text.strip()}

    @property
    def words(self) -> str:
        """What was chosen, in a line: `seed 7 · steps 30`."""
        return " · ".join(f"{FIELDS[name].lower()} {text}" for name, text in self.draft.items() if name != "mix")


class Chosen(NamedTuple):
    """The settings that a draft stands for, and a sentence for each field that is wrong."""

    settings: Settings
    faults: dict[str, str]


def read(draft: Mapping[str, str]) -> Chosen:
    """Return what a draft stands for; what is wrong in it is left out."""
    from imagineer_tui.model.compose import READERS  # loads the wire
    from imagineerd.protocol import Settings

    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name, text in draft.items():
        try:
            values |= READERS[name](name, text.strip()) if text.strip() else {}
        except ValueError as error:
            faults[name] = str(error)
    return Chosen(Settings(**values), faults)
