"""What a player shows beside the pictures: title, chapters, and the time of day as subtitles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import groupby

from reolink_timelapsed.humanize import several
from reolink_timelapsed.stitch.plan import Pick

_CUE_SECONDS = 0.5
"""How long a time of day stands; a day's film runs through minutes in that."""

_LONG_DAYS = 2
_MANY_DAYS = 62


def ffmetadata(picks: Sequence[Pick], zone: tzinfo, fps: int, title: str, camera: str) -> str:
    """Return title, camera, time and chapters in ffmpeg's own format; 1/1000 s."""
    head = {
        "title": title,
        "artist": camera,
        "date": str(_local(picks[0], zone).date()),
        "creation_time": picks[0].at.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
        "comment": f"{several(len(picks), 'picture')}, {fps} a second",
    }
    lines = [";FFMETADATA1", *(f"{key}={_escaped(value)}" for key, value in head.items())]
    for begin, end, name in chapters(picks, zone):
        times = (f"START={begin * 1000 // fps}", f"END={end * 1000 // fps}")
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", *times, f"title={_escaped(name)}"]
    return "\n".join(lines) + "\n"


def chapters(picks: Sequence[Pick], zone: tzinfo) -> Iterator[tuple[int, int, str]]:
    """Yield (first, after last, name): a chapter an hour, in long films a day, a month."""
    days = (picks[-1].at - picks[0].at).days
    pattern = "%H:00" if days < _LONG_DAYS else "%Y-%m-%d" if days < _MANY_DAYS else "%B %Y"

    def chapter(pick: Pick) -> tuple[str, timedelta | None]:
        local = _local(pick, zone)
        # In autumn an hour comes twice: its two chapters differ in their offset from UTC.
        return f"{local:{pattern}}", local.utcoffset() if days < _LONG_DAYS else None

    begin = 0
    for (name, _), group in groupby(picks, key=chapter):
        end = begin + len(list(group))
        yield begin, end, name
        begin = end


def subtitles(picks: Sequence[Pick], zone: tzinfo, fps: int) -> str:
    """Return the time of day as SubRip cues, each standing for half a second of film."""
    step = max(round(fps * _CUE_SECONDS), 1)
    cues = []
    for number, begin in enumerate(range(0, len(picks), step), 1):
        end = min(begin + step, len(picks))
        moment = _local(picks[begin], zone)
        cues.append(
            f"{number}\n{_stamp(begin, fps)} --> {_stamp(end, fps)}\n{moment:%Y-%m-%d %H:%M}\n"
        )
    return "\n".join(cues)


def _local(pick: Pick, zone: tzinfo) -> datetime:
    return pick.at.astimezone(zone)


def _stamp(frame: int, fps: int) -> str:
    milliseconds = frame * 1000 // fps
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02},{milliseconds:03}"


def _escaped(text: str) -> str:
    return re.sub(r"([=;#\\\n])", r"\\\1", text)
