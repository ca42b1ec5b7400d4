"""Find, read and check sets: a CSV whose rows are cards, and its entry in `config.yaml`.

Two folders are looked at: the built-in sets and the user's. An entry or a CSV in the user's folder takes the place of
the built-in one of the same name, each by itself: a CSV of one's own is dealt with the built-in template, a template
of one's own with the built-in CSV. A CSV of the user's that no entry speaks of is a set too, with a template made of
its columns. How a CSV is read stands in `csv_rows`, the keys of an entry in `config`, the columns that are settings in
`rows`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from imagineerd.errors import Invalid, NotFound, Problem, did_you_mean
from imagineerd.jobs import Mix
from imagineerd.sets.config import Entry, SetConfig, read_entries
from imagineerd.sets.csv_rows import Table, read_table
from imagineerd.sets.rows import Overrides, Row, default_template, parse_mix, read_rows
from imagineerd.sets.templates import placeholders

__all__ = [
    "CardSet",
    "FoundSets",
    "Overrides",
    "Row",
    "SetLibrary",
    "SetSource",
    "find_sets",
    "load_set",
    "match_set",
    "parse_mix",
    "read_sets",
]

CONFIG_FILE = "config.yaml"
CSV_ENDINGS = (".csv", ".tsv")


class CardSet(msgspec.Struct, frozen=True):
    """A set, read and found right: every placeholder of its template has a column, and it has rows.

    `csv_path` is the file's name in its sets folder. Sizes are pixels, divisible by 8.
    """

    id: str
    name: str
    description: str
    builtin: bool
    csv_path: str
    base_prompt: str
    prompt_template: str
    style_suffix: str
    example_theme: str
    width: int
    height: int
    negative_prompt: str
    loras: Mix
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


class SetSource(msgspec.Struct, frozen=True):
    """Where a set stands on disk, before its CSV is read. `csv` is None where it cannot be used."""

    id: str
    builtin: bool
    entry: Entry
    csv: Path | None
    problems: tuple[Problem, ...] = ()


class FoundSets(msgspec.Struct, frozen=True):
    """The sets by id, and by file name what stands in the folders and can be no set."""

    sources: dict[str, SetSource]
    problems: dict[str, tuple[Problem, ...]]


class SetLibrary(msgspec.Struct, frozen=True):
    """The sets that can be dealt by id, and the problems of all others by set id or file name."""

    sets: dict[str, CardSet]
    problems: dict[str, tuple[Problem, ...]]


def read_sets(builtin: Path, user: Path | None = None) -> SetLibrary:
    """Read every set of the two folders; one that is broken hides no other."""
    found = find_sets(builtin, user)
    sets: dict[str, CardSet] = {}
    problems = dict(found.problems)
    for set_id, source in found.sources.items():
        try:
            sets[set_id] = load_set(source)
        except Invalid as error:
            problems[set_id] = error.problems
    return SetLibrary(sets, problems)


def find_sets(builtin: Path, user: Path | None = None) -> FoundSets:
    """Find the sets of the two folders without reading a CSV; a folder that is not there is empty.

    A folder whose `config.yaml` cannot be read offers no set, so that no CSV is dealt with a wrong template.
    """
    problems: dict[str, tuple[Problem, ...]] = {}
    shipped, unreadable = _read_config(builtin)
    own, own_unreadable = _read_config(user) if user else ({}, ())
    if unreadable or own_unreadable:
        problems[CONFIG_FILE] = (*unreadable, *own_unreadable)
    folders = [user, builtin] if user and not own_unreadable else [builtin]
    sources = {
        set_id: _source(set_id, entry, folders, own=set_id in own) for set_id, entry in {**shipped, **own}.items()
    }
    for folder in folders[:-1]:
        _add_bare_csvs(folder, sources, problems)
    return FoundSets(sources, problems)


def load_set(source: SetSource) -> CardSet:
    """Read a set's CSV and check it against its template.

    Raises Invalid with every problem of the entry, the file and its rows at once.
    """
    wrong = (*source.entry.problems, *source.problems)
    if source.csv is None:
        raise Invalid(wrong)
    config, file = source.entry.config, source.csv.name
    table, unreadable = _read_csv(source.csv)
    template = config.prompt_template or default_template(table.columns)
    rows, bad_cells = read_rows(table, template, file)
    wrong += (*unreadable, *bad_cells, *_missing_columns(source, template, table))
    if not wrong and not rows:
        wrong = (Problem("There are no cards: write a line for each below the header.", file, 1),)
    if wrong:
        raise Invalid(wrong)
    return CardSet(
        id=source.id,
        name=config.name or source.id.replace("_", " ").capitalize(),
        description=config.description,
        builtin=source.builtin,
        csv_path=file,
        base_prompt=config.base_prompt,
        prompt_template=template,
        style_suffix=config.style_suffix,
        example_theme=config.example_theme,
        width=config.width,
        height=config.height,
        negative_prompt=config.negative_prompt,
        loras=config.loras,
        columns=table.columns,
        rows=rows,
    )


def match_set(word: str, names: Mapping[str, str]) -> str:
    """Return the id of the set that a person means by `word`; `names` are the sets' names by id.

    An id is taken as it stands, else by its beginning, else by the beginning of its name or of a word of either.
    Raises NotFound where no set or more than one fits, with the ids that come near.
    """
    if word in names:
        return word
    wanted = _slug(word).removesuffix("s") or _slug(word)
    by_id = [set_id for set_id in names if _slug(set_id).startswith(wanted)]
    by_word = [set_id for set_id, name in names.items() if _has_word(wanted, set_id, name)]
    fits = (by_id or by_word) if wanted else []
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise NotFound(f'"{word}" can mean {" or ".join(fits)}: say which set.', field="set")
    raise NotFound(f'There is no set "{word}".{did_you_mean(word, names)}', field="set")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _has_word(beginning: str, set_id: str, name: str) -> bool:
    slugs = (_slug(set_id), _slug(name))
    words = (word for slug in slugs for word in (slug, *slug.split("_")))
    return any(word.startswith(beginning) for word in words)


def _read_config(folder: Path) -> tuple[dict[str, Entry], tuple[Problem, ...]]:
    try:
        data = (folder / CONFIG_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}, ()
    except OSError as error:
        return {}, (Problem(f"This file cannot be read: {error.strerror}.", CONFIG_FILE),)
    return read_entries(data, CONFIG_FILE)


def _source(set_id: str, entry: Entry, folders: Sequence[Path], *, own: bool) -> SetSource:
    """Look for the CSV of an entry; the user's folder stands before the built-in one."""
    csv_path = entry.config.csv_path or f"{set_id}.csv"
    try:
        csv = _find_csv(csv_path, [folder.resolve() for folder in folders])
    except Invalid as error:
        problem = Problem(error.message, csv_path)
        if entry.lines:
            line = entry.lines.get("csv_path", 0)
            problem = Problem(error.message, CONFIG_FILE, line, key=f"{set_id}.csv_path")
        return SetSource(set_id, not own, entry, None, (problem,))
    return SetSource(set_id, not own and csv.is_relative_to(folders[-1].resolve()), entry, csv)


