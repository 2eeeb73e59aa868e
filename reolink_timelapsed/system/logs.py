"""Log lines: with priorities where the journal reads them, plain elsewhere.

A message is one line, whatever the words of others in it: a line break is shown, not obeyed.
"""

from __future__ import annotations

import logging
import os
import sys
from types import TracebackType

from reolink_timelapsed.humanize import printable
from reolink_timelapsed.system.redact import Scrubber
from reolink_timelapsed.system.terminal import ERASE, drawable

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}


class Formatter(logging.Formatter):
    """Takes secrets out of tracebacks, which quote whoever failed; `lead` goes before each line.

    Messages have none: what they quote of others was cleaned where it came in.
    """

    def __init__(self, scrubber: Scrubber, *, journal: bool, lead: str = "") -> None:
        super().__init__("%(message)s" if journal else "%(asctime)s %(levelname)s %(message)s")
        self.default_msec_format = None
        self._scrubber = scrubber
        self._journal = journal
        self._lead = lead

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if not self._journal:
            return self._lead + text
        mark = f"<{_PRIORITIES.get(record.levelno, 5)}>"
        return "\n".join(mark + line for line in text.splitlines())

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802
        text = self._scrubber.clean(super().formatException(ei))
        return "\n".join(map(printable, text.splitlines()))


def set_up(scrubber: Scrubber, *, verbose: bool) -> None:
    """Send our own log to standard error; `verbose` adds the story of every retry."""
    handler = logging.StreamHandler(sys.stderr)
    lead = ERASE if drawable(sys.stderr) else ""  # over what is shown of a progress
    handler.setFormatter(Formatter(scrubber, journal=to_journal(), lead=lead))
    ours = logging.getLogger(__package__.partition(".")[0])
    ours.handlers[:] = [handler]
    ours.propagate = False
    ours.setLevel(logging.DEBUG if verbose else logging.INFO)


def to_journal() -> bool:
    """Whether standard error is the journal: systemd names its device and inode."""
    try:
        device, inode = os.environ.get("JOURNAL_STREAM", "").split(":")
        error = os.fstat(sys.stderr.fileno())
        return (error.st_dev, error.st_ino) == (int(device), int(inode))
    except (ValueError, OSError):
        return False
