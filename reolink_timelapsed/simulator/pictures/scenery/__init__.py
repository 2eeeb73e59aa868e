"""The painted places of the simulated cameras, and the ffmpeg graph that brings them to life."""

from reolink_timelapsed.simulator.pictures.scenery.lake import lake
from reolink_timelapsed.simulator.pictures.scenery.street import street

SCENES = (lake, street)
"""What makes each place; a camera's number chooses one."""
