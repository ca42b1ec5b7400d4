"""What every request does: one exhaustive match, one small function each.

A reply means it has happened: what changes state is committed in the store before it is answered.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from imagineerd import config as configuration
from imagineerd import planning, protocol, search, settings, takes, themes
from imagineerd.dispatch import Dispatcher, speed_key
from imagineerd.doctor import run_checks
from imagineerd.errors import Draining, Invalid, ModelError, Problem, VersionMismatch
from imagineerd.events import Events
from imagineerd.grids.cells import by_mix
from imagineerd.grids.planning import check_subject, plan_grid
from imagineerd.jobs import A_FEW, BACKGROUND, INTERACTIVE, GenerateSpec, Mix
from imagineerd.labeling import Labeling
from imagineerd.labels import checks
from imagineerd.labels import prompts as label_prompts
from imagineerd.labels.prompts import LabelPrompt
from imagineerd.link import Build
from imagineerd.lora import library as loras
from imagineerd.lora.choosing import Chooser
from imagineerd.lora.mixes import check_name
from imagineerd.models import ResolvedModel, check_named, resolve_model
from imagineerd.naming import GRID, batch_id
from imagineerd.prompts import load_tokenizer
from imagineerd.server import Client
from imagineerd.sets import library as sets
from imagineerd.store import Store
from imagineerd.store.intake import Idem, NewBatch, Terms
from imagineerd.trash import Trash
from imagineerd.version import VERSION

if TYPE_CHECKING:
    from tokenizers import Tokenizer

EVENTS_RESUMED = 10_000
"""Events that a resume replays at most; who missed more gets a snapshot."""
SUBMITS = (protocol.Submit, protocol.LabelTakes, protocol.RetryJobs, protocol.Release)


class Requests:
    """The daemon as its clients see it."""

    def __init__(  # noqa: PLR0913, PLR0917 - it joins the parts of the daemon
        self,
        paths: configuration.Paths,
        config: configuration.Config,
        store: Store,
        dispatcher: Dispatcher,
        labeling: Labeling,
        events: Events,
        *,
        trash: Trash,
        boot: str,
        stop: Callable[[], None],
    ) -> None:
        self.paths = paths
        self.config = config
        self.store = store
        self.dispatcher = dispatcher
        self.labeling = labeling
        self.lanes = (dispatcher, labeling)
        self.events = events
        self.trash = trash
        self.boot = boot
        self.stop = stop
        self.draining = False
        self._configuring = asyncio.Lock()
        self._started = time.monotonic()
        self._restart_needed = False
        self._models: dict[tuple[object, ...], ResolvedModel] = {}
        self._counted: tuple[int, dict[str, int]] = (-1, {})

    async def answer(  # noqa: C901, PLR0911, PLR0912, PLR0915 - one case for each request, on purpose
        self, request: protocol.Request[Any], client: Client
    ) -> protocol.Body:
        """Do what was asked. Raises the errors of `errors.py`."""
        if self.draining and isinstance(request, SUBMITS):
            raise Draining("The daemon is stopping; ask again when it is back.")
        match request:
            case protocol.Hello():
                return self._welcome(request, client)
            case protocol.GetStatus():
                return await self._status()
            case protocol.RunDoctor():
                return await self._doctor()
            case protocol.ListSets():
                return await self._list_sets()
            case protocol.GetSet():
                return _set_detail(await self._card_set(request.set))
            case protocol.ListLoras():
                folder = self.config.loras.directory
                return await asyncio.to_thread(loras.list_loras, folder, request.limit, request.after)
            case protocol.GetLora():
                return await asyncio.to_thread(self._lora, request.lora)
            case protocol.NoteLora():
                return await asyncio.to_thread(loras.note_lora, self.config.loras.directory, request)
            case protocol.ListMixes():
                return protocol.Mixes(mixes=await self.store.list_mixes())
            case protocol.GetMix():
                return await self.store.get_mix(request.name)
            case protocol.SaveMix():
                return await self._save_mix(request)
            case protocol.RenameMix():
                return await self._rename_mix(request)
            case protocol.DeleteMix():
                await self.store.delete_mix(request.name, time.time())
                return protocol.Done()
            case protocol.PlanDeal():
                return await self._plan(request)
            case protocol.MakeThemes():
                return _make_themes(request)
            case protocol.Deal():
                return await self._deal(request, client)
            case protocol.Generate():
                return await self._generate(request, client)
            case protocol.DealGrid():
                return await self._grid(request, client)
            case protocol.Reroll():
                return await self._reroll(request, client)
            case protocol.Complete():
                return await self._complete(request, client)
            case protocol.ListBatches():
                return await self.store.list_batches(request.limit, request.before)
            case protocol.GetBatch():
                return await self.store.get_batch(request.batch)
            case protocol.ListJobs():
                return await self._list_jobs(request)
            case protocol.GetQueue():
                return await self.store.queue(request.limit, request.after)
            case protocol.Cancel():
                return await self._cancel(request)
            case protocol.RetryJobs():
                return await self._retry(request)
            case protocol.Hold():
                return await self._hold(request)
            case protocol.Release():
                return await self._release(request)
            case protocol.MoveJobs():
                return await self._move(request)
            case protocol.SetPriority():
                return await self._set_priority(request)
            case protocol.Pause():
                return await self._pause(request)
            case protocol.Unpause():
                return await self._resume()
            case protocol.Pick():
                await self.store.set_pick(request.take, time.time())
                return protocol.Done()
            case protocol.GetTake():
                return await takes.detail(self.store, self.trash, request.take)
            case protocol.Favourite():
                await self.store.favourite(request.takes, time.time(), on=request.on)
                return protocol.Done()
            case protocol.DeleteTakes():
                _one_of(request.takes, request.batch, "takes")
                return await self.trash.delete(request.takes, request.batch)
            case protocol.RestoreTakes():
                _one_of(request.takes, request.batch, "takes")
                return await self.trash.restore(request.takes, request.batch)
            case protocol.ListTrash():
                return await self.store.list_trash(request.limit, request.before)
            case protocol.EmptyTrash():
                return await self.trash.empty()
            case protocol.Search():
                return await self.store.search(search.parse(request.query), request.limit, request.before)
            case protocol.LabelTakes():
                return await self._label(request, client)
            case protocol.GetLabels():
                return await self.store.labels(request.take)
            case protocol.EditLabel():
                label = await self.store.edit_label(request, client.peer.user, time.time())
                return await self._labelled(request.take, label)
            case protocol.RestoreLabel():
                label = await self.store.restore_label(request.take, request.label, time.time())
                return await self._labelled(request.take, label)
            case protocol.ListLabelPrompts():
                return await asyncio.to_thread(self._label_prompts)
            case protocol.BuildLabeler():
                self.labeling.build(Build(self.config.labeling.image, request.base, request.version, request.network))
                return protocol.Done()
            case protocol.GetConfig():
                return self._config()
            case protocol.SetConfig():
                return await self._set_config(request)
            case protocol.Unsubscribe():
                self.events.forget(client.address)
                return protocol.Done()
            case protocol.Stop():
                self.draining = True
                self.stop()
                return protocol.Done()
        raise AssertionError(request)

    # ------------------------------------------------------------ session

    def _welcome(self, hello: protocol.Hello, client: Client) -> protocol.Welcome:
        if not hello.proto_min <= protocol.VERSION <= hello.proto_max:
            raise VersionMismatch(
                f"This daemon speaks protocol {protocol.VERSION}, the client {hello.proto_min} to "
                f"{hello.proto_max}: update the older of the two."
            )
        client.name = hello.client
        return protocol.Welcome(
            proto=protocol.VERSION,
            daemon=VERSION,
            epoch=self.store.epoch,
            boot=self.boot,
            features=protocol.FEATURES,
            uid=client.peer.uid,
            pid=client.peer.pid,
            role=client.peer.role,
            key=client.peer.name,
        )

    async def _status(self) -> protocol.Status:
        model = await self._model_info()
        return protocol.Status(
            version=VERSION,
            pid=os.getpid(),
            uptime=time.monotonic() - self._started,
            boot=self.boot,
            epoch=self.store.epoch,
            worker=self.dispatcher.info,
            model=model,
            jobs=await self._counts(),
            data_dir=str(self.paths.data_dir),
            output_dir=str(self.config.output.directory),
            config_file=str(self.paths.config_file),
            disk_free=shutil.disk_usage(self.paths.data_dir).free,
            eta_s=self.dispatcher.eta(),
            paused=self.dispatcher.paused,
            labeling=self.labeling.info,
        )

    async def _counts(self) -> dict[str, int]:
        """Count the jobs by state. Whatever changes a state is an event: without a new one the last count holds."""
        head = self.events.head
        if self._counted[0] != head:
            self._counted = (head, await self.store.counts())
        return self._counted[1]

    # ------------------------------------------------------------ sets and plans

    async def _library(self) -> sets.SetLibrary:
        return await asyncio.to_thread(sets.read_sets, self.paths.builtin_sets, self.config.sets.directory)

    async def _list_sets(self) -> protocol.Sets:
        library = await self._library()
        good = [_set_info(card_set) for card_set in library.sets.values()]
        broken = [
            protocol.SetInfo(id=name, name=name, problems=problems) for name, problems in library.problems.items()
        ]
        return protocol.Sets(sets=(*good, *broken))

    async def _card_set(self, word: str) -> sets.CardSet:
        library = await self._library()
        if word in library.problems:
            raise Invalid(library.problems[word])
        names = {set_id: card_set.name for set_id, card_set in library.sets.items()}
        return library.sets[sets.match_set(word, names)]

    async def _plan(self, request: protocol.PlanDeal) -> protocol.Plan:
        card_set = await self._card_set(request.set)
        basis, sheet = await asyncio.to_thread(self._sheet, request, card_set, await self._chooser())
        first = sheet.specs[0]
        return protocol.Plan(
            set=card_set.id,
            title=sheet.title,
            theme=request.theme,
            model=basis.model.info,
            width=first.width,
            height=first.height,
            scheduler=first.scheduler,
            cards=tuple(map(planning.planned_card, sheet.cards, sheet.specs)),
            warnings=await self._sheet_warnings(sheet, basis.model, request.theme),
            eta_s=await self._eta(sheet.specs),
        )

    async def _eta(self, specs: Sequence[GenerateSpec]) -> float | None:
        speeds = {speed_key(spec): await self.store.speed(speed_key(spec)) for spec in specs}
        seconds = [(speeds[speed_key(spec)] or 0.0) * spec.steps for spec in specs]
        return sum(seconds) if all(seconds) else None

    def _model(self, name: str | None) -> ResolvedModel:
        """Find a model. What was found within this second counts: a look takes a hundred calls of the system."""
        key, wanted = self._model_key(name), self.config.model
        if name is not None:
            check_named(name, wanted.default)
        found = self._models.get(key)
        if found is None:
            found = resolve_model(
                name or wanted.default,
                starter=self.paths.starter_model,
                cache_dir=wanted.cache_dir,
                base_dir=self.paths.config_file.parent if name is None else None,
            )
            self._models = {key: found}
        return found

    def _model_key(self, name: str | None) -> tuple[object, ...]:
        return self.config.model, name, int(time.monotonic())

    async def _model_info(self) -> protocol.ModelInfo:
        """Return the default model for people, also where it is not there."""
        model = self._models.get(self._model_key(None))
        try:
            if model is None:
                model = await asyncio.to_thread(self._model, None)
        except ModelError:
            return protocol.ModelInfo(name=self.config.model.default, present=False)
        return model.info

    def _sheet(
        self, request: protocol.Deal | protocol.PlanDeal, card_set: sets.CardSet, chooser: Chooser
    ) -> tuple[planning.Basis, planning.Sheet]:
        basis = self._basis(request.settings, chooser)
        return basis, planning.plan_set(basis, card_set, request.theme, request.cards)

    def _copies(self, request: protocol.Generate, chooser: Chooser) -> tuple[planning.Basis, tuple[GenerateSpec, ...]]:
        basis = self._basis(request.settings, chooser)
        n = request.n or self.config.generation.num_images
        return basis, planning.plan_prompt(basis, request.prompt, n, request.name)

    def _basis(self, chosen: protocol.Settings, chooser: Chooser) -> planning.Basis:
        model = self._model(chosen.model)
        return planning.Basis(
            config=self.config,
            model=model,
            settings=chosen,
            choose=partial(chooser.choose, model=model),
            first_seed=planning.draw_seed() if chosen.seed is None else chosen.seed,
            tokenizer=_tokenizer(model.tokenizer_dir) if model.tokenizer_dir else None,
        )

    async def _chooser(self) -> Chooser:
        mixes = {mix.name.lower(): mix.mix for mix in await self.store.list_mixes()}
        return Chooser(self.config.loras.directory, mixes)

    async def _save_mix(self, request: protocol.SaveMix) -> protocol.MixInfo:
        chooser = await self._chooser()
        mix = await asyncio.to_thread(self._exact, request, chooser)
        return await self.store.save_mix(request.name, mix, time.time())

    def _exact(self, request: protocol.SaveMix, chooser: Chooser) -> Mix:
        check_name(request.name, chooser.library.loras)
        return chooser.exact(request.mix)

    async def _rename_mix(self, request: protocol.RenameMix) -> protocol.MixInfo:
        library = await asyncio.to_thread(loras.read_library, self.config.loras.directory)
        check_name(request.to, library.loras)
        return await self.store.rename_mix(request.name, request.to, time.time())

    def _lora(self, name: str) -> protocol.LoraDetail:
        return loras.lora_detail(loras.find_lora(self.config.loras.directory, name))

    async def _sheet_warnings(self, sheet: planning.Sheet, model: ResolvedModel, theme: str) -> tuple[str, ...]:
        about_loras = await asyncio.to_thread(self._lora_warnings, sheet.specs)
        return (*planning.warnings_for(sheet, model, theme), *about_loras)

    def _lora_warnings(self, specs: Sequence[GenerateSpec]) -> tuple[str, ...]:
        names = dict.fromkeys(lora.name for spec in specs for lora in spec.mix)
        return loras.doubts(loras.find_lora(self.config.loras.directory, name) for name in names)

    # ------------------------------------------------------------ dealing

    async def _deal(self, request: protocol.Deal, client: Client) -> protocol.Dealt:
        card_set = await self._card_set(request.set)
        basis, sheet = await asyncio.to_thread(self._sheet, request, card_set, await self._chooser())
        pairs = tuple(zip(sheet.cards, sheet.specs, strict=True))
        new = self._new_batch(
            request.settings,
            terms=_terms(request, client),
            set_id=card_set.id,
            title=sheet.title,
            theme=request.theme,
            slots=tuple((card.index, card.name, spec) for card, spec in pairs),
            jobs=tuple((card.index, spec) for card, spec in pairs),
            mixes=sheet.mixes,
        )
        if request.label:
            prompt = await asyncio.to_thread(self._label_prompt, request.label)
            new = msgspec.structs.replace(new, label_prompt=prompt)
        warnings = await self._sheet_warnings(sheet, basis.model, request.theme)
        return await self._submit(new, _idem(request, client), warnings)

    async def _generate(self, request: protocol.Generate, client: Client) -> protocol.Dealt:
        basis, specs = await asyncio.to_thread(self._copies, request, await self._chooser())
        new = self._new_batch(
            request.settings,
            terms=_terms(request, client, pictures=len(specs)),
            set_id="",
            title=request.name or request.prompt,
            theme="",
            slots=((1, specs[0].name, specs[0]),),
            jobs=tuple((1, spec) for spec in specs),
            mixes=basis.choose(request.settings.mix or ()).mixes,
        )
        about_loras = await asyncio.to_thread(self._lora_warnings, specs)
        warnings = (*planning.model_warnings(basis.model, request.prompt), *about_loras)
        return await self._submit(new, _idem(request, client), warnings)

    async def _grid(self, request: protocol.DealGrid, client: Client) -> protocol.Dealt:
        check_subject(request)
        card_set = await self._card_set(request.set) if request.set else None
        chooser = await self._chooser()
        basis = await asyncio.to_thread(self._basis, request.settings, chooser)
        grid = await asyncio.to_thread(plan_grid, basis, request, card_set)
        new = self._new_batch(
            request.settings,
            terms=_terms(request, client),
            set_id="",
            name=GRID,
            title=grid.title,
            theme=request.theme,
            slots=tuple((index, spec.name, spec) for index, spec in enumerate(grid.specs, 1)),
            jobs=tuple((place + 1, grid.specs[place]) for place in by_mix(grid.specs)),
            mixes=grid.mixes,
            grid=request.axes,
        )
        about_loras = await asyncio.to_thread(self._lora_warnings, grid.specs)
        warnings = (*planning.model_warnings(basis.model, request.theme or request.prompt), *about_loras)
        return await self._submit(new, _idem(request, client), warnings)

    def _new_batch(self, chosen: protocol.Settings, set_id: str, name: str = "", **parts: Any) -> NewBatch:
        stamp = time.strftime("%Y%m%d_%H%M%S")
        return NewBatch(
            id=batch_id(name or set_id, stamp),
            set_id=set_id,
            settings=msgspec.msgpack.encode(chosen),
            output_dir=str(self.config.output.directory),
            **parts,
        )

    async def _submit(self, new: NewBatch, idem: Idem, warnings: tuple[str, ...]) -> protocol.Dealt:
        dealt = await self.store.submit_batch(new, idem, self.config.daemon.queue_limit, time.time())
        await self._let_wait(dealt.jobs)
        return msgspec.structs.replace(dealt, warnings=warnings)

    async def _reroll(self, request: protocol.Reroll, client: Client) -> protocol.Dealt:
        batch = await self.store.find_batch(request.batch)
        specs = await self.store.slot_specs(batch, request.slots)
        first = planning.draw_seed() if request.seed is None else request.seed
        jobs = tuple(
            (slot, msgspec.structs.replace(specs[slot], seed=planning.seed_of(first, offset, "$.seed")))
            for offset, slot in enumerate(request.slots)
        )
        limit, terms = self.config.daemon.queue_limit, _terms(request, client, pictures=len(jobs))
        dealt = await self.store.add_jobs(batch, jobs, _idem(request, client), limit, time.time(), terms=terms)
        await self._let_wait(dealt.jobs)
        return dealt

    async def _complete(self, request: protocol.Complete, client: Client) -> protocol.Dealt:
        limit, terms = self.config.daemon.queue_limit, _terms(request, client)
        dealt = await self.store.complete(request.batch, _idem(request, client), limit, time.time(), terms=terms)
        await self._let_wait(dealt.jobs)
        return dealt

    async def _let_wait(self, jobs: Sequence[int]) -> None:
        """Tell the dispatchers of jobs as far as they wait, where they stand now."""
        entries = await self.store.waiting(jobs)
        for lane in self.lanes:
            lane.add(entries)

    # ------------------------------------------------------------ labels

    async def _label(self, request: protocol.LabelTakes, client: Client) -> protocol.Labeling:
        if bool(request.takes) == bool(request.batch):
            raise Invalid(message="Name either takes or one batch.", field="$.takes")
        prompt = await asyncio.to_thread(self._label_prompt, request.prompt or self.config.labeling.prompt)
        limit = self.config.daemon.queue_limit
        idem, who = _idem(request, client), _who(client)
        return await self.store.label_takes(request, prompt, idem, limit, time.time(), client=who)

    def _label_prompt(self, name: str) -> LabelPrompt:
        """Find a prompt. Raises `WrongState` where nothing can be labelled: no job is to wait for what never comes."""
        checks.require(self.config, self.paths)
        return label_prompts.find_prompt(self.config.labeling.directory, name)

    def _label_prompts(self) -> protocol.LabelPrompts:
        folder = self.config.labeling.directory
        return protocol.LabelPrompts(names=label_prompts.prompt_names(folder), folder=str(folder))

    async def _labelled(self, take: int, label: protocol.Label | None) -> protocol.TakeLabel:
        await self.labeling.note(take)
        return protocol.TakeLabel(take=take, label=label)

    # ------------------------------------------------------------ jobs

    async def _list_jobs(self, request: protocol.ListJobs) -> protocol.Jobs:
        return await self.store.list_jobs(request.states, request.batch, request.limit, request.before)

    async def _cancel(self, request: protocol.Cancel) -> protocol.Cancelled:
        _one_of(request.jobs, request.batch)
        done = await self.store.cancel(request.jobs, request.batch, time.time())
        for lane in self.lanes:
            lane.cancel(done.cancelled, done.stopping)
        return done

    async def _retry(self, request: protocol.RetryJobs) -> protocol.Retried:
        if request.failed and not request.jobs and request.batch is None:
            retried = await self.store.retry((), None, time.time(), failed=True)
        else:
            _one_of(request.jobs, request.batch)
            retried = await self.store.retry(request.jobs, request.batch, time.time())
        await self._let_wait(retried.jobs)
        return retried

    async def _pause(self, request: protocol.Pause) -> protocol.Done:
        await self.store.pause(time.time(), paused=True)
        for lane in self.lanes:
            lane.pause(now=request.now)
        return protocol.Done()

    async def _resume(self) -> protocol.Done:
        await self.store.pause(time.time(), paused=False)
        for lane in self.lanes:
            lane.resume()
        return protocol.Done()

    async def _hold(self, request: protocol.Hold) -> protocol.Held:
        _one_of(request.jobs, request.batch)
        held = await self.store.hold(request.jobs, request.batch, time.time())
        for lane in self.lanes:
            lane.drop(held.jobs)
        return held

    async def _release(self, request: protocol.Release) -> protocol.Retried:
        _one_of(request.jobs, request.batch)
        released = await self.store.release(request.jobs, request.batch, time.time())
        await self._let_wait(released.jobs)
        return released

    async def _move(self, request: protocol.MoveJobs) -> protocol.Placed:
        _one_of(request.jobs, request.batch)
        if (request.end is None) == (request.before is None):
            raise Invalid(message="Say where to: an end of the queue, or before which job.", field="$.end")
        placed = await self.store.place(request.jobs, request.batch, request.end, request.before, time.time())
        await self._let_wait(placed.jobs)
        return placed

    async def _set_priority(self, request: protocol.SetPriority) -> protocol.Placed:
        _one_of(request.jobs, request.batch)
        placed = await self.store.set_priority(request.jobs, request.batch, request.priority, time.time())
        await self._let_wait(placed.jobs)
        return placed

    # ------------------------------------------------------------ config and doctor

    def _config(self) -> protocol.Config:
        return protocol.Config(
            values=settings.as_plain(self.config),
            file=str(self.paths.config_file),
            restart_needed=self._restart_needed,
        )

    async def _set_config(self, request: protocol.SetConfig) -> protocol.Config:
        async with self._configuring:
            self.config = await asyncio.to_thread(configuration.set_value, self.paths, request.key, request.value)
        self._restart_needed = self._restart_needed or settings.needs_restart(request.key)
        return self._config()

    async def reload(self) -> list[str]:
        """Read the configuration file again; return the changed keys that wait for a restart.

        Raises `Invalid` with everything that is wrong in the file; then nothing changed.
        """
        async with self._configuring:
            before, self.config = self.config, await asyncio.to_thread(configuration.load_config, self.paths)
        waits = [key for key in settings.changed(before, self.config) if settings.needs_restart(key)]
        self._restart_needed = self._restart_needed or bool(waits)
        return waits

    async def _doctor(self) -> protocol.Doctor:
        library = await self._library()
        problems = tuple(problem for found in library.problems.values() for problem in found)
        checks = await asyncio.to_thread(self._checks, problems)
        return protocol.Doctor(checks=checks)

    def _checks(self, problems: tuple[Problem, ...]) -> tuple[protocol.Check, ...]:
        try:
            model = self._model(None).info
        except ModelError:
            model = None
        worker = self.dispatcher.info
        return run_checks(self.paths, self.config, worker, model, problems, sqlite=sqlite3.sqlite_version)


@lru_cache(maxsize=4)
def _tokenizer(folder: Path) -> Tokenizer:
    return load_tokenizer(folder)


def _one_of(numbers: tuple[int, ...], batch: str | None, things: str = "jobs") -> None:
    if bool(numbers) == bool(batch):
        raise Invalid(message=f"Name either {things} or one batch.", field=f"$.{things}")


def _terms(request: protocol.Submit, client: Client, pictures: int | None = None) -> Terms:
    """Return how new jobs are taken in; `pictures` is how many somebody waits for, None for those of a deck."""
    usual = BACKGROUND if pictures is None or pictures > A_FEW else INTERACTIVE
    priority = usual if request.priority is None else request.priority
    return Terms(client=_who(client), priority=priority, hold=request.hold)


def _who(client: Client) -> str:
    """Return whose turns new jobs take."""
    return f"{client.peer.user}:{client.name}"


def _idem(request: Any, client: Client) -> Idem:
    digest = hashlib.sha256(msgspec.msgpack.encode(request)).digest()
    return client.peer.user, request.idem, digest


def _make_themes(request: protocol.MakeThemes) -> protocol.Themes:
    seed = planning.draw_seed() if request.seed is None else request.seed
    return protocol.Themes(themes=themes.themes(request.count, seed), seed=seed)


def _set_info(card_set: sets.CardSet) -> protocol.SetInfo:
    return protocol.SetInfo(
        id=card_set.id,
        name=card_set.name,
        description=card_set.description,
        builtin=card_set.builtin,
        cards=len(card_set.rows),
        width=card_set.width,
        height=card_set.height,
        example_theme=card_set.example_theme,
        mix=card_set.loras,
    )


def _set_detail(card_set: sets.CardSet) -> protocol.SetDetail:
    return protocol.SetDetail(
        info=_set_info(card_set),
        base_prompt=card_set.base_prompt,
        prompt_template=card_set.prompt_template,
        style_suffix=card_set.style_suffix,
        negative_prompt=card_set.negative_prompt,
        columns=card_set.columns,
        cards=tuple(protocol.Card(index=row.index, name=row.name, values=row.values) for row in card_set.rows),
    )
