"""The machine: clocks, files, locks, systemd, the log. Knows no NVR, no ffmpeg and no settings."""
