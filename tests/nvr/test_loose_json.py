"""JSON with something wrong in it: the value it is in suffers, and no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from reolink_timelapsed.nvr import loose_json

GOOD = {"channel": 0, "name": "Front", "online": 1, "uid": "9527A"}
LAST = {"channel": 2, "name": "Z\N{LATIN SMALL LETTER A WITH DIAERESIS}une", "online": 0}
FORMS: list[dict[str, Any]] = [
    {"indent": 3, "separators": (",", " : ")},
    {"separators": (",", ":")},
    {},
]
"""As the devices print it, as compact as can be, and as Python does."""


REFUSED = "no JSON|cut short|too deep|bytes"


def around(damaged: bytes, form: dict[str, Any], key: str = "name") -> bytes:
    """Return a list of three rows in which one value of the second is `damaged`, as it comes."""
    row = {"channel": 1} | {key: "@"} | {"online": 1, "uid": "9527B"}
    text = json.dumps([{"value": {"status": [GOOD, row, LAST]}}], ensure_ascii=False, **form)
    return text.encode().replace(b'"@"', damaged)


def read(body: bytes) -> Any:
    try:
        return loose_json.loads(body)
    except ValueError as error:
        return error


def rows(body: bytes) -> list[Any]:
    found = loose_json.loads(body)[0]["value"]["status"]
    assert isinstance(found, list)
    return found


DAMAGED = [
    (b'"G\xe4ste"', "G\N{LATIN SMALL LETTER A WITH DIAERESIS}ste"),
    (b'"Side\tgate"', "Side\tgate"),
    (b'"Side\ngate"', "Side\ngate"),
    (b'"Si\0de"', "Side"),
    (b'"S\x01de"', "S\x01de"),
    (b'"the "old" barn"', 'the "old" barn'),
    (b'"a","b"', 'a","b'),
    (b'"C:\\Users"', "C:\\Users"),
    (b'"\\u12"', "\\u12"),
    (b'"\\ud83d"', "\ud83d"),
    (b'"barn\\"', "barn\\"),
    (b'"barn}"', "barn}"),
    (b'"',  # a lone quote
     None),
    (b"Front Door", "Front Door"),
    (b"", None),
    (b"0123", "0123"),
    (b"9" * 5000, None),
    (b"NaN", ...),
    (b"nan", "nan"),
    (b"-1e999", float("-inf")),
    (b"[1, 2]", [1, 2]),
    (b'{"a": 1}', {"a": 1}),
    (b"[1, 2", [1, 2]),
    (b'"twice" , "name" : ""', "twice"),
    (b'"once" , "name" : "twice"', "twice"),
    (b'"no comma after this key" "odd"', ...),
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("damaged", "name"), DAMAGED)
def test_a_damaged_value_costs_nothing_but_itself(
    damaged: bytes, name: Any, form: dict[str, Any]
) -> None:
    first, second, last = rows(around(damaged, form))
    assert (first, last) == (GOOD, LAST)
    if damaged != b'"':  # which quote is missing nobody can tell
        assert second["online"] == 1
        assert second["uid"] == "9527B"
    assert second["channel"] == 1
    if name not in (None, ...):
        found = second["name"]
        assert (loose_json.mended(found) if isinstance(found, str) else found) == name


def test_a_quote_that_is_missing_is_put_where_the_line_ends() -> None:
    body = around(b'"Front', FORMS[0])
    assert [row["name"] for row in rows(body)] == ["Front", "Front", LAST["name"]]


@given(
    st.lists(st.sampled_from([*b'"\\\t\r\n\0\x1b,; aZ9.\xc3\xa4\xe4\xff\x80'])).map(bytes),
    st.sampled_from(FORMS),
)
@example(b"\\", FORMS[1])
@example(b'","', FORMS[1])
def test_no_byte_of_a_name_reaches_beyond_it(name: bytes, form: dict[str, Any]) -> None:
    """Those that could as well be the structure's own (a brace, a colon) are left aside."""
    first, second, last = rows(around(b'"' + name + b'"', form))
    assert (first, last) == (GOOD, LAST)
    assert (second["channel"], second["online"], second["uid"]) == (1, 1, "9527B")


