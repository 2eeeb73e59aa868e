"""No secret gets out, however it is encoded."""

from __future__ import annotations

import base64
import html
import json
import logging
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.system import redact
from reolink_timelapsed.system.logs import Formatter
from reolink_timelapsed.system.redact import Scrubber

SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=4)

ENCODINGS: list[Callable[[str], str]] = [
    str,
    quote,
    quote_plus,
    lambda secret: quote(secret, safe=""),
    lambda secret: re.sub("%..", lambda m: m[0].lower(), quote(secret, safe="")),
    lambda secret: urlencode({"token": secret}).partition("=")[2],
    lambda secret: json.dumps(secret)[1:-1],
    lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    html.escape,
    lambda secret: repr(secret)[1:-1],
    lambda secret: repr(secret.encode())[2:-1],
    lambda secret: base64.b64encode(secret.encode()).decode(),
    lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    lambda secret: secret.encode().hex(),
    lambda secret: secret.encode().hex().upper(),
]


@pytest.mark.parametrize("encode", ENCODINGS)
@given(secret=SECRETS, before=st.text(max_size=5), after=st.text(max_size=5))
def test_every_encoding_is_hidden(
    encode: Callable[[str], str], secret: str, before: str, after: str
) -> None:
    scrubber = Scrubber()
    scrubber.add(secret)
    form = encode(secret)
    cleaned = scrubber.clean(f"{before}{form}{after}")
    assert form not in cleaned.replace("***", "") or form in before + after


@pytest.mark.parametrize("outer", ENCODINGS[:11])
@pytest.mark.parametrize("inner", ENCODINGS[:11])
def test_an_encoding_of_an_encoding_is_hidden(
    inner: Callable[[str], str], outer: Callable[[str], str]
) -> None:
    """A JSON text in a repr, a URL in JSON, an error that quotes an error."""
    for secret in ('p"a\\ss/w o&rd', "pässwörd+1", "it's <me>"):
        scrubber = Scrubber()
        scrubber.add(secret)
        form = outer(inner(secret))
        assert scrubber.clean(f"before {form} after") == "before *** after"


def test_base64_without_its_padding_is_hidden() -> None:
    scrubber = Scrubber()
    scrubber.add("hunter22")
    form = base64.b64encode(b"hunter22").decode()
    assert form.rstrip("=") not in scrubber.clean(f"{form} {form.rstrip('=')}")


def test_the_secret_inside_a_url_and_a_traceback() -> None:
    scrubber = Scrubber()
    scrubber.add("a/b c&d")
    record = logging.makeLogRecord({"msg": "failed"})
    try:
        raise ValueError("https://nvr/api.cgi?token=a%2Fb%20c%26d")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    text = Formatter(scrubber, journal=True).format(record)
    assert "a%2Fb" not in text
    assert text.count("***") == 2  # the source line, the exception


def test_a_longer_secret_is_hidden_whole_though_it_begins_with_a_shorter_one() -> None:
    scrubber = Scrubber()
    scrubber.add("secret")
    scrubber.add("secret-and-more")
    assert scrubber.clean("secret-and-more, secret") == "***, ***"


def test_texts_without_secrets_stay_as_they_are() -> None:
    scrubber = Scrubber()
    scrubber.add("no")  # too short: every second word has it
    scrubber.add("0123456789ab")
    assert scrubber.clean("now or never") == "now or never"


def test_a_password_in_use_outlives_years_of_tokens_that_are_forgotten() -> None:
    scrubber = Scrubber()
    for number in range(100):
        scrubber.add("the password")
        scrubber.add(f"token {number:04}")
    assert scrubber.clean("the password, token 0099") == "***, ***"
    assert scrubber.clean("token 0001") == "token 0001"


@pytest.mark.parametrize(("secret", "is_told"), [("a", True), ("xyz", True), ("xyz1", False)])
def test_a_password_that_is_soon_guessed_is_told(secret: str, is_told: bool) -> None:
    told = list(redact.guessable(secret))
    assert bool(told) == is_told
    assert all("Give its user a longer one" in line and "xyz" not in line for line in told)
