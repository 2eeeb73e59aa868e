"""What an earlier run has made of a film: it is neither made twice nor lost."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress

from reolink_timelapsed.errors import EncodeError
from reolink_timelapsed.humanize import several
from reolink_timelapsed.media import probe
from reolink_timelapsed.stitch.film import MadeSegment
from reolink_timelapsed.stitch.publish import Order
from reolink_timelapsed.stitch.request import StitchRequest
from reolink_timelapsed.storage import sidecar
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock

log = logging.getLogger(__name__)


def see_that_it_gains(order: Order, made: Sequence[MadeSegment]) -> None:
    """Keep videos of more frames than are whole by now.

    Raises:
        EncodeError: if the new film would show fewer.
    """
    before = sidecar.used(sidecar.read(order.sidecar_path), order.film.config)
    now = len({pick.frame.path for one in made for pick in one.segment.picks})
    # With none refused fewer are no loss: evenly picked, a late frame may stand for two.
    if order.film.refused and now < before and order.videos_there():
        raise EncodeError(
            f"{order.film.label}: its videos show {several(before, 'frame')}, of which too "
            f"many are no longer whole: with {now} they are not made again"
        )


class Earlier:
    """Knows the videos that are there."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def settle(self, order: Order, request: StitchRequest) -> bool:
        """Tell, and say, whether a film needs not or must not be made."""
        old = sidecar.read(order.sidecar_path)
        label, count = order.film.label, len(order.frames)
        before = sidecar.captured(old) if old else self._shown(order)
        if order.left < before and order.videos_there():
            log.warning(
                "%s: only %d of its %s are left: its videos stay as they are",
                label, order.left, several(before, "frame"),
            )  # fmt: skip
            if old is None and order.day and not request.dry_run:
                stand_in = sidecar.stand_in(label, before, order.frames[0] if count else None)
                self._store.write_json(order.sidecar_path, stand_in)
            return True
        if old is None or not sidecar.is_proven(order.sidecar_path):
            return False
        if request.force or count > sidecar.captured(old):
            return False
        same = old.order == sidecar.order(order.film.config, order.frames)
        log.info("%s: finished%s", label, "" if same else ", with other settings (see --force)")
        return True

    def _shown(self, order: Order) -> int:
        """Return how many frames the videos show of a day whose sidecar is lost."""
        most = 0
        for path in order.videos_there():
            with suppress(EncodeError):  # it cannot be read: that one is no loss
                most = max(most, len(probe.facts(path, self._clock, decode=False).packets))
        return most
