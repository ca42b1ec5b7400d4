"""The configuration of a real daemon."""

from __future__ import annotations

import pytest
from house import House

from imagineerd.client import Client
from imagineerd.errors import Invalid


def test_a_setting_is_changed_at_once_and_taken_back(client: Client, faking: House) -> None:
    assert client.set_config("generation.steps", "3").values["generation"]["steps"] == 3
    assert client.plan("zodiac").cards[0].steps == 3
    assert "steps: 3" in faking.paths.config_file.read_text()

    assert client.set_config("generation.steps").values["generation"]["steps"] is None


def test_a_setting_that_waits_for_a_restart_says_so(client: Client) -> None:
    assert client.set_config("hardware.threads", "1").restart_needed
    client.set_config("hardware.threads")


def test_a_wrong_setting_is_refused_and_nothing_changes(client: Client) -> None:
    before = client.config()

    with pytest.raises(Invalid, match="151"):
        client.set_config("generation.steps", "151")
    assert client.config().values == before.values
