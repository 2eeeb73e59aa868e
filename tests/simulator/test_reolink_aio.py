"""Home Assistant's client gets along with the simulated NVR, over plain HTTP.

So that the simulator is not made to the measure of our own client alone.
"""

import asyncio

from reolink_aio.api import Host
from reolink_aio.enums import ConnectionEnum

from reolink_timelapsed.simulator import SimulatedCamera, SimulatedNvr
from tests.simulator.nvr_client import StillClock


async def visit(nvr: SimulatedNvr) -> tuple[Host, dict[int, str], bytes | None]:
    """Log in, read the host's data, take a snapshot of each channel's first, log out."""
    # The vendor's own protocol is not simulated: over TCP its port refuses at once.
    tcp = ConnectionEnum.tcp
    host = Host("127.0.0.1", "timelapse", "secret", nvr.port, False, bc_connection=tcp)
    try:
        await host.login()
        await host.get_host_data()
        names = {channel: host.camera_name(channel) for channel in host.channels}
        picture = await host.get_snapshot(host.channels[0])
    finally:
        await host.logout()
    return host, names, picture


def test_it_logs_in_lists_the_channels_snaps_and_logs_out() -> None:
    cameras = [SimulatedCamera(0, "Front Door"), SimulatedCamera(5, "Garage")]
    with SimulatedNvr(cameras, clock=StillClock()) as nvr:
        host, names, picture = asyncio.run(visit(nvr))
        assert names == {0: "Front Door", 5: "Garage"}
        assert (host.is_nvr, host.model) == (True, "RLN8-410")
        assert picture is not None
        assert picture.startswith(b"\xff\xd8")
        assert picture.endswith(b"\xff\xd9")
        assert nvr.live_sessions == []
    commands = [request.cmd for request in nvr.log]
    assert (commands[0], commands[-1]) == ("Login", "Logout")
    assert "Snap" in commands
