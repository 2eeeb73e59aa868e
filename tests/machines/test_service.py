"""What root's commands say of the service, and with whose rights they work, told in order."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.env_samples import SAMPLES

from . import steps
from .container import Container
from .host import wait_for
from .nvr import PASSWORD, Nvr
from .packages import Build
from .steps import CONFIG, DAEMON, DATA, STITCH

PLENTY = 60
"""Seconds; what is waited for takes a few."""

USER = "_reolink-timelapse"
ENVIRONMENT = "/etc/default/reolink-timelapse"

_ASK = """
import json, subprocess, sys
for text in json.load(sys.stdin):
    open("/run/sample", "w", newline="").write(text)
    done = subprocess.run(
        ["systemd-run", "--quiet", "--wait", "--pipe", "--property=EnvironmentFile=/run/sample"]
        + ["/usr/bin/printenv", "A"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    said = done.stdout.decode().removesuffix("\\n") if done.returncode == 0 else None
    sys.stdout.write(json.dumps(said) + "\\n")
"""


@pytest.fixture(scope="module")
def nvr(machine: Container) -> Nvr:
    simulated = Nvr(machine)
    simulated.start()
    return simulated


def owner(machine: Container, path: str) -> str:
    return machine.out("stat", "-c", "%U:%G %a", path)


def asked_test(machine: Container) -> tuple[int, str]:
    done = machine.run("reolink-timelapse", "test", check=False)
    return done.returncode, done.stdout + done.stderr


def remedy(said: str) -> str:
    """Return the command that a complaint tells to run."""
    found = re.search(r"run `sudo ([^`]*)`", said)
    assert found, said
    return found[1]


def restarted_with(machine: Container, words: str) -> None:
    """Restart the daemon, and wait for its journal to say something."""
    machine.run("journalctl", "--rotate")
    machine.run("journalctl", "--vacuum-time=1s", "--quiet")
    machine.run("systemctl", "restart", DAEMON)
    wait_for(words, PLENTY, lambda: words in machine.journal(DAEMON))


def has_frames(machine: Container, data: str) -> bool:
    return steps.has_new_frames(machine, 3, data)


def test_before_the_first_start_all_is_made_for_the_service(
    machine: Container, nvr: Nvr, builds: dict[str, Build]
) -> None:
    steps.install(machine, builds["trixie"])
    steps.set_up(machine, nvr)
    code, said = asked_test(machine)
    assert code == 0, said
    assert "belongs to root" not in said
    assert re.search("(?m)^service +its units may write there", said)
    assert owner(machine, DATA) == f"{USER}:{USER} 750"
    strangers = machine.out("find", DATA, "!", "-user", USER)
    assert strangers == ""


def test_what_the_user_of_the_service_plants_leads_root_nowhere(machine: Container) -> None:
    machine.run("systemctl", "restart", DAEMON)
    wait_for("frames", PLENTY, lambda: has_frames(machine, DATA))
    day = steps.make_past_day(machine, 1, 4)
    machine.run("systemctl", "stop", DAEMON)
    machine.write("/opt/dear/file", "dear")
    machine.run("chmod", "-R", "a+rX", "/opt/dear")
    before = machine.out("find", "/opt/dear", "-printf", "%p %u %g %m %T@\\n")
    planted = {
        ".work/stitch.lock": "file",
        ".work/prune": "",
        ".work/test": "",
        ".state/nvr.lock": "file",
        ".state/https.json": "file",
    }
    for name, target in planted.items():
        machine.run("rm", "-rf", f"{DATA}/{name}")
        machine.run(
            *("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"),
            *("ln", "-s", f"/opt/dear/{target}", f"{DATA}/{name}"),
        )
    for command in ("stitch", "prune", "test", "status"):
        done = machine.run("reolink-timelapse", command, check=False)
        assert "Traceback" not in done.stderr
    assert machine.out("find", "/opt/dear", "-printf", "%p %u %g %m %T@\\n") == before
    assert machine.out("find", DATA, "!", "-user", USER) == ""
    for name in planted:
        machine.run("rm", "-rf", f"{DATA}/{name}")
    machine.run("reolink-timelapse", "stitch", seconds=300)
    assert len([path for path in steps.videos(machine) if day in path.name]) == 4


@pytest.mark.parametrize("data", ["/srv/new", "/home/pi/time lapse", "/var/opt/100%"])
def test_a_folder_that_is_closed_is_told_and_opened_by_what_is_said(
    machine: Container, nvr: Nvr, data: str
) -> None:
    nvr.start()
    steps.edit(machine, CONFIG, {"data_dir": f'"{data}"'})
    machine.run("mkdir", "-p", data)
    machine.run("chown", f"{USER}:", data)
    code, said = asked_test(machine)
    assert code == 74, said
    assert "closed to the service" in said
    restarted_with(machine, "closed to the service")
    assert "dmesg" not in machine.journal(DAEMON)
    journal = machine.journal(DAEMON)
    assert remedy(said) == remedy(journal)

    machine.run("sh", "-c", remedy(said))
    assert owner(machine, data).startswith(f"{USER}:{USER} ")
    code, said = asked_test(machine)
    assert code == 0, said
    machine.run("systemctl", "restart", DAEMON)
    wait_for("frames", PLENTY, lambda: has_frames(machine, data))
    machine.run("systemctl", "start", STITCH, seconds=300)
    assert machine.show(STITCH, "Result")["Result"] == "success"


def test_a_copy_that_is_roots_is_told_and_given_back(machine: Container, nvr: Nvr) -> None:
    machine.run("systemctl", "stop", DAEMON)
    machine.run("cp", "-r", "/srv/new", "/srv/copy")
    machine.run("reolink-timelapse", "setup", "--data-dir", "/srv/copy")
    machine.run("chown", "-R", "root:", "/srv/copy/frames")
    nvr.start()
    code, said = asked_test(machine)
    assert code == 74, said
    assert remedy(said) == f"chown -R {USER}: /srv/copy"
    restarted_with(machine, "is not for")
    assert remedy(machine.journal(DAEMON)) == remedy(said)
    machine.run("sh", "-c", remedy(said))
    assert asked_test(machine)[0] == 0
    before = len(steps.frames(machine, "/srv/copy"))
    machine.run("systemctl", "restart", DAEMON)
    wait_for("more", PLENTY, lambda: steps.has_new_frames(machine, before, "/srv/copy"))


def test_a_home_that_is_shut_is_told(machine: Container) -> None:
    machine.run("mkdir", "-p", "-m", "0700", "/home/eve")
    done = machine.run("reolink-timelapse", "setup", "--data-dir", "/home/eve/tl", check=False)
    assert done.returncode == 74
    assert remedy(done.stderr) == "chmod o+x /home/eve"


def test_back_to_the_folder_of_the_unit(machine: Container, nvr: Nvr) -> None:
    said = machine.out("reolink-timelapse", "setup", "--data-dir", DATA)
    assert "What there is in /srv/copy stays there." in said
    assert "cp -a" not in said  # the folder of the unit has its frames already
    assert list(machine.path("/etc/systemd/system").glob("*.d/data-dir.conf")) == []
    nvr.start()
    code, said = asked_test(machine)
    assert code == 0, said


def test_systemd_reads_the_environment_as_we_do(machine: Container) -> None:
    said = machine.run(
        *("python3", "-c", _ASK), stdin=json.dumps([text for text, _ in SAMPLES]), seconds=300
    ).stdout
    found = [json.loads(line) for line in said.splitlines()]
    assert dict(zip([text for text, _ in SAMPLES], found, strict=True)) == dict(SAMPLES)


def test_every_command_reads_the_predecessors_file(machine: Container, nvr: Nvr) -> None:
    config, secret = machine.path(CONFIG), machine.path("/etc/reolink-timelapse/password")
    kept = config.read_text(), secret.read_text()
    secret.unlink()
    steps.edit(machine, CONFIG, {"host": "", "username": ""})
    machine.write(
        ENVIRONMENT,
        f"NVR_HOST={nvr.host}\nNVR_USERNAME=timelapse\nNVR_PASSWORD='{PASSWORD}'\nDATA_DIR=/data\n",
        0o644,
    )
    code, said = asked_test(machine)
    assert code == 0, said
    assert "inside the container" in said
    assert f"{ENVIRONMENT} shows the NVR's password" in said
    count = len(steps.frames(machine))
    restarted_with(machine, "shows the NVR's password to every user")
    wait_for("frames", PLENTY, lambda: steps.has_new_frames(machine, count + 2))
    assert f"{DATA}" in machine.run("reolink-timelapse", "status", check=False).stdout

    machine.run("sh", "-c", remedy(machine.journal(DAEMON)))
    assert owner(machine, ENVIRONMENT) == "root:root 600"
    assert "shows the NVR's password" not in asked_test(machine)[1]
    others = ("setpriv", "--reuid=nobody", "--clear-groups", "reolink-timelapse", "status")
    done = machine.run(*others, check=False)
    assert done.returncode == 78
    assert "run it with sudo" in done.stderr
    machine.run("systemctl", "stop", DAEMON)
    machine.path(ENVIRONMENT).unlink()
    config.write_text(kept[0])
    secret.write_text(kept[1])


def test_a_password_that_all_can_read_is_told(machine: Container) -> None:
    secret = "/etc/reolink-timelapse/password"
    machine.run("chmod", "644", secret)
    assert f"{secret} shows" in asked_test(machine)[1]
    restarted_with(machine, f"{secret} shows")
    machine.run("sh", "-c", remedy(machine.journal(DAEMON)))
    assert f"{secret} shows" not in asked_test(machine)[1]
    machine.run("systemctl", "stop", DAEMON)


def test_purge_leaves_what_is_of_others(machine: Container, nvr: Nvr) -> None:
    """All data folders that ever were are found, odd names and shared ones among them."""
    shared = "/srv/new"
    theirs = [f"{shared}/{name}" for name in ("segments/x", "coverage/x", ".state/x", ".work/x")]
    for name in theirs:
        machine.write(name, "theirs")
    machine.run("systemctl", "restart", DAEMON)
    count = len(steps.frames(machine))
    wait_for("frames", PLENTY, lambda: steps.has_new_frames(machine, count + 2))
    folders = (DATA, shared, "/srv/copy", "/home/pi/time lapse", "/var/opt/100%")
    kept = {path for data in folders for path in steps.frames(machine, data)}
    done = machine.run("apt-get", "purge", "-qy", "reolink-timelapse")
    assert nvr.state()["live_sessions"] == 0
    for data in folders:
        assert f"your frames are still in {data}/frames\n" in done.stdout + done.stderr
        left = {path.name for path in machine.path(data).iterdir()}
        expected = {"frames", "videos"} | (
            {Path(name).parent.name for name in theirs} if data == shared else set()
        )
        assert left <= expected
    assert kept <= {path for data in folders for path in steps.frames(machine, data)}
    assert all(machine.path(name).read_text() == "theirs" for name in theirs)
    assert list(machine.path("/etc/systemd/system").glob("reolink*")) == []
