"""How long a snapshot may take, lest a camera that hangs cost the others their next picture."""

from __future__ import annotations

from collections.abc import Iterable

from reolink_timelapsed.capture.backoff import Health

MARGIN_SECONDS = 0.75
"""Of what is left until the next tick: the gap before a picture, and a little at the end."""

_FIRST_SECONDS = 8.0
"""What a camera of which nothing is known may take, though the others have to wait."""

_ENOUGH_SECONDS = 3.0
"""For a camera that answers at all; one that was quicker before may be tried in less."""

_USUAL_SECONDS = 1.5
"""What a picture takes, with the gap before it, where none has come yet."""

_RECOVERY_SECONDS = 2.0
"""The same where the NVR may have to be asked as well, after the gap of a request given up."""


def limit(
    health: Health, left: float, others: Iterable[Health], typical: float, *, is_late: bool
) -> float:
    """Return the seconds for a picture, of those `left` until the next tick.

    `others` are the channels that still have a turn, `typical` is what the slowest one takes (0
    where nothing is known). A camera gets what they leave, but always the time to answer; less of
    it in a round that `is_late` because another one hangs.
    """
    room = left - sum(_usual(other, typical) for other in others)
    if is_late or health.bad or health.suspect:
        return max(room - MARGIN_SECONDS, least(health, typical))
    patience = max(2 * health.seconds, _ENOUGH_SECONDS) if health.seconds else _FIRST_SECONDS
    return max(room - _RECOVERY_SECONDS, patience)


def least(health: Health, typical: float) -> float:
    """Return the seconds in which it makes sense to try a channel once more."""
    return min(1.5 * _usual(health, typical), _ENOUGH_SECONDS)


def _usual(health: Health, typical: float) -> float:
    return health.seconds or typical or _USUAL_SECONDS
