"""Which size a snapshot has to be asked for: most cameras need none, a few refuse without.

An RLC-423 answers 404 to a Snap without `width` and `height`, other old ones an empty picture.
The size is learnt from GetEnc when it is missed, kept, and learnt anew when GetEnc says another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reolink_timelapsed.frame import Size

FAILURES_TO_LOOK = 2
"""In a row: a fault that passes is no reason."""

LOOK_AGAIN_SECONDS = 3600.0
"""Between two looks."""

LONG_SECONDS = 600.0
"""A camera that worked without a size must have failed for so long to be asked for one."""

KEPT_SECONDS = 3600.0
"""After which GetEnc is asked whether its sizes are still the same."""


class WantedSizes:
    """The sizes by channel; times are monotonic seconds."""

    def __init__(self) -> None:
        self._sizes: dict[int, Size] = {}
        self._offered: dict[int, tuple[Size, ...]] = {}
        self._asked_at: dict[int, float] = {}
        self._looked_at: dict[int, float] = {}
        self._worked_at: dict[int, float] = {}
        self._failures: dict[int, int] = {}

    def of(self, channel: int) -> Size | None:
        """Return the size to ask for, None where a request needs none."""
        return self._sizes.get(channel)

    def is_old(self, channel: int, monotonic: float) -> bool:
        """Whether GetEnc should say once more what it said when the size was learnt."""
        return channel in self._sizes and _is_past(self._asked_at, channel, KEPT_SECONDS, monotonic)

    def offered(self, channel: int, sizes: Iterable[Size], monotonic: float) -> None:
        """Note what GetEnc says, the best first; after a change that is the size to ask for."""
        self._asked_at[channel] = monotonic
        if not (fresh := tuple(sizes)):
            return
        if channel in self._sizes and fresh != self._offered.get(channel):
            self._sizes[channel] = fresh[0]
        self._offered[channel] = fresh

    def others(self, channel: int, before: Size | None) -> Iterator[Size | None]:
        """Yield what may be asked for in place of `before`, which failed."""
        for size in (*self._offered.get(channel, ()), None):
            if size != before:
                yield size

    def worked(self, channel: int, size: Size | None, monotonic: float) -> None:
        """Note a picture that came when `size` was asked for."""
        self._worked_at[channel] = monotonic
        self._failures.pop(channel, None)
        self._looked_at.pop(channel, None)
        if size:
            self._sizes[channel] = size
        else:
            self._sizes.pop(channel, None)

    def failed(self, channel: int) -> None:
        """Note that no picture came."""
        self._failures[channel] = self._failures.get(channel, 0) + 1

    def look(self, channel: int, monotonic: float) -> bool:
        """Whether it is time to try another size; then it is not for a while."""
        failed = self._failures.get(channel, 0) >= FAILURES_TO_LOOK
        if not (failed and _is_past(self._looked_at, channel, LOOK_AGAIN_SECONDS, monotonic)):
            return False
        if channel not in self._sizes and not _is_past(
            self._worked_at, channel, LONG_SECONDS, monotonic
        ):
            return False
        self._looked_at[channel] = monotonic
        return True


def _is_past(since: dict[int, float], channel: int, seconds: float, monotonic: float) -> bool:
    return channel not in since or monotonic - since[channel] >= seconds
