"""What can be made to go wrong, and when. Decides; the device and the wire carry it out."""
