"""What a fake daemon has for the Mixer and for Compose: LoRAs of which one does not fit, a saved mix, a plan."""

from __future__ import annotations

import io

from fakes import Answer, Deck, FakeDaemon
from PIL import Image
from piloting import status

from imagineerd import protocol
from imagineerd.jobs import LoraWeight

SIZES = ((64, 64), (64, 96))
MODEL = protocol.ModelInfo(name="starter", base="starter", sizes=SIZES)
INK = protocol.LoraInfo(name="Ink", base="starter", ranks=(4,), trigger="ink wash", weight=0.6)
NEON = protocol.LoraInfo(name="neon", base="starter", ranks=(8,))
GOTHIC = protocol.LoraInfo(name="Gothic", base="sdxl", ranks=(32,))
FRONT = protocol.MixInfo(name="front", mix=(LoraWeight("Ink", 0.5), LoraWeight("neon", 0.25)))


def answers(daemon: FakeDaemon, deck: Deck) -> dict[str, Answer]:
    """Return what such a daemon says; each prompt is drawn by the next job of the deck."""
    config = {"generation": {"num_images": 1, "scheduler": "dpm++"}}
    return {
        "loras": protocol.Loras(loras=(INK, NEON, GOTHIC)),
        "mixes": protocol.Mixes(mixes=(FRONT,)),
        "mix_save": FRONT,
        "mix_delete": protocol.Done(),
        "cancel": protocol.Cancelled(stopping=(1,)),
        "delete": protocol.Deleted(takes=(1,)),
        "status": status(model=MODEL),
        "config": protocol.Config(values=config, file="/config.yaml"),
        "plan_prompt": planned,
        "generate": lambda _: deck.dealt(daemon.count(protocol.Generate)),
        "grid": lambda _: deck.dealt(1, 2, 3),
    }


def planned(request: protocol.PlanPrompt, cut: str = "") -> protocol.Plan:
    """Plan a prompt of as many tokens as it has words, and the two marks; with something cut, of too many."""
    tokens = protocol.Tokens(count=80 if cut else len(request.prompt.split()) + 2, cut=cut)
    mix = (LoraWeight("Ink", 0.6),)
    card = protocol.PlannedCard(
        index=1, name=request.prompt, prompt=request.prompt, seed=1, tokens=tokens, steps=4, mix=mix
    )
    return protocol.Plan(
        set="", title="", theme="", model=MODEL, width=64, height=96, scheduler="dpm++",
        cards=(card,), warnings=("The starter model was never taught that.",), eta_s=2.0,
    )  # fmt: skip


def picture(color: str) -> bytes:
    """Return a small upright PNG of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (4, 6), color).save(file, "PNG")
    return file.getvalue()
