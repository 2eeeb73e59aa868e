"""The simulator's side of the wire: server, framing, TLS. Nothing of what is answered."""
