"""Turn a set or a prompt into frozen specs: every setting resolved, from row, client, set, config and model.

What goes before what: the row's own columns, then what the client asked for, then the set, the config, the model's
defaults. A size the client named is taken as it is; a nominal size (set, config) is scaled to the model's native one.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from imagineerd import prompts, protocol
from imagineerd.config import Config
from imagineerd.errors import Invalid, NotFound
from imagineerd.jobs import MAX_SEED, GenerateSpec, Mix
from imagineerd.lora.choosing import Chosen
from imagineerd.models import STARTER, ResolvedModel, scale_to_model
from imagineerd.sets.library import CardSet, Overrides
from imagineerd.starter.vocabulary import FAMILIES, known_themes, unknown_words, without_phrases
from imagineerd.triggers import Triggers

if TYPE_CHECKING:
    from tokenizers import Tokenizer

DRAWN_SEEDS = 2**32
"""Seeds are drawn below this, so that other programs can read them."""
MOST_QUOTED = 6
"""Words that a warning names; of more it says how many."""


class Basis(msgspec.Struct, frozen=True):
    """What every card of a deal shares. `choose` finds the LoRAs of a mix, or raises `LoraError` or `Invalid`."""

    config: Config
    model: ResolvedModel
    settings: protocol.Settings
    choose: Callable[[Mix], Chosen]
    first_seed: int
    tokenizer: Tokenizer | None = None


class Sheet(msgspec.Struct, frozen=True):
    """The cards of one deal: how each was planned, and its spec; `mixes` are the saved mixes that they use.

    A single prompt is one card with a spec for each picture.
    """

    title: str
    cards: tuple[prompts.PlannedCard, ...]
    specs: tuple[GenerateSpec, ...]
    mixes: tuple[str, ...] = ()


def draw_seed() -> int:
    """Draw a seed for a deal that names none."""
    return secrets.randbelow(DRAWN_SEEDS)


def plan_set(basis: Basis, card_set: CardSet, theme: str, picked: Sequence[int] = ()) -> Sheet:
    """Plan the cards of a set (those that `picked` names by index; all where it is empty).

    Raises `Invalid` for a prompt over 2,000 characters, `NotFound` for an index the set does not have, `LoraError`.
    """
    card_set = pick_rows(card_set, picked)
    cards = prompts.plan_rows(
        card_set,
        theme,
        basis.tokenizer,
        basis.settings.negative_prompt,
        lambda overrides: triggers_of(basis, wanted_mix(basis, card_set, overrides)),
    )
    size = size_for(basis, card_set.width, card_set.height)
    specs = tuple(_card_spec(basis, card_set, card, size) for card in cards)
    mixes = (basis.choose(wanted_mix(basis, card_set, card.overrides)).mixes for card in cards)
    return Sheet(card_set.name, cards, specs, tuple(dict.fromkeys(itertools.chain(*mixes))))


def plan_prompt(basis: Basis, prompt: str, n: int, name: str) -> Sheet:
    """Plan one prompt drawn `n` times, the seeds counting up. Raises `Invalid`, `LoraError`."""
    generation, settings = basis.config.generation, basis.settings
    width, height = size_for(basis, generation.width, generation.height)
    negative, chosen = settings.negative_prompt, basis.choose(settings.mix or ())
    composed = prompts.compose_single(prompt, triggers_of(basis, settings.mix or ()))
    card = prompts.PlannedCard(
        index=1,
        name=name or prompt,
        prompt=composed,
        tokens=prompts.split_tokens(composed.text, basis.tokenizer),
        negative_prompt=generation.negative_prompt if negative is None else negative,
    )
    spec = GenerateSpec(
        prompt=composed.text,
        parts=composed.parts,
        negative_prompt=card.negative_prompt,
        width=width,
        height=height,
        steps=steps_for(basis),
        guidance_scale=guidance_for(basis),
        seed=basis.first_seed,
        scheduler=settings.scheduler or generation.scheduler,
        mix=chosen.mix,
        model=basis.model.source.name,
        model_revision=basis.model.source.revision,
        name=card.name,
    )
    specs = tuple(msgspec.structs.replace(spec, seed=seed_of(basis.first_seed, offset)) for offset in range(n))
    return Sheet(card.name, (card,), specs, chosen.mixes)


def wanted_mix(basis: Basis, card_set: CardSet, overrides: Overrides) -> Mix:
    """Return what a card is to be drawn with: what its row names, else the client, else the set."""
    return next(mix for mix in (overrides.loras, basis.settings.mix, card_set.loras) if mix is not None)


def triggers_of(basis: Basis, wanted: Mix) -> Triggers:
    """Return the trigger words of the LoRAs of a mix, and whether the client wants them added."""
    return Triggers(basis.choose(wanted).triggers, basis.settings.add_triggers)


def size_for(basis: Basis, width: int, height: int) -> tuple[int, int]:
    """Return the size in pixels: what the client named, else the nominal size scaled to the model."""
    native = scale_to_model(width, height, basis.model.info.sizes)
    settings = basis.settings
    return settings.width or native[0], settings.height or native[1]


def steps_for(basis: Basis) -> int:
    """Return the steps of a card whose row names none."""
    return basis.settings.steps or basis.config.generation.steps or basis.model.default_steps


def guidance_for(basis: Basis) -> float:
    """Return the guidance scale of a card whose row names none; 0 is a value, not an absence."""
    asked = basis.settings.guidance_scale
    configured = basis.config.generation.guidance_scale
    named = asked if asked is not None else configured
    return basis.model.default_guidance if named is None else named


def seed_of(first: int, offset: int, field: str = "$.settings.seed") -> int:
    """Return the seed of a card; `first` is that of the first card. Raises `Invalid` where seeds run out."""
    if first + offset > MAX_SEED:
        raise Invalid(message=f"The seed {first} leaves no room for card {offset + 1}.", field=field)
    return first + offset


def plan_of(
    sheet: Sheet, model: ResolvedModel, warnings: tuple[str, ...] = (), eta_s: float | None = None
) -> protocol.Plan:
    """Return a plan as it goes over the wire; that of a set also needs its id and the theme."""
    first = sheet.specs[0]
    return protocol.Plan(
        set="",
        title=sheet.title,
        theme="",
        model=model.info,
        width=first.width,
        height=first.height,
        scheduler=first.scheduler,
        cards=tuple(planned_card(card, spec) for card, spec in zip(sheet.cards, sheet.specs, strict=False)),
        warnings=warnings,
        eta_s=eta_s,
    )


def planned_card(card: prompts.PlannedCard, spec: GenerateSpec) -> protocol.PlannedCard:
    """Return a planned card as it goes over the wire."""
    tokens = card.tokens
    return protocol.PlannedCard(
        index=card.index,
        name=card.name,
        prompt=spec.prompt,
        seed=spec.seed,
        tokens=protocol.Tokens(count=tokens.total, limit=tokens.limit, cut=tokens.cut, exact=tokens.exact),
        parts=spec.parts,
        negative_prompt=spec.negative_prompt,
        steps=spec.steps,
        guidance_scale=spec.guidance_scale,
        mix=spec.mix,
        unresolved=card.prompt.unresolved,
        duplicate_of=card.duplicate_of,
        triggers=card.prompt.triggers,
        missing=card.prompt.missing,
    )


def warnings_for(sheet: Sheet, model: ResolvedModel, taught: Collection[str] = ()) -> tuple[str, ...]:
    """Return what a person should know before the cards are dealt: about the model first, then card by card.

    `taught` are the phrases that a toy model knows besides the words of its vocabulary, in lower case.
    """
    about_cards = [f"{card.name}: {warning}" for card in sheet.cards for warning in prompts.warnings(card)]
    return (*_about_model(sheet, model, taught), *about_cards)


def warnings_for_prompt(sheet: Sheet, model: ResolvedModel, taught: Collection[str] = ()) -> tuple[str, ...]:
    """Return what a person should know before a single prompt is drawn; `taught` as for `warnings_for`."""
    return (*_about_model(sheet, model, taught), *prompts.warnings(sheet.cards[0]))


def _about_model(sheet: Sheet, model: ResolvedModel, taught: Collection[str]) -> tuple[str, ...]:
    """Trigger words are known: it is a LoRA that was taught them."""
    triggers = {word.lower() for card in sheet.cards for word in card.prompt.triggers}
    return model_warnings(model, [card.prompt.text for card in sheet.cards], {*taught, *triggers})


def model_warnings(model: ResolvedModel, texts: Iterable[str], taught: Collection[str] = ()) -> tuple[str, ...]:
    """Return the words that a toy model has never seen, in one sentence, and the themes it knows if they name none.

    `texts` are whole prompts; `taught` are the phrases that it was taught as a whole, in lower case.
    """
    if model.source.name != STARTER:
        return ()
    words = ", ".join(dict.fromkeys(without_phrases(text, taught) for text in texts))
    unknown = unknown_words(words)
    if not unknown:
        return ()
    quoted = ", ".join(f'"{word}"' for word in unknown[:MOST_QUOTED])
    more = f" and {len(unknown) - MOST_QUOTED:,} other words" if len(unknown) > MOST_QUOTED else ""
    as_if = "they were" if len(unknown) > 1 else "it was"
    hint = "" if known_themes(words) else f" Themes it knows: {', '.join(FAMILIES)}."
    return (f"The starter model was never taught {quoted}{more} and draws as if {as_if} not there.{hint}",)


def pick_rows(card_set: CardSet, picked: Sequence[int]) -> CardSet:
    """Return the set with the rows that `picked` names by index; all where it is empty. Raises `NotFound`."""
    by_index = {row.index: row for row in card_set.rows}
    for index in picked:
        if index not in by_index:
            raise NotFound(f"{card_set.name} has no card {index}: it has 1 to {len(by_index)}.", field="$.cards")
    rows = tuple(by_index[index] for index in sorted(set(picked))) if picked else card_set.rows
    return msgspec.structs.replace(card_set, rows=rows)


def _card_spec(basis: Basis, card_set: CardSet, card: prompts.PlannedCard, size: tuple[int, int]) -> GenerateSpec:
    own, settings = card.overrides, basis.settings
    return GenerateSpec(
        prompt=card.prompt.text,
        parts=card.prompt.parts,
        negative_prompt=card.negative_prompt or basis.config.generation.negative_prompt,
        width=size[0],
        height=size[1],
        steps=own.steps or steps_for(basis),
        guidance_scale=guidance_for(basis) if own.guidance_scale is None else own.guidance_scale,
        seed=seed_of(basis.first_seed, card.index - 1) if own.seed is None else own.seed,
        scheduler=settings.scheduler or basis.config.generation.scheduler,
        mix=basis.choose(wanted_mix(basis, card_set, own)).mix,
        model=basis.model.source.name,
        model_revision=basis.model.source.revision,
        name=card.name,
    )
