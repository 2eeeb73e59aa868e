"""The one name that ffmpeg-python takes from the package `future`."""
