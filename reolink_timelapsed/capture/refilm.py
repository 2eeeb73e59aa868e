"""Sees that a film which shows frames that were moved to another time is made anew, or goes."""

from __future__ import annotations

from datetime import date

from reolink_timelapsed.storage import sidecar
from reolink_timelapsed.storage.store import Store


def frames_moved(store: Store, folder: str, day: date, moved: int) -> None:
    """Judge a day's film after `moved` of its frames went to other days, or all to other hours.

    The frames themselves are there, and will be in the film of their own day.

    Raises:
        StoreError: if the film cannot be read or removed.
    """
    left = len(store.frames(folder, day))
    if not left:
        store.remove(store.segments_home(folder, day))
    path = store.sidecar_path(folder, day)
    film = sidecar.read(path)
    if film is None or film.pruned or film.expired or film.captured < left + moved:
        return
    if left:
        store.write_json(path, sidecar.outdated(film))
        store.date(path, 0)
    else:
        _remove(store, folder, day)


def _remove(store: Store, folder: str, day: date) -> None:
    videos = [video for video in store.videos(folder) if video.day == day]
    store.remove(store.sidecar_path(folder, day))
    store.remove_latest(folder, {video.name for video in videos})
    for video in videos:
        store.remove_file(store.video_path(video))
