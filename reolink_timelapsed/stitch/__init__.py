"""The flow from frames to videos. Knows neither capture nor NVR."""
