"""JPEG and ffmpeg: what is a whole picture, how it is encoded. Knows no disk layout."""
