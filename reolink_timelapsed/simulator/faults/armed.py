"""The misbehaviours given to the simulated NVR, with their times on its clock."""

from dataclasses import dataclass, field

from reolink_timelapsed.simulator.faults.faults import DEVICE, Kind, Misbehaviour

_FOR_EVER = float("inf")


@dataclass
class Armed:
    """A misbehaviour, from when to when it acts, and how many occasions are left."""

    fault: Misbehaviour
    begins: float
    ends: float
    left: float

    def active(self, monotonic: float) -> bool:
        return self.begins <= monotonic < self.ends and self.left > 0


@dataclass
class Troubles:
    """All armed misbehaviours, the eldest first."""

    armed: list[Armed] = field(default_factory=list)

    def add(self, fault: Misbehaviour, monotonic: float) -> None:
        """Arm a misbehaviour, counting its times from now."""
        begins = monotonic + fault.begins
        ends = _FOR_EVER if fault.lasts is None else begins + fault.lasts
        left = _FOR_EVER if fault.times is None else fault.times
        self.armed.append(Armed(fault, begins, ends, left))

    def clear(self, fault: Misbehaviour | None) -> None:
        """Forget one misbehaviour, or all."""
        self.armed = [a for a in self.armed if fault is not None and a.fault != fault]

    def due(
        self, monotonic: float, kinds: frozenset[Kind], cmd: str, channel: int | None
    ) -> Misbehaviour | None:
        """Take the first that fits a command, and count the occasion."""
        for armed in self.armed:
            fault = armed.fault
            if fault.kind in kinds and armed.active(monotonic) and fault.fits(cmd, channel):
                armed.left -= 1
                return fault
        return None

    def take_device(self, monotonic: float) -> list[Armed]:
        """Take out those of the whole device that have begun."""
        due = [a for a in self.armed if a.fault.kind in DEVICE and a.begins <= monotonic]
        self.armed = [a for a in self.armed if a not in due and a.active(max(monotonic, a.begins))]
        return due
