"""The size that a snapshot has to be asked for: learnt, kept, learnt anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.errors import BadFrame, ChannelFailed
from reolink_timelapsed.media.jpeg import picture_size
from reolink_timelapsed.nvr import api
from reolink_timelapsed.nvr.session import Session
from reolink_timelapsed.nvr.wanted_size import KEPT_SECONDS, LOOK_AGAIN_SECONDS, WantedSizes
from reolink_timelapsed.simulator import Kind, SimulatedNvr
from tests.support import Clockwork, Journal, at, build, build_session

FRONT, YARD = "ch0_Front_Door", "ch1_Yard"
MAIN, SUB = (2560, 1920), (640, 480)
WITHOUT = [400, 404, 500, -1, -4, -23, -9, 0]


@pytest.fixture
def session(nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> Session:
    return build_session(nvr, folder, clock)


def refusals(nvr: SimulatedNvr, channel: int = 0) -> int:
    return sum(
        one.cmd == "Snap" and one.channel == channel and one.count is None for one in nvr.log
    )


@pytest.mark.parametrize("form", ["newer", "older"])
@pytest.mark.parametrize("without", WITHOUT)
def test_a_camera_that_wants_to_be_told_a_size_gets_its_own(  # noqa: PLR0917
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, form: str, without: int
) -> None:
    nvr.device.enc_form = form  # type: ignore[assignment]
    nvr.cameras[0].without_size = without
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 9.5))
    assert len(daemon.frames(FRONT)) == len(daemon.frames(YARD)) == 10
    assert refusals(nvr) == 2
    assert sum(one.cmd == "GetEnc" for one in nvr.log) == 1
    assert journal.warnings() == []
    assert picture_size(daemon.frames(FRONT)[0].path.read_bytes()) == (256, 144)


def test_so_does_a_single_camera_without_nvr(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    del nvr.cameras[1:]
    nvr.device.standalone = True
    nvr.cameras[0].without_size = 404
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 9.5))
    assert [len(daemon.frames(camera)) for camera in daemon.store.camera_folders()] == [10]


def learn(session: Session) -> None:
    """Let a camera refuse twice."""
    with pytest.raises(ChannelFailed):
        session.snapshot(0)
    session.snapshot(0)


def asked_for(session: Session) -> tuple[int, int] | None:
    return session._wanted.of(0)


def test_another_size_is_followed_at_once_where_the_old_one_is_refused(
    nvr: SimulatedNvr, session: Session
) -> None:
    nvr.cameras[0].without_size = 404
    learn(session)
    assert asked_for(session) == (256, 144)
    nvr.cameras[0].width, nvr.cameras[0].height = 1280, 720
    learn(session)
    assert asked_for(session) == (1280, 720)


def test_another_size_is_followed_within_the_hour_where_the_old_one_serves(
    nvr: SimulatedNvr, session: Session, clock: Clockwork
) -> None:
    nvr.cameras[0].without_size = 404
    learn(session)
    nvr.cameras[0].without_size = None
    nvr.cameras[0].width, nvr.cameras[0].height = 1280, 720
    clock.sleep(KEPT_SECONDS - 1)
    session.snapshot(0)
    assert asked_for(session) == (256, 144)
    clock.sleep(1)
    session.snapshot(0)
    assert asked_for(session) == (1280, 720)


def test_where_no_size_helps_the_sentence_is_about_the_camera(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    nvr.cameras[0].without_size = 404
    nvr.misbehave(Kind.RSP_CODE, cmd="GetEnc", code=-26)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(6, -0.5))
    assert len(daemon.frames(YARD)) == 120
    (warning,) = journal.warnings()
    assert f"{FRONT} gives no pictures (the answer was HTTP 404, while the NVR answers" in warning
    assert sum(one.cmd == "GetEnc" for one in nvr.log) <= 3


def test_a_camera_that_works_without_is_not_asked_for_a_size(
    nvr: SimulatedNvr, session: Session
) -> None:
    session.snapshot(0)
    for _ in range(3):
        nvr.misbehave(Kind.EMPTY, times=1)
        with pytest.raises(BadFrame):
            session.snapshot(0)
    session.snapshot(0)
    assert not any(one.cmd == "GetEnc" for one in nvr.log)


# The arithmetic


def test_a_look_that_found_nothing_is_not_repeated_for_long() -> None:
    wanted = WantedSizes()
    looks = 0
    for minute in range(0, 300, 5):
        wanted.failed(0)
        looks += wanted.look(0, minute * 60.0)
    assert looks == 300 * 60 // LOOK_AGAIN_SECONDS


def test_what_may_be_asked_for_instead() -> None:
    wanted = WantedSizes()
    wanted.offered(0, [MAIN, SUB], 0.0)
    assert list(wanted.others(0, None)) == [MAIN, SUB]
    wanted.worked(0, SUB, 0.0)
    assert list(wanted.others(0, SUB)) == [MAIN, None]
    wanted.offered(0, [MAIN, SUB], 1.0)
    assert wanted.of(0) == SUB
    wanted.offered(0, [], 2.0)
    assert wanted.of(0) == SUB
    wanted.offered(0, [(1920, 1080), SUB], 3.0)
    assert wanted.of(0) == (1920, 1080)
    wanted.worked(0, None, 4.0)
    assert wanted.of(0) is None
    assert wanted.of(1) is None


@pytest.mark.parametrize(
    ("main", "sizes"),
    [
        ({"size": "2560*1920"}, [MAIN]),
        ({"size": "2560x1920"}, [MAIN]),
        ({"size": "2560*1920", "width": 0, "height": 0}, [MAIN]),
        ({"width": 2560, "height": 1920}, [MAIN]),
        ({"width": "2560", "height": "1920"}, [MAIN]),
        ({"size": "unknown"}, []),
        ({"width": -1, "height": 1920}, []),
        ({}, []),
    ],
)
def test_sizes_in_either_form(main: dict[str, object], sizes: list[tuple[int, int]]) -> None:
    assert api.sizes({"Enc": {"mainStream": main}}) == sizes
    found = api.sizes({"Enc": {"mainStream": main, "subStream": {"size": "640*480"}}})
    assert found == [*sizes, SUB]


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.dictionaries(
            st.sampled_from(["Enc", "mainStream", "subStream", "size", "width", "height"]), inner
        ),
    )
)
def test_sizes_of_anything(reply: object) -> None:
    for width, height in api.sizes(reply if isinstance(reply, dict) else {}):
        assert width > 0
        assert height > 0
