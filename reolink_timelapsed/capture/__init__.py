"""The daemon's flow: ticks, rounds, faults, the record of the day. Knows no other flow."""
