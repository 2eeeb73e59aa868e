"""What a round has to tell of its channels: together, not one by one."""

from __future__ import annotations

from dataclasses import dataclass, field

from reolink_timelapsed.capture.fault_log import Story
from reolink_timelapsed.errors import BadFrame, ChannelFailed
from reolink_timelapsed.frame import Size


@dataclass(slots=True)
class News:
    """Who turned bad, who gave a picture, whose size changed (before, now), by folder."""

    bad: dict[str, ChannelFailed | BadFrame] = field(default_factory=dict)
    good: list[str] = field(default_factory=list)
    sizes: dict[str, tuple[Size | None, Size]] = field(default_factory=dict)

    def tell(self, story: Story, monotonic: float) -> None:
        """Tell what has changed since the last time, in as few lines as will do."""
        for reason in dict.fromkeys(error.reason for error in self.bad.values()):
            folders = [folder for folder, error in self.bad.items() if error.reason == reason]
            text = _bad_text(folders, self.bad[folders[0]])
            story.begin_together(folders, "bad", text, monotonic)
        again = [folder for folder in self.good if story.knows(folder, "bad")]
        story.end_together(again, f"{_listed(again, 'gives', 'give')} pictures again", monotonic)
        for change in dict.fromkeys(self.sizes.values()):
            folders = [folder for folder, sizes in self.sizes.items() if sizes == change]
            story.note(_size_text(folders, *change), monotonic)


def _bad_text(folders: list[str], error: ChannelFailed | BadFrame) -> str:
    them = "it is" if len(folders) == 1 else "they are"
    return (
        f"{_listed(folders, 'gives', 'give')} no pictures ({error}): {error.remedy}; {them} tried "
        "again now and then"
    )


def _size_text(folders: list[str], before: Size | None, size: Size) -> str:
    was = f", before {before[0]}x{before[1]}" if before else ""
    return f"{', '.join(folders)}: pictures of {size[0]}x{size[1]}{was}"


def _listed(folders: list[str], one: str, several: str) -> str:
    return f"{', '.join(folders)} {one if len(folders) == 1 else several}"
