"""The overview as text for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from reolink_timelapsed.humanize import for_days, gigabytes, megabytes, printable, several, span
from reolink_timelapsed.schedule import local_day
from reolink_timelapsed.status.overview import CameraDay, CameraNow, Day, LastVideos, Overview

WIDTH = 80
_LABEL = 10
_NAME = 20
_NAMED_GROUPS = 4
"""Of the cameras of a day: those that fared worst; the others share a line."""

_GLUE = "\N{NO-BREAK SPACE}"
"""Where a line must not be broken; it is not printed."""

_SHOWN_FOR = timedelta(days=7)
"""A camera that is not wanted any more."""


def render(overview: Overview) -> str:
    """Return the overview as lines of at most 80 columns where names permit."""
    parts = [_head(overview), _cameras(overview), _days(overview)]
    return "\n".join("".join(f"{printable(line)}\n" for line in part) for part in parts if part)


# The state of things


def _head(overview: Overview) -> list[str]:
    lines: list[str] = []
    for fault in overview.faults:
        lines += _labelled("FAULT", fault)
    for warning in overview.warnings:
        lines += _labelled("WARNING", warning)
    now = _local(overview, overview.now)
    lines += _labelled("now", f"{now:%a %Y-%m-%d %H:%M}, {_when(overview)}")
    lines += _labelled("daemon", _daemon(overview))
    lines += _labelled("disk", _disk(overview))
    lines += _labelled("stitch", _stitch(overview))
    return lines


def _labelled(label: str, text: str) -> list[str]:
    return _wrap(f"{label:<{_LABEL}}", text)


def _wrap(start: str, text: str) -> list[str]:
    """Return `text` after `start`, its further lines below its first one."""
    lines = textwrap.wrap(
        text,
        max(WIDTH, len(start) + _NAME),
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_GLUE, " ") for line in lines] or [start.rstrip()]


def _when(overview: Overview) -> str:
    every = f"a frame every {span(overview.interval)}"
    if overview.is_open and overview.window:
        start, end = (_local(overview, it) for it in (overview.window.start, overview.window.end))
        return f"{every} from {start:%H:%M} to {_clock(overview, end)}"
    if overview.next_start:
        return f"{every} from {_clock(overview, overview.next_start)}"
    return "nothing is to be captured"


def _daemon(overview: Overview) -> str:
    if overview.daemon is None:
        return overview.silent_daemon
    session = "logged in" if overview.daemon.logged_in else "not logged in"
    return f"{overview.daemon.state} ({session}, {_ago(overview, overview.daemon.since)})"


def _disk(overview: Overview) -> str:
    disk = overview.disk
    text = f"{disk.folder}: {gigabytes(disk.free)} free"
    if disk.days_left is None:
        return text
    rate = f"{gigabytes(disk.daily)} a day"
    return f"{text}, enough for {for_days(disk.days_left)} of frames at {rate}"


def _stitch(overview: Overview) -> str:
    films = overview.films
    parts = ["at work" if films.at_work else ""]
    if not films.is_known:
        parts.append("no systemd says when")
    elif films.next_run:
        parts.append(f"next at {_clock(overview, films.next_run)}")
    else:
        parts.append("its timer is off")
    if films.next_videos and films.next_day:
        day, at = _day(overview, films.next_day), _clock(overview, films.next_videos)
        parts.append(f"the videos of {day} {'' if films.is_known else 'are due '}at {at}")
    if films.lacking:
        oldest = min(day for _, day in films.lacking)
        parts.append(f"{len(films.lacking)} late, the oldest of {oldest}")
    return "; ".join(part for part in parts if part)


# Cameras


def _cameras(overview: Overview) -> list[str]:
    shown = [one for one in overview.cameras if _is_shown(one, overview.now)]
    if not shown:
        return []
    today = {one.folder: one for one in overview.days[0].cameras} if overview.days else {}
    day = _day(overview, overview.days[0].day) if overview.days else "today"
    rows = [("", "camera", "last frame", day, "last videos")]
    for one in shown:
        mark = "!" if one.silent else ""
        frames = _frames(today.get(one.folder), overview.days)
        rows.append(
            (mark, _short(one.folder), _age(overview, one.newest), frames, _videos(one.videos))
        )
    fates = (f"{_short(one.folder)} {one.fate}" for one in shown if one.fate)
    return [*_table(rows), *(line for text in fates for line in _wrap("  ", text))]


def _is_shown(camera: CameraNow, now: datetime) -> bool:
    return camera.wanted or (camera.newest is not None and now - camera.newest < _SHOWN_FOR)


def _frames(camera: CameraDay | None, days: Sequence[Day]) -> str:
    return f"{camera.captured} of {days[0].expected}" if camera else "-"


def _videos(videos: LastVideos | None) -> str:
    if videos is None:
        return "-"
    parts = [str(videos.day)]
    if videos.seconds is not None:
        parts += [f"{videos.seconds:.0f} s", megabytes(videos.size)]
    return ", ".join(parts)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    gap = "  "
    lines = []
    for mark, *cells in rows:
        padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        lines.append(f"{mark or ' '} {gap.join(padded)}".rstrip())
    return lines


# Days


class _Row(NamedTuple):
    """Cameras of a day that share a line: their name, their frames, and why some are missing."""

    name: str
    captured: str
    why: str


def _days(overview: Overview) -> list[str]:
    if not overview.days:
        return ["no frames yet"]
    lines = ["frames of the week, and why some are missing"]
    rows = [(day, row) for day in overview.days for row in _rows(day)]
    width = max(len(row.name) for _, row in rows)
    width_captured = max(len(f"{row.captured} of {day.expected}") for day, row in rows)
    told = None
    for day, row in rows:
        label = f"{day.day:%a %d}" if day is not told else ""
        captured = f"{row.captured} of {day.expected}"
        start = f"{label:<{_LABEL}}{row.name:<{width}}  {captured:<{width_captured}}  "
        lines += _wrap(start, row.why)
        told = day
    return lines


def _rows(day: Day) -> list[_Row]:
    """Return a line for each of the cameras that fared worst, and one for all the others."""
    if not day.cameras:
        return [_Row("no camera", "0", _why(day.missing))]
    alike: dict[tuple[int, str], list[CameraDay]] = defaultdict(list)
    for camera in sorted(day.cameras, key=lambda one: one.captured):
        alike[camera.captured, _why(camera.missing)].append(camera)
    most = max(alike.values(), key=lambda group: (len(group), group[0].captured))
    worst = [group for group in alike.values() if group is not most][:_NAMED_GROUPS]
    named = [camera for group in worst for camera in group]
    others = [camera for camera in day.cameras if camera not in named]
    rows = [_row(group, f"{_short(group[0].folder)} + {len(group) - 1}") for group in worst]
    return [*rows, _row(others, _name_of_all(len(others), others=bool(rows)))]


def _name_of_all(count: int, *, others: bool) -> str:
    if others:
        return f"the other {several(count, 'camera')}"
    return "both cameras" if count == 2 else f"all {several(count, 'camera')}"


def _row(cameras: Sequence[CameraDay], name_of_several: str) -> _Row:
    name = _short(cameras[0].folder) if len(cameras) == 1 else name_of_several
    missing: Counter[str] = Counter()
    for one in cameras:
        missing |= Counter(one.missing)
    counts = sorted({one.captured for one in cameras})
    if len(counts) == 1:
        return _Row(name, str(counts[0]), _why(missing))
    why = _why(missing)
    return _Row(name, f"{counts[0]}-{counts[-1]}", f"up to {why}" if why else "")


def _why(missing: Mapping[str, int]) -> str:
    parts = sorted(missing.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {reason}".replace(" ", _GLUE) for reason, count in parts)


# Words


def _local(overview: Overview, moment: datetime) -> datetime:
    return moment.astimezone(overview.zone)


def _clock(overview: Overview, moment: datetime) -> str:
    """Return the time of day, with the date where it is not today's."""
    local = _local(overview, moment)
    same = local.date() == local_day(overview.now, overview.zone)
    return f"{local:%H:%M}" if same else f"{local:%a %d, %H:%M}"


def _day(overview: Overview, day: date) -> str:
    return "today" if day == local_day(overview.now, overview.zone) else f"{day:%a %d}"


def _ago(overview: Overview, moment: datetime) -> str:
    return f"{span(max(overview.now - moment, timedelta(0)))} ago"


def _age(overview: Overview, newest: datetime | None) -> str:
    return span(overview.now - newest) if newest else "never"


def _short(folder: str) -> str:
    return folder if len(folder) <= _NAME else f"{folder[: _NAME - 2]}.."
