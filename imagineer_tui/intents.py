"""What one screen asks another for: `app.go("compose", UseSettings(…))`. Screens know these, not each other."""

from __future__ import annotations

from typing import NamedTuple


class ShowSet(NamedTuple):
    """Sets: highlight this set."""

    set_id: str


class ShowBatch(NamedTuple):
    """Queue or Gallery: highlight this batch, and the slot (from 1) where one is named."""

    batch_id: str
    slot: int = 0


class LabelTake(NamedTuple):
    """Labels: highlight this take, and ask what is to be labelled; 0 is no take, but the batch."""

    batch_id: str
    take_id: int = 0


class UseSettings(NamedTuple):
    """Compose: fill the form with what this take was drawn with."""

    take_id: int


class UseLora(NamedTuple):
    """Mixer: put this LoRA on a fader."""

    name: str


class UseMix(NamedTuple):
    """Sets or Compose: draw with this mix, written as one types it (`compose.mix_text`)."""

    text: str
