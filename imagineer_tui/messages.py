"""What the app tells the screens. A message says that something changed; what it is now stands in `app.world`.

They are posted to the screens that can be seen. One that comes again before it was handled is dropped: the world has
moved on anyway. `Happened` and `DeckFinished` are never dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from imagineer_tui.model.world import Topic
    from imagineerd.protocol import Batch, EventBody


class Changed(Message, bubble=False):
    """Something is to be drawn anew."""

    def can_replace(self, message: Message) -> bool:
        """One message of a kind says as much as many."""
        return type(message) is type(self)


class ConnectionChanged(Changed, bubble=False):
    """The daemon came, went, or still is away."""


class StatusChanged(Changed, bubble=False):
    """The worker, the counts of the queue or the free disk space changed."""


class QueueChanged(Changed, bubble=False):
    """Jobs or batches changed."""


class Progressed(Changed, bubble=False):
    """Running jobs took steps: five times a second at most."""


class BuildChanged(Changed, bubble=False):
    """The build of the labeler's image went on: five times a second at most."""


class ImagesChanged(Changed, bubble=False):
    """Pictures are to be shown another way: `app.images`."""


class Happened(Message, bubble=False):
    """The daemon announced an event (`protocol.EventBody`)."""

    def __init__(self, body: EventBody) -> None:
        super().__init__()
        self.body = body


class DeckFinished(Message, bubble=False):
    """The last open job of a batch ended."""

    def __init__(self, batch: Batch) -> None:
        super().__init__()
        self.batch = batch


OF_TOPIC: dict[Topic, type[Changed]] = {
    "connection": ConnectionChanged,
    "status": StatusChanged,
    "queue": QueueChanged,
    "progress": Progressed,
    "building": BuildChanged,
}
