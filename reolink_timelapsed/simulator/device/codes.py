"""Words of the HTTP API: commands, error codes and the texts the device gives with them.

Codes and texts: Reolink Camera HTTP API User Guide v9, section 4.1.
"""

from typing import Final

DETAILS: Final[dict[int, str]] = {
    -1: "not exist",
    -2: "out of mem",
    -3: "check err",
    -4: "param error",
    -5: "max session",
    -6: "please login first",
    -7: "login failed",
    -8: "timeout",
    -9: "not support",
    -10: "protocol",
    -11: "fcgi read failed",
    -12: "get config failed",
    -13: "set config failed",
    -14: "malloc failed",
    -15: "create socket failed",
    -16: "send failed",
    -17: "rcv failed",
    -18: "open file failed",
    -19: "read file failed",
    -20: "write file failed",
    -21: "error token",
    -22: "the length of the string exceeds the limit",
    -23: "missing param",
    -24: "error command",
    -25: "internal error",
    -26: "ability error",
    -27: "invalid user",
    -28: "user already exist",
    -29: "maximum number of users",
    -30: "same version",
    -31: "busy",
    -32: "ip conflict",
    -34: "need bind email",
    -35: "unbind",
    -36: "get login information out of time",
    -37: "get login information failed",
    -38: "cloud login out of time",
    -39: "cloud login failed",
    -40: "post data time out",
    -41: "post data failed",
    -42: "download time out",
    -43: "download failed",
    -44: "delete failed",
    -45: "get data failed",
    -46: "digest login failed",
    -47: "nonce expired",
    -48: "snap a picture failed",
    -49: "channel invalid",
    -99: "device offline",
    -100: "test failed",
    -101: "check firmware failed",
    -102: "download online failed",
    -103: "get upgrade status failed",
    -105: "login too frequently",
    -220: "error downloading video file",
    -221: "busy video record task",
    -222: "video file not exist",
    -301: "digest nonce error",
    -310: "aes decrypt failed",
    -451: "ftp test login failed",
    -452: "ftp create dir failed",
    -453: "ftp upload failed",
    -454: "ftp connect failed",
    -480: "email test failed",
    -481: "email server connect failed",
    -482: "email auth failed",
    -483: "email network failed",
    -484: "email server error",
    -485: "email memory failed",
    -500: "ip num reaches limit",
    -501: "user not exist",
    -502: "password wrong",
    -503: "login deny",
    -505: "login not init",
    -506: "Login has been locked, please try again later!",
    -507: "login num reaches limit",
}

TOKEN_REFUSED: Final = frozenset({-6, -21})
"""Codes that say the token is no good (any more)."""

CREDENTIALS_REFUSED: Final = frozenset({-7, -27, -501, -502, -503, -506})
"""Codes of a Login that count as an attempt with bad credentials."""

ALLOWED_COMMANDS: Final = frozenset(
    {
        "Login",
        "Logout",
        "GetDevInfo",
        "GetChannelstatus",
        "GetChnTypeInfo",
        "GetEnc",
        "GetOsd",
        "GetTime",
        "GetAbility",
        "GetBatteryInfo",
        "Snap",
    }
)
"""The commands a well-behaved timelapse client sends; some others crash firmware."""
