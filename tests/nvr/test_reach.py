"""An NVR outside the networks that the daemon's unit lets it speak to."""

from __future__ import annotations

import ipaddress
import re
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.errors import NvrError
from reolink_timelapsed.nvr import reach
from reolink_timelapsed.nvr.transport import Transport
from reolink_timelapsed.simulator import Kind
from tests.support import Clockwork, simulated

UNIT = Path(__file__).parents[2] / "systemd" / "reolink-timelapse.service"
WORDS = {"localhost": ["127.0.0.0/8", "::1/128"], "link-local": ["169.254.0.0/16", "fe80::/64"]}
"""What systemd.resource-control(5) makes of its words."""


def _knows(name: str) -> bool:
    try:
        return bool(socket.gethostbyname(name))
    except OSError:
        return False


def test_what_is_let_in_is_what_the_unit_says() -> None:
    line = re.search(r"^IPAddressAllow=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert line
    written = [network for word in line[1].split() for network in WORDS.get(word, [word])]
    assert sorted(written) == sorted(reach.LET_IN)


@pytest.mark.parametrize(
    "host",
    [
        "192.168.1.9",
        "https://10.1.2.3:8443",
        "172.31.0.1",
        "[fd00::1]",
        "127.0.0.1",
        pytest.param(
            "localhost",
            marks=pytest.mark.skipif(
                not _knows("localhost"), reason="this machine has no /etc/hosts that names it"
            ),
        ),
        "100.64.0.1",
        "http://100.127.255.254",
        "169.254.7.7",
    ],
)
def test_the_usual_ones_are_let_in(host: str) -> None:
    assert reach.hint(host) == ""


@pytest.mark.parametrize("host", ["203.0.113.10", "https://[2001:db8::7]:8443", "172.32.0.1"])
def test_one_outside_is_told_with_its_address(host: str) -> None:
    address = re.sub(r"https://\[(.*)\]:8443", r"\1", host)
    assert f"IPAddressAllow={address}," in reach.hint(host)
    assert "`sudo systemctl edit reolink-timelapse@garage`" in reach.hint(
        host, unit="reolink-timelapse@garage"
    )
    assert reach.hint(host, [*reach.LET_IN, f"{address}"]) == ""


@given(st.ip_addresses())
def test_the_hint_and_the_networks_agree(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    inside = any(address in ipaddress.ip_network(network) for network in reach.LET_IN)
    assert bool(reach.hint(str(address))) == (not inside)


def test_a_unit_that_denies_nothing_lets_all_in() -> None:
    assert reach.obstacle("203.0.113.10", {}, "unit") == ""
    assert reach.obstacle("203.0.113.10", {"IPAddressAllow": "10.0.0.0/8"}, "unit") == ""
    denied = {"IPAddressDeny": "::/0 0.0.0.0/0"}
    assert "IPAddressAllow=203.0.113.10," in reach.obstacle("203.0.113.10", denied, "unit")
    allowed = denied | {"IPAddressAllow": "10.0.0.0/8 203.0.113.0/24"}
    assert reach.obstacle("203.0.113.10", allowed, "unit") == ""


def test_one_that_never_answered_may_be_shut_out(clock: Clockwork) -> None:
    """Only the first: what has answered is let in, and silent for other reasons."""
    words = "IPAddressAllow=203.0.113.10"
    with simulated(clock) as nvr:
        transport = Transport(nvr.url, clock, shut_out=lambda host: f"{words} for {host}")
        nvr.misbehave(Kind.SILENCE, times=1)
        with pytest.raises(NvrError, match=f"{words} for 127.0.0.1"):
            ask(transport, 0.5)
        ask(transport, 20)
        nvr.misbehave(Kind.SILENCE, times=1)
        with pytest.raises(NvrError) as caught:
            ask(transport, 0.5)
    assert words not in str(caught.value)


def ask(transport: Transport, seconds: float) -> None:
    transport.post("GetDevInfo", None, [{"cmd": "GetDevInfo", "action": 0, "param": {}}], seconds)
