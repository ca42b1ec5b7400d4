"""What a deal would draw: its plan, and the specs that a deal freezes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from imagineerd import planning, protocol, themes
from imagineerd.answers import mixes
from imagineerd.answers.card_sets import find_set
from imagineerd.answers.parts import Parts
from imagineerd.jobs import GenerateSpec
from imagineerd.lora.choosing import Chooser
from imagineerd.models import ResolvedModel
from imagineerd.orders import speed_key
from imagineerd.prompts import load_tokenizer
from imagineerd.sets import library as sets
from imagineerd.starter.taught import taught_phrases

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def make_themes(request: protocol.MakeThemes) -> protocol.Themes:
    """Make up themes."""
    seed = planning.draw_seed() if request.seed is None else request.seed
    return protocol.Themes(themes=themes.themes(request.count, seed), seed=seed)


async def plan_deal(parts: Parts, request: protocol.PlanDeal) -> protocol.Plan:
    """Return what a deal of the same words would draw."""
    card_set = await find_set(parts, request.set)
    basis, sheet = await make_sheet(parts, request, card_set)
    warnings = await sheet_warnings(parts, sheet, basis.model)
    plan = planning.plan_of(sheet, basis.model, warnings, await _eta(parts, sheet.specs))
    return msgspec.structs.replace(plan, set=card_set.id, theme=request.theme)


async def plan_prompt(parts: Parts, request: protocol.PlanPrompt) -> protocol.Plan:
    """Return what `generate` of the same words would draw."""
    basis, sheet = await make_copies(parts, request)
    one = await _eta(parts, sheet.specs[:1])
    warnings = await prompt_warnings(parts, sheet, basis.model)
    return planning.plan_of(sheet, basis.model, warnings, None if one is None else one * len(sheet.specs))


async def make_sheet(
    parts: Parts, request: protocol.Deal | protocol.PlanDeal, card_set: sets.CardSet
) -> tuple[planning.Basis, planning.Sheet]:
    """Compose the cards of a set. Raises `Invalid` for what cannot be drawn."""
    return await asyncio.to_thread(_sheet, parts, request, card_set, await mixes.make_chooser(parts))


async def make_copies(
    parts: Parts, request: protocol.Generate | protocol.PlanPrompt
) -> tuple[planning.Basis, planning.Sheet]:
    """Compose one prompt as often as asked. Raises `Invalid` for what cannot be drawn."""
    chooser = await mixes.make_chooser(parts, wanted=bool(request.settings.mix))
    return await asyncio.to_thread(_copies, parts, request, chooser)


def make_basis(parts: Parts, chosen: protocol.Settings, chooser: Chooser) -> planning.Basis:
    """Return what all specs of a deal share. Raises `Invalid`, `ModelError`."""
    model = parts.models.find(chosen.model)
    return planning.Basis(
        config=parts.config,
        model=model,
        settings=chosen,
        choose=partial(chooser.choose, model=model),
        first_seed=planning.draw_seed() if chosen.seed is None else chosen.seed,
        tokenizer=_tokenizer(model.tokenizer_dir) if model.tokenizer_dir else None,
    )


async def sheet_warnings(parts: Parts, sheet: planning.Sheet, model: ResolvedModel) -> tuple[str, ...]:
    """Return what is doubtful about a deal and may be meant."""
    about_loras = await mixes.warnings(parts, sheet.specs)
    return (*planning.warnings_for(sheet, model, taught(parts)), *about_loras)


async def prompt_warnings(parts: Parts, sheet: planning.Sheet, model: ResolvedModel) -> tuple[str, ...]:
    """Return what is doubtful about a single prompt and may be meant."""
    about_loras = await mixes.warnings(parts, sheet.specs[:1])
    return (*planning.warnings_for_prompt(sheet, model, taught(parts)), *about_loras)


def taught(parts: Parts) -> frozenset[str]:
    """Return the phrases that the starter model knows as a whole."""
    return taught_phrases(parts.paths.builtin_sets)


def _sheet(
    parts: Parts, request: protocol.Deal | protocol.PlanDeal, card_set: sets.CardSet, chooser: Chooser
) -> tuple[planning.Basis, planning.Sheet]:
    basis = make_basis(parts, request.settings, chooser)
    return basis, planning.plan_set(basis, card_set, request.theme, request.cards)


def _copies(
    parts: Parts, request: protocol.Generate | protocol.PlanPrompt, chooser: Chooser
) -> tuple[planning.Basis, planning.Sheet]:
    basis = make_basis(parts, request.settings, chooser)
    n = request.n or parts.config.generation.num_images
    return basis, planning.plan_prompt(basis, request.prompt, n, request.name)


async def _eta(parts: Parts, specs: Sequence[GenerateSpec]) -> float | None:
    speeds = {speed_key(spec): await parts.store.speed(speed_key(spec)) for spec in specs}
    seconds = [(speeds[speed_key(spec)] or 0.0) * spec.steps for spec in specs]
    return sum(seconds) if all(seconds) else None


@lru_cache(maxsize=4)
def _tokenizer(folder: Path) -> Tokenizer:
    return load_tokenizer(folder)
