"""`imagineer config`: through the daemon where one answers, else on the file itself."""

from __future__ import annotations

from typing import Any

from imagineer_tui import tables
from imagineer_tui.run import OK, Run
from imagineerd import protocol
from imagineerd.client import Client
from imagineerd.config import Paths, load_config, set_value
from imagineerd.errors import DaemonAway, NotFound, did_you_mean
from imagineerd.settings import as_plain


def config(run: Run) -> int:
    """Show or change the configuration."""
    options = run.options
    match options.action:
        case "get":
            value = _value(_read(run), options.key)
            run.out.show(value, lambda out, value: out.line(tables.plain(value)))
        case "set":
            _changed(run, _write(run, options.key, options.value))
        case "unset":
            _changed(run, _write(run, options.key, None))
        case _:
            run.out.show(_read(run), tables.config)
    return OK


def _read(run: Run) -> protocol.Config:
    client = _client(run)
    return client.config() if client else _local(run.paths)


def _write(run: Run, key: str, value: str | None) -> protocol.Config:
    client = _client(run)
    if client:
        return client.set_config(key, value)
    set_value(run.paths, key, value)
    return _local(run.paths)


def _client(run: Run) -> Client | None:
    try:
        return run.client()
    except DaemonAway:
        if run.far is not None:
            raise
        return None


def _local(paths: Paths) -> protocol.Config:
    return protocol.Config(values=as_plain(load_config(paths)), file=str(paths.config_file))


def _value(data: protocol.Config, key: str) -> Any:
    known = {f"{section}.{name}": value for section, values in data.values.items() for name, value in values.items()}
    if key not in known:
        raise NotFound(f'There is no setting "{key}".{did_you_mean(key, known)}', field="key")
    return known[key]


def _changed(run: Run, data: protocol.Config) -> None:
    """Say what the value is now, and whether that waits for a restart."""
    key = run.options.key
    value = tables.plain(_value(data, key))
    run.out.show(data, lambda out, _: out.line(f"{key}: {value}"))
    if data.restart_needed:
        run.out.notice("This counts from the next start: imagineer stop, imagineer start.")
