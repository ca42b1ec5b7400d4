"""The worker knows whether neighbours change a picture's bits."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from imagineerd.worker.selftest import slots_are_independent


def test_neighbours_change_no_bit_here(model: Any, device: Any) -> None:
    assert slots_are_independent(model, device) is True


def test_the_largest_call_is_asked_about(model: Any, device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = model.unet.forward

    def forward(rows: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        split = len(rows) == 2 * device.batch_sizes[-1]  # as a kernel may be that splits its sums for many rows alone
        return (real(rows, *args, **kwargs)[0] + split * 1e-6 * torch.arange(len(rows)).view(-1, 1, 1, 1),)

    monkeypatch.setattr(model.unet, "forward", forward)

    assert slots_are_independent(model, device) is False


def test_a_unet_that_looks_at_the_neighbours_is_found_out(
    model: Any, device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = model.unet.forward

    def forward(rows: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        return (real(rows, *args, **kwargs)[0] + 1e-6 * rows[:1],)

    monkeypatch.setattr(model.unet, "forward", forward)

    assert slots_are_independent(model, device) is False


def test_a_vae_that_depends_on_the_slot_is_found_out(model: Any, device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = model.vae.decode

    def decode(latents: torch.Tensor, **kwargs: Any) -> Any:
        return (real(latents, **kwargs)[0] * (1 + torch.arange(len(latents)).view(-1, 1, 1, 1) / 4),)

    monkeypatch.setattr(model.vae, "decode", decode)

    assert slots_are_independent(model, device) is False


def test_without_memory_for_it_nothing_is_said(model: Any, device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(*_args: Any, **_kwargs: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    monkeypatch.setattr(model.unet, "forward", forward)

    assert slots_are_independent(model, device) is None
