"""What each rspCode means to us: which error, and so which remedy.

Codes and their names: Camera HTTP API User Guide, section 4.1. What to do about them comes from
what clients met in the field. The number counts before the text.
"""

from __future__ import annotations

from typing import NoReturn

from reolink_timelapsed.errors import (
    IF_IT_LASTS,
    Busy,
    ChannelFailed,
    LoginRefused,
    Offline,
    SessionExpired,
    SessionLimit,
    Unreachable,
    Unsupported,
)

LOCK_SECONDS = 300
"""How long an account stays locked after five wrong passwords (section 3.2.9)."""

_LOCK_MARGIN_SECONDS = 30
_BAN_SECONDS = 600

_EXPIRED = {-6, -21}
_FULL = {-5, -500, -507}
_WRONG = {-7, -27, -501, -502}
_DENIED = -503
_LOCKED = -506
_ENCRYPTED = {-46, -47, -301, -310}
_TOO_FREQUENT = -105
_DOWN = {-2, -14, -31, -100, -101, -102, -103, -505}
_REFUSED = {-1, -3, -4, -9, -22, -23, -24, -26, -49}
_NO_RETRY = -8
_OFFLINE = -99

_TEXTS = (
    ("please login first", -6),
    ("error token", -21),
    ("max session", -5),
    ("password wrong", -502),
    ("login has been locked", _LOCKED),
    ("login failed", -7),
    ("login deny", _DENIED),
)
"""Detail texts for replies without a number; they vary with the firmware."""

_DEVICE_WIDE = frozenset({"Login", "Logout", "GetChannelstatus", "GetDevInfo"})


def raise_error(
    name: str,
    code: int | None,
    detail: str,
    unlock_seconds: int = 0,
    *,
    told: str | None = None,
) -> NoReturn:
    """Raise the NvrError for an rspCode that the command `name` was answered with.

    `unlock_seconds` is how long a locked account says that it stays so, 0 where it does not. What
    is `told` of the `detail` may be less than what is understood of it.

    Raises:
        NvrError: always.
    """
    if code is None:
        code = next((number for text, number in _TEXTS if text in detail.lower()), None)
    words = f"{name} was answered {code if code is not None else 'with an error'}"
    quoted = detail if told is None else told
    words += f" ({quoted})" if quoted else ""
    if code in _EXPIRED:
        text = f"the NVR does not know the session's token: {words}; {IF_IT_LASTS}"
        raise SessionExpired(text, code, answer=words)
    if code in _FULL:
        raise SessionLimit(
            f"all session slots of the NVR are taken: {words}; close the Reolink app, the NVR's "
            "web page or another program that is logged in, or wait up to an hour",
            code,
            answer=words,
        )
    _raise_login_error(code, words, unlock_seconds)
    _raise_other(name, code, words)


def login_advice(code: int | None, setup: str) -> str:
    """Return what to do about a refused login; `setup` is the command that asks for another."""
    if code in _ENCRYPTED:
        return "update the NVR's firmware: no setting of ours helps"
    if code in (_DENIED, _LOCKED):
        return f"let no program log in meanwhile; if the password may be wrong, run `{setup}`"
    return f"correct nvr.username and the password, for example with `{setup}`"


def _raise_login_error(code: int | None, words: str, unlock_seconds: int) -> None:
    if code in _WRONG:
        text = f"the NVR refuses user name or password: {words}"
        raise LoginRefused(text, code, answer=words)
    if code == _DENIED:
        text = f"the NVR bans this machine after too many wrong passwords: {words}"
        raise LoginRefused(text, code, _BAN_SECONDS, answer=words)
    if code == _LOCKED:
        wait = max(unlock_seconds, LOCK_SECONDS) + _LOCK_MARGIN_SECONDS
        text = f"the NVR has locked this account for a time: {words}"
        raise LoginRefused(text, code, wait, answer=words)
    if code in _ENCRYPTED:
        text = f"this firmware wants an encrypted login, which is not published: {words}"
        raise LoginRefused(text, code, answer=words)


def _raise_other(name: str, code: int | None, words: str) -> NoReturn:
    if code == _TOO_FREQUENT:
        text = f"the NVR saw too many logins: {words}; look for a program that logs in all the time"
        raise Unreachable(text, code, LOCK_SECONDS, words)
    if code in _DOWN:
        text = f"the NVR is not ready: {words}; {IF_IT_LASTS}"
        raise Unreachable(text, code, answer=words)
    if code in _REFUSED and name == "Login":
        raise LoginRefused(f"the NVR cannot take user name or password as they are: {words}", code)
    if code in _REFUSED:
        raise Unsupported(f"the NVR cannot do this: {words}", code)
    if name in _DEVICE_WIDE:
        raise Unreachable(f"the NVR is busy: {words}; {IF_IT_LASTS}", code)
    if code == _OFFLINE:
        raise Offline(f"the NVR has no contact with the camera: {words}", code)
    if code == _NO_RETRY:
        raise ChannelFailed(f"the camera does not answer: {words}", code)
    raise Busy(f"the camera does not answer at the moment: {words}", code)
