"""The simulated recorder: sessions, cameras, what it answers. No sockets here."""
