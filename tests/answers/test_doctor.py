"""The checks, asked of a real daemon."""

from __future__ import annotations

from imagineerd.client import Client


def test_the_doctor_looks_at_everything(client: Client) -> None:
    assert {check.level for check in client.doctor().checks} <= {"ok", "warn", "fail"}
