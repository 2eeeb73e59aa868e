"""Whether the daemon's unit lets it speak to the NVR: by IPAddressAllow=, if it denies the rest.

See systemd.resource-control(5). What it does not let out vanishes without an error: it looks like
an NVR that is off.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping

from reolink_timelapsed.config.address import Address
from reolink_timelapsed.config.places import NAME

PROPERTIES = ("IPAddressAllow", "IPAddressDeny")

LET_IN = (
    "127.0.0.0/8",
    "::1/128",
    "169.254.0.0/16",
    "fe80::/64",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "fc00::/7",
)
"""What the unit lets in as it comes: this machine, its links, private networks, Tailscale."""


def obstacle(host: str, properties: Mapping[str, str], unit: str) -> str:
    """Return why the unit with these properties cannot reach `nvr.host`, "" if it can."""
    if not properties.get("IPAddressDeny"):
        return ""
    return hint(host, properties.get("IPAddressAllow", "").split(), unit)


def hint(host: str, allowed: Iterable[str] = LET_IN, unit: str = NAME) -> str:
    """Return what lets the unit speak to the NVR, "" if its addresses are among those allowed."""
    addresses = _addresses(host)
    if not addresses:
        return (
            f"a name server outside the private networks needs a drop-in of {unit} with "
            "IPAddressAllow= and its address"
        )
    outside = _outside(addresses, allowed)
    if not outside:
        return ""
    return (
        f"{outside[0]} is outside the networks that {unit} may speak to: run `sudo systemctl edit "
        f"{unit}`, write the lines [Service] and IPAddressAllow={outside[0]}, and restart it"
    )


def _addresses(host: str) -> list[str]:
    """Return the addresses behind `nvr.host`, none if it is no known name."""
    try:
        found = socket.getaddrinfo(Address.parse(host).host, None, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        return []
    return [str(entry[4][0]).partition("%")[0] for entry in found]


def _outside(addresses: Iterable[str], allowed: Iterable[str]) -> list[str]:
    networks = [ipaddress.ip_network(network, strict=False) for network in allowed]
    parsed = [(text, ipaddress.ip_address(text)) for text in addresses]
    return [text for text, address in parsed if not any(address in one for one in networks)]
