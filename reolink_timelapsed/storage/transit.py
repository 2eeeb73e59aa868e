"""Moves frames to another time, in two steps: names in between may be those of other frames.

A frame is taken out of its day and waits in a folder of its camera, under the name of its new
moment; once all are out they are put back. A kill in between leaves every frame in one of the
two places. Nothing is ever written over.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

from reolink_timelapsed.frame import Frame, parse_frame_name
from reolink_timelapsed.storage.store import Store, free_place
from reolink_timelapsed.system.disk_errors import translated
from reolink_timelapsed.system.reading import names_in
from reolink_timelapsed.system.writing import make_folder, sync


def take_out(store: Store, folder: str, frame: Frame, moment: datetime) -> None:
    """Take a frame out of its day, if it is still there; it waits to be put back at `moment`.

    Raises:
        StoreError: if the disk does not let it move.
    """
    _move(frame, _waiting(store, folder), moment)


def put_back(
    store: Store, folder: str, day_of: Callable[[datetime], date], ping: Callable[[], None]
) -> list[tuple[date, Frame]]:
    """Give the frames that wait their places, in the order of time; return them with their days.

    Raises:
        StoreError: if the disk does not let them move.
    """
    home = _waiting(store, folder)
    moments = ((parse_frame_name(name), name) for name in names_in(home))
    filed = []
    for frame in sorted(Frame(moment, home / name) for moment, name in moments if moment):
        filed.append(_put_back(store, folder, day_of(frame.moment), frame))
        ping()
    with translated(home):
        for place in {frame.path.parent for _, frame in filed}:
            sync(place)
        if home.is_dir() and not names_in(home):
            home.rmdir()
    return filed


def _put_back(store: Store, folder: str, day: date, frame: Frame) -> tuple[date, Frame]:
    home = store.frames_home(folder, day)
    with translated(home):
        make_folder(home)
        filed = free_place(home, frame.moment)
        frame.path.rename(filed.path)
    return day, filed


def set_apart(store: Store, folder: str, frame: Frame) -> None:
    """Move a frame to those of its camera whose time is not known, under its name; for good.

    Raises:
        StoreError: if the disk does not let it move.
    """
    _move(frame, apart(store, folder), frame.moment)


def apart(store: Store, folder: str) -> Path:
    """Where the frames of a camera lie whose time is not known; no film is made of them."""
    return store.root / "frames" / folder / "misdated"


def leave(store: Store, folder: str, day: date) -> bool:
    """See that frames which were taken out of a day stay out; tell whether it has none left.

    Raises:
        StoreError: if the disk does not let its empty folder go.
    """
    home = store.frames_home(folder, day)
    with translated(home):
        if home.is_dir():
            sync(home)
            if not names_in(home):
                home.rmdir()
                sync(home.parent)
        return not home.is_dir()


def _waiting(store: Store, folder: str) -> Path:
    return store.root / "frames" / folder / ".transit"


def _move(frame: Frame, home: Path, moment: datetime) -> None:
    with translated(home):
        make_folder(home)
        with suppress(FileNotFoundError):  # pruned meanwhile
            frame.path.rename(free_place(home, moment).path)
