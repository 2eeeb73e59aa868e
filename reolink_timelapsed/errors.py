"""What can go wrong, named by what the caller should do about it.

    TimelapseError                  exit 1
     |- UsageError                       64   the command line makes no sense
     |- ConfigError                      78   do not restart; carries a list of problems
     |- StoreError                       74   not mounted, not writable, an entry that is no file
     |   |- DiskFull                     74   no bytes, inodes or quota are left: free some
     |   `- OddEntry                     74   that entry is left out, all others are fine
     |- NvrError
     |   |- Unreachable                  69   back off, keep pinging the watchdog
     |   |   |- NoConnection             69   the same; and no request can be to blame for it
     |   |   |- OnlyCamera               69   the same, for there is no other camera to ask
     |   |   `- Mute                     69   see whether another camera gives a picture
     |   |- SessionExpired               69   the session logs in again, once
     |   |- SessionLimit                 69   wait 30 s five times, then slowly
     |   |- LoginRefused                 77   60 s, 10 min, then hourly: the NVR locks accounts
     |   `- ChannelFailed                69   this camera, this round
     |       |- Busy                     69   the same request again, after a pause
     |       |   `- Isolated             69   the same; the NVR's own, should no camera fare better
     |       |- Offline                  69   the NVR has no contact with the camera
     |       |- Timeout                  69   see whether the NVR still lives, then the next camera
     |       `- Unsupported              69   the channel cannot; look again in an hour
     |- BadFrame                          1   this camera, this round
     |- EncodeError                       1   this video only; the others go on
     `- Stopped                           0   told to stop in the middle of something

A message is a whole sentence for the journal: what happened, and what to do when
somebody can do something. Messages hold no token and no password.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import IntEnum

IF_IT_LASTS = "if it lasts, restart the NVR"
"""The remedy for what an NVR usually gets over by itself."""


class ExitCode(IntEnum):
    """What a command ends with: the words of sysexits.h, and two of the shell's."""

    OK = os.EX_OK
    FAULT = 1
    USAGE = os.EX_USAGE
    UNAVAILABLE = os.EX_UNAVAILABLE
    SOFTWARE = os.EX_SOFTWARE
    DISK = os.EX_IOERR
    REFUSED = os.EX_NOPERM
    CONFIG = os.EX_CONFIG
    INTERRUPTED = 130
    NO_READER = 141


class TimelapseError(Exception):
    """Anything this program reports by itself."""

    exit_code = ExitCode.FAULT


class UsageError(TimelapseError):
    """The command line asks for something that makes no sense."""

    exit_code = ExitCode.USAGE


class ConfigError(TimelapseError):
    """The configuration cannot be used; `problems` names every fault, one sentence each."""

    exit_code = ExitCode.CONFIG

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class StoreError(TimelapseError):
    """The data folder cannot take what should be written."""

    exit_code = ExitCode.DISK
    reason = "disk"


class DiskFull(StoreError):
    """The disk has no room; what may be removed should be, and other films fare no better."""


class OddEntry(StoreError):
    """An entry on disk is no file, or none of a size that ours have."""


class NvrError(TimelapseError):
    """The NVR did not do what was asked.

    `code` is its rspCode where it gave one; `hold_seconds` is how long it wants to be left alone.
    `answer` is what came from it, without what to make of that. `reason` is what a day's record
    says of the frames that are missing because of it.
    """

    exit_code = ExitCode.UNAVAILABLE
    reason = "NVR unreachable"

    def __init__(
        self, message: str, code: int | None = None, hold_seconds: float = 0.0, answer: str = ""
    ) -> None:
        self.code = code
        self.hold_seconds = hold_seconds
        self.answer = answer or message
        super().__init__(message)


class Unreachable(NvrError):
    """The NVR as a whole does not answer, or answers that it is not ready."""


class NoConnection(Unreachable):
    """Nobody took the connection; what was to be asked does not matter."""


class Mute(Unreachable):
    """The NVR does not say that it works, after a `fault` that may be of one camera alone.

    It `refuses` where it did answer, but to say that it lets nobody in.
    """

    def __init__(self, error: NvrError, fault: NvrError) -> None:
        self.fault = fault
        self.refuses = not isinstance(error, Unreachable)
        said = fault if isinstance(fault, Unreachable) else error
        super().__init__(str(said), said.code, said.hold_seconds, fault.answer)


class SessionExpired(NvrError):
    """The NVR does not know our token (any more)."""

    reason = "session lost"


class SessionLimit(NvrError):
    """All session slots of the NVR are taken."""

    reason = "session slots taken"


class LoginRefused(NvrError):
    """The NVR refuses these credentials; every further try brings the account nearer to a lock.

    `fact` is the message without the advice, for those who have better advice.
    """

    exit_code = ExitCode.REFUSED
    reason = "login refused"

    def __init__(
        self,
        fact: str,
        code: int | None = None,
        hold_seconds: float = 0.0,
        advice: str = "",
        answer: str = "",
    ) -> None:
        self.fact = fact
        super().__init__(f"{fact}; {advice}" if advice else fact, code, hold_seconds, answer)


class ChannelFailed(NvrError):
    """One channel gave no picture; the session and the other channels are fine.

    `remedy` is what its owner can do.
    """

    reason = "no picture"
    remedy = "if it lasts, restart the camera, or update its firmware"


class Busy(ChannelFailed):
    """A fault that passes: the same request with the same token may succeed in a second."""


class Isolated(Busy):
    """What would be a `fault` of the whole NVR, of which other questions say that it is well."""

    remedy = "restart the camera or update its firmware, and look whether the NVR's user may see it"

    def __init__(self, fault: NvrError) -> None:
        self.fault = fault
        super().__init__(f"{fault.answer}, while the NVR answers other questions", fault.code)


class OnlyCamera(Unreachable):
    """The only camera that is asked gives no picture, though the NVR answers other questions."""

    reason = ChannelFailed.reason

    def __init__(self, folder: str, error: Isolated) -> None:
        super().__init__(f"{folder} is at fault: {error}; {error.remedy}")


class Offline(ChannelFailed):
    """The NVR says that it has no contact with the camera."""

    reason = "offline"
    remedy = "look at its power and its network"


class Timeout(ChannelFailed):
    """No complete answer within the deadline; the connection was given up."""


class Unsupported(ChannelFailed):
    """The channel or the account cannot do this; asking again soon is useless."""

    remedy = "give the NVR's user the right to see it, or leave it out with capture.channels"


class BadFrame(TimelapseError):
    """What should be a picture is not a whole JPEG."""

    reason = "damaged picture"
    remedy = ChannelFailed.remedy


class EncodeError(TimelapseError):
    """ffmpeg could not make a video; the message holds its words."""


class Stopped(TimelapseError):
    """Told to stop while something was under way; it was given up, and nothing is half done."""

    exit_code = ExitCode.OK


def no_picture_of_any(error: NvrError | BadFrame) -> Unreachable:
    """Return what befell every camera, as the fault of the NVR that it must be."""
    answer = error.fault.answer if isinstance(error, Isolated) else str(error)
    text = f"the NVR answers, but gives no picture of any camera: {answer}; {IF_IT_LASTS}"
    return Unreachable(text)