@given(st.binary(max_size=40), st.sampled_from(["channel", "online", "uid", "value", "x"]))
def test_any_bytes_anywhere_are_read_or_refused(bad: bytes, key: str) -> None:
    body = around(b'"B"', FORMS[0]).replace(f'"{key}"'.encode(), bad)
    for damaged in (body, bad + body, body + bad):
        assert isinstance(read(damaged), (list, dict, ValueError))


@pytest.mark.parametrize(
    "row", [b"null", b"7", b'"x"', b"[]", b"{}", b"}", b'{"channel" : 1', b"{{", b"{,,}", b"x : y"]
)
def test_a_damaged_row_costs_nothing_but_itself(row: bytes) -> None:
    body = b'[ { "value" : { "status" : [ { "channel" : 0 },\n %s,\n { "channel" : 2 } ] } } ]'
    found = rows(body % row)
    assert found[0] == {"channel": 0}
    assert found[-1] == {"channel": 2}


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf[ { "cmd" : "X" } ]',
        b'[ { "cmd" : "X" } ]'.decode().encode("utf-16-le"),
        b'[ { "cmd" : "X" } ]'.decode().encode("utf-16"),
        b'\r\n\0[ { "cmd" : "X" } ]\0\0\0',
        b'[ { "cmd" : "X" } ] [',
        b'[ { "cmd" : "X", } , ]',
    ],
)
def test_what_stands_around_and_between_does_no_harm(body: bytes) -> None:
    assert loose_json.loads(body) == [{"cmd": "X"}]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        b"<html>{}</html>",
        b'[ { "cmd" : "X"',
        b'[ { "cmd" : "X" }',
        b'[ { "cmd" : "X',
        b"[" * 100_000,
        b'{"a":' * 40_000,
        b"[" + b" " * loose_json.LARGEST + b"]",
    ],
)
def test_what_is_cut_short_or_too_much_is_nothing(body: bytes) -> None:
    with pytest.raises(ValueError, match=REFUSED):
        loose_json.loads(body)


@pytest.mark.parametrize(
    "endless",
    [b'" ', b'"\n ', b'",', b'\\"', b"\n", b'"a" ', b"},{", b"]}", b'{"', b"\\", b" ", b"a", b'":'],
)
def test_no_body_takes_long(endless: bytes) -> None:
    """Each would take hours if every byte made the reader look at all that follows."""
    for start in (b"[", b'[{"a":"', b'[{"a" : '):
        body = (start + endless * loose_json.LARGEST)[: loose_json.LARGEST]
        assert isinstance(read(body), (list, ValueError))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"G\xe4stehaus", "G\u00e4stehaus"),
        (b"Caf\xe9", "Caf\u00e9"),
        (b"Gro\xdf", "Gro\u00df"),
        (b"GARAGE S\xdcD", "GARAGE S\u00dcD"),
        (b"GARAGE S\xdc", "GARAGE S\u00dc"),
        (b"25\xb0 Nord\x96S\xfcd", "25\u00b0 Nord\u2013S\u00fcd"),
        (b"Haust\xc3", "Haust"),
        (b"Hof \xe2\x82", "Hof "),
        (b"Hof \xf0\x9f\x8f", "Hof "),
        ("S\u00fcd bei den G\u00e4steh\u00e4".encode()[:-1], "S\u00fcd bei den G\u00e4steh"),
        ("\u5927\u95e8\u53e3".encode()[:-2], "\u5927\u95e8"),
        ("T\u00fcr ".encode() + b"\xff S", "T\u00fcr \ufffd S"),
        (b"\x81", "\ufffd"),
        (b"plain", "plain"),
    ],
)
def test_bytes_that_are_no_utf_8(raw: bytes, text: str) -> None:
    (read,) = loose_json.loads(b'["' + raw + b'"]')
    assert loose_json.mended(read) == text


@given(st.binary())
def test_every_text_is_mended_to_one_that_can_be_written(raw: bytes) -> None:
    loose_json.mended(raw.decode("utf-8", "surrogateescape")).encode()


@given(st.text(st.characters(categories=("L", "M", "N", "P", "S"), include_characters=" ")))
def test_a_text_without_damage_stays_as_it_is(text: str) -> None:
    assume(text.isprintable())
    assert loose_json.mended(text) == text
