"""The painted places of the simulated cameras, and the ffmpeg graph that brings them to life."""

from .lake import lake
from .street import street

SCENES = (lake, street)
"""What makes each place; a camera's number chooses one."""
