"""The data folder: frames, segments, videos, records, what may go. Knows no NVR, no ffmpeg."""
