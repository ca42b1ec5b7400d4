"""The store: the durable queue in SQLite, as the daemon sees it (`queue`), and its parts by subject."""

from __future__ import annotations

from imagineerd.store.queue import Store

__all__ = ["Store"]
