"""Timelapse videos from the snapshots of a Reolink NVR."""

__version__ = "1.0.0"
