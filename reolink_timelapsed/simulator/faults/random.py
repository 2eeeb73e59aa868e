"""Bad days drawn at random from a seed, for soak and property tests."""

import random
from collections.abc import Collection, Sequence
from typing import Final

from reolink_timelapsed.simulator.faults.faults import Kind, Misbehaviour

HANGING: Final = frozenset(
    {Kind.SILENCE, Kind.HANG, Kind.HANG_HALF, Kind.DRIP, Kind.ENDLESS, Kind.DEAD}
)
"""Kinds that cost a client its whole deadline, in real time."""

SNAP_CODES: Final = (-1, -4, -6, -8, -9, -11, -12, -13, -17, -21, -25, -48, -49, -99, -12345)
STATUSES: Final = (302, 300, 404, 500, 502, 503, 504)
CONTENT_TYPES: Final = ("image/jpeg", "application/json", "text/html", None)


def random_faults(
    seed: int,
    hours: float,
    *,
    channels: Sequence[int] = (0,),
    an_hour: float = 2.0,
    kinds: Collection[Kind] = frozenset(Kind) - HANGING,
) -> list[Misbehaviour]:
    """Draw misbehaviours that begin within the next `hours`, about `an_hour` of them in each.

    The same seed gives the same faults. Those of the whole device last minutes; the others happen
    once or a few times, to Snap of some channel or, where it makes sense, to any command.
    """
    rng = random.Random(seed)  # noqa: S311
    choices = sorted(kinds)
    count = round(hours * an_hour)
    begins = sorted(rng.uniform(0, hours * 3600) for _ in range(count))
    return [_draw(rng, rng.choice(choices), moment, channels) for moment in begins]


def _draw(rng: random.Random, kind: Kind, begins: float, channels: Sequence[int]) -> Misbehaviour:
    of_device = kind in {Kind.REBOOT, Kind.PRIVACY, Kind.SLOTS_TAKEN, Kind.OFFLINE, Kind.DEAD}
    of_camera = kind not in {Kind.REBOOT, Kind.PRIVACY, Kind.SLOTS_TAKEN}
    return Misbehaviour(
        kind,
        cmd=None if of_device else "Snap",
        channel=rng.choice(channels) if of_camera else None,
        begins=begins,
        lasts=rng.uniform(30, 1800) if of_device else None,
        times=None if of_device else rng.randint(1, 4),
        code=rng.choice(SNAP_CODES),
        status=rng.choice(STATUSES),
        seconds=rng.uniform(0.1, 10),
        content_type=rng.choice(CONTENT_TYPES),
    )
