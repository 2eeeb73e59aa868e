"""Where the NVR is: scheme, host and port, from the text that people write."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Address:
    """An empty scheme means: find out, and port 0: the scheme's own."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `nvr.host`: a name or an address, perhaps with scheme and port.

        Raises:
            ValueError: if it makes no sense as an address.
        """
        try:
            return cls("", str(ipaddress.IPv6Address(text)), 0)
        except ValueError:
            parts = urlsplit(text if "://" in text else f"//{text}")
            if parts.scheme not in ("", *_PORTS) or not parts.hostname:
                raise ValueError(f"not an address: {text!r}") from None
            return cls(parts.scheme, parts.hostname, parts.port or 0)

    def url(self, scheme: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port_for(scheme)}"

    def port_for(self, scheme: str) -> int:
        return self.port or _PORTS[scheme]
