"""What has to be so before the first round: no other daemon at work, and the clock right."""

from __future__ import annotations

from reolink_timelapsed.capture.parts import Parts

_OTHER = "other capture"
_CLOCK = "clock"


def await_solitude(parts: Parts) -> bool:
    """Wait for another daemon's end; False if told to stop first. Its token is not ours."""
    story, text = parts.story, "another capture is at work in the data folder"
    while not parts.alone.take():
        if parts.clock.stopping:
            return False
        if not story.knows(_OTHER, _OTHER):
            parts.say(f"{text}: waiting for its end")
        advice = f"{text}: stop one of them; this one waits until the other has ended"
        story.begin(_OTHER, _OTHER, advice, parts.clock.monotonic())
        parts.wait()
    story.end(_OTHER, "the other capture has ended", parts.clock.monotonic())
    return True


def await_right_time(parts: Parts) -> None:
    """Wait until frames can be filed by this machine's clock; the slot is for others then."""
    while not parts.clock.stopping and (doubt := _doubt(parts)):
        if parts.timekeeper.is_patient:
            text = f"waiting for this machine's clock to be set, for minutes at most: {doubt}"
        else:
            text = (
                f"this machine's clock cannot be trusted: {doubt}; capture waits until it is "
                "set: look at `timedatectl`"
            )
            parts.story.begin(_CLOCK, _CLOCK, text, parts.clock.monotonic())
        if parts.session.logged_in:
            parts.session.logout()
        parts.say(text)
        parts.wait()
    parts.story.end(_CLOCK, "the clock is right", parts.clock.monotonic())


def _doubt(parts: Parts) -> str:
    """Return why the clock is not trusted yet; a process before may have known that it is right."""
    if not parts.open_disk() and parts.steps.are_gone_on_with:
        return ""
    return parts.ask(parts.timekeeper.doubt)
