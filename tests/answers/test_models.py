"""Which model is meant, asked of a real daemon."""

from __future__ import annotations

import pytest
from house import House, drawn, wait_until

from imagineerd.client import Client
from imagineerd.errors import ModelError
from imagineerd.protocol import Settings


@pytest.mark.parametrize("name", ["/etc", "../models/mine", "~/mine", "loras/mine.safetensors", "/a/b.safetensors"])
def test_a_request_cannot_name_a_file_of_the_daemons_machine(client: Client, name: str) -> None:
    with pytest.raises(ModelError, match=r"set model\.default"):
        client.generate("fox", settings=Settings(model=name))


def test_a_model_that_is_not_there_leaves_the_daemon_answering(house: House) -> None:
    house.with_fake_worker(model="{default: ./gone}").start()
    with house.client() as client:
        status = client.status()
        assert (status.model.name, status.model.present) == ("./gone", False)
        assert client.doctor().checks
        with pytest.raises(ModelError):
            client.deal("zodiac")
        wait_until(lambda: client.status().worker.phase == "idle")
        assert drawn(client, client.deal("zodiac", settings=Settings(model="starter")).batch.id).batch.takes == 12
