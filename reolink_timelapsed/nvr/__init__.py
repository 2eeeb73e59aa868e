"""The recorder: its protocol, the connection, the session. Knows no disk and no ffmpeg."""
