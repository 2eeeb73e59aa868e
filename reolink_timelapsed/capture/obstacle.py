"""What stands in the way of a round: decided from values alone. What follows, the loop does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from reolink_timelapsed.capture.backoff import Holdoff
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.humanize import span


@dataclass(frozen=True, slots=True)
class Obstacle:
    """In words for people, and as the `reason` by which the record of the day counts it."""

    text: str
    reason: str
    is_disk: bool = False


def in_the_way(disk: str, holdoff: Holdoff, monotonic: float) -> Obstacle | None:
    """Return what forbids a round now; `disk` says why no frame may be written, "" if it may.

    Without a place for frames it does not matter whether the NVR may be asked for them.
    """
    if disk:
        return Obstacle(disk, StoreError.reason, is_disk=True)
    if holdoff.error and holdoff.active(monotonic):
        wait = span(timedelta(seconds=holdoff.until - monotonic))
        return Obstacle(f"{holdoff.error}; next try in {wait}", holdoff.error.reason)
    return None