def _find_csv(csv_path: str, roots: Sequence[Path]) -> Path:
    """Return the first file in the roots that has this path, or else its name; raise Invalid."""
    relative = Path(csv_path.replace("\\", "/"))
    try:
        if not any(_is_inside(root / relative, root) for root in roots):
            message = f'"{csv_path}" is outside the sets folder: move the file into it.'
            raise Invalid(message=message)
        for root in roots:
            for path in (root / relative, root / relative.name):
                if _is_inside(path, root) and path.is_file():
                    return path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise Invalid(message=f'"{csv_path}" cannot be looked up: {error}.') from None
    names = [path.name for root in roots for path in _csv_files(root)]
    near = did_you_mean(relative.name, names)
    raise Invalid(message=f'There is no file "{relative.name}" in the sets folder.{near}')


def _is_inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root)


def _csv_files(folder: Path) -> list[Path]:
    """List the CSV files of a folder by name, without those that editors and systems hide."""
    try:
        files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in CSV_ENDINGS]
    except OSError:
        return []
    return [path for path in files if path.is_file() and not path.name.startswith((".", "~"))]


def _add_bare_csvs(folder: Path, sources: dict[str, SetSource], problems: dict[str, tuple[Problem, ...]]) -> None:
    """Add a source for each CSV that belongs to none; a set id that is taken is a problem."""
    spoken_for = {source.csv for source in sources.values()}
    for path in _csv_files(folder):
        if path.resolve() in spoken_for:
            continue
        set_id = _slug(path.stem)[:64]
        if not set_id or set_id in sources:
            message = f'The set id "{set_id}" is empty or taken: rename the file.'
            problems[path.name] = (Problem(message, path.name),)
            continue
        entry = Entry(SetConfig(csv_path=path.name))
        sources[set_id] = _source(set_id, entry, [folder], own=True)


def _read_csv(path: Path) -> tuple[Table, tuple[Problem, ...]]:
    try:
        return read_table(path.read_bytes(), path.name)
    except OSError as error:
        return Table(), (Problem(f"This file cannot be read: {error.strerror}.", path.name),)


def _missing_columns(source: SetSource, template: str, table: Table) -> Iterator[Problem]:
    """Yield a problem for each placeholder without a column; a table without columns has its own."""
    missing = [name for name in placeholders(template) if name not in table.columns]
    for name in missing if table.columns else ():
        file = source.csv.name if source.csv else ""
        message = f'{file} has no column "{name}".{did_you_mean(name, table.columns)}'
        line = source.entry.lines.get("prompt_template", 0)
        yield Problem(message, CONFIG_FILE, line, key=f"{source.id}.prompt_template")
