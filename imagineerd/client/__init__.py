"""Talk to imagineerd: `Client` blocks, `AsyncClient` awaits, and both have one method per request.

    with Client(endpoints_of(paths)) as client:
        dealt = client.deal("zodiac", "gold on black")
        for message in client.events():
            ...

Every method raises the class of `errors` that the daemon's answer names, and `DaemonAway` where nobody answers. A
broken connection is taken up again, unanswered requests are sent again, and a submit never counts twice (`session`).
"""

from __future__ import annotations

from imagineerd.client.clients import AsyncClient, Client, Endpoints, endpoints_of
from imagineerd.client.following import Away, Event, Followed

__all__ = ["AsyncClient", "Away", "Client", "Endpoints", "Event", "Followed", "endpoints_of"]
