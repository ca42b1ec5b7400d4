"""What several requests have in common."""

from __future__ import annotations

import pytest

from imagineerd.client import Client
from imagineerd.errors import Invalid, NotFound


@pytest.mark.parametrize("ask", ["delete", "restore"])
def test_takes_or_a_batch_must_be_named(client: Client, ask: str) -> None:
    with pytest.raises(Invalid, match="Name either takes or one batch"):
        getattr(client, ask)()
    with pytest.raises(NotFound, match="There is no take 999999"):
        getattr(client, ask)([999_999])


@pytest.mark.parametrize("ask", ["cancel", "retry", "hold", "release"])
def test_jobs_or_a_batch_must_be_named_and_not_both(client: Client, ask: str) -> None:
    method = getattr(client, ask)
    with pytest.raises(Invalid, match="either jobs or one batch"):
        method()
    with pytest.raises(Invalid, match="either jobs or one batch"):
        method([1], "last")
