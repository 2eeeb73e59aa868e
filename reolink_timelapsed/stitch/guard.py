"""Lets a failure cost what it befell and nothing else, and remembers it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reolink_timelapsed.errors import DiskFull, EncodeError, StoreError
from reolink_timelapsed.system.disk_errors import translated

log = logging.getLogger(__name__)


class Guard:
    """The failures of a run, by the label of what failed; `before_telling` clears the screen."""

    def __init__(self, root: Path, before_telling: Callable[[], None]) -> None:
        self._root = root
        self._before_telling = before_telling
        self._labels: set[str] = set()
        self.failures: list[str] = []

    def has_failed(self, label: str) -> bool:
        return label in self._labels

    @contextmanager
    def over(self, label: str) -> Iterator[None]:
        """Let a failure cost what bears this label; a full disk alone costs the others theirs.

        Raises:
            DiskFull: if there is no room.
        """
        try:
            with translated(self._root):
                yield
        except DiskFull:
            raise
        except (EncodeError, StoreError) as error:
            self._labels.add(label)
            self.failures.append(str(error))
            self._before_telling()
            log.error("%s", error if label in str(error) else f"{label}: {error}")
