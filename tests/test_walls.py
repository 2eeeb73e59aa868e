"""The house has walls: who may import whom, one door for each outside thing, rooms of a size.

Read from the sources with `ast`, every file, so that an import inside a function counts as well.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = "reolink_timelapsed"
ROOT = Path(__file__).parent.parent / PACKAGE

MAY_IMPORT = {
    "root": "",
    "system": "root",
    "config": "root",
    "simulator": "root",
    "nvr": "root system config",
    "media": "root system config",
    "storage": "root system config",
    "capture": "root system config nvr media storage",
    "stitch": "root system config media storage",
    "status": "root system config storage",
    "cli": "root system config nvr media storage capture stitch status",
}
"""Every folder may import its own modules, and those of the folders named here."""

BEYOND = {"cli.demo": "simulator", "__main__": "cli"}
"""What one module alone may import beyond that."""

DOORS = {
    "requests": "nvr.transport",
    "urllib3": "nvr.transport",
    "ffmpeg": "media.graph",
    "sdnotify": "system.notify",
    "yaml": "config.yaml_file",
    "subprocess": "system.process",
    "time.time": "system.clock",
    "time.sleep": "system.clock",
    "time.monotonic": "system.clock",
    "time.clock_gettime": "system.clock",
    "datetime.now": "system.clock",
    "date.today": "system.clock",
}
"""Each outside library, `subprocess` and the system's clocks, and the one module that uses it."""

THE_SIMULATORS = {"subprocess", *(door for door in DOORS if "." in door)}
"""It shares no door with the house: it draws with ffmpeg, and has a clock, of its own."""

DISK_CALLS = {
    *("stat", "lstat", "exists", "is_dir", "is_file", "readlink", "listdir", "scandir", "iterdir"),
    *("glob", "rglob", "read_bytes", "read_text", "write_bytes", "write_text", "mkdir", "unlink"),
}
"""What raises a raw OSError; it is done behind the disk's doors alone, which turn it into ours."""

DISK_DOORS = {
    *("system.reading", "system.writing", "system.disk_errors"),
    *("storage.store", "storage.abilities", "storage.transit"),
}
WRITING = {
    *("O_CREAT", "O_WRONLY", "O_RDWR", "fsync", "fdatasync", "fchmod", "symlink_to"),
    *("write_bytes", "write_text", "mkstemp", "NamedTemporaryFile", "copy", "copy2", "copyfile"),
}
"""By these a file is made, or made to last."""

WRITERS = {
    "system.writing",
    "system.lock",  # a file that is locked, and holds nothing
    "storage.abilities",  # tries whether there can be links
    "cli.main",  # lets what is still to be said go nowhere
}
NOT_OF_THE_DATA = {
    *("config.settings", "config.yaml_file", "config.password", "config.places"),
    *(
        "config.env_file",
        "config.written",
        "system.clock",
        "system.memory",
        "system.privileges",
        "system.units",
        "storage.disk",
    ),
    *("storage.access", "status.judgement", "cli.wiring", "cli.setup", "cli.demo"),
    "cli.data_folder",
    *("media.child", "media.probe"),  # what ffmpeg has made, within a guard
    *("stitch.segments", "stitch.concat"),
}

Modules = dict[str, ast.Module]


class House:
    """The package that lies in a folder: its modules by their dotted names within it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = {self._dotted(path): path for path in sorted(root.rglob("*.py"))}

    @cached_property
    def trees(self) -> Modules:
        return {name: ast.parse(path.read_text("utf-8")) for name, path in self.files.items()}

    def room(self, name: str) -> str:
        """Return the folder a module lives in."""
        first = name.partition(".")[0]
        return first if (self.root / first).is_dir() else "root"

    def ours(self, name: str) -> set[str]:
        """Return the modules of this package that a module imports."""
        full = (one for one in self._imported(name) if one.startswith(PACKAGE))
        return {self._module(one.removeprefix(f"{PACKAGE}.")) for one in full} - {name}

    def outside(self, name: str) -> set[str]:
        """Return what a module uses that needs a door."""
        tops = {full.partition(".")[0] for full in self._imported(name)} - {PACKAGE}
        libraries = {top for top in tops if top not in sys.stdlib_module_names or top in DOORS}
        return libraries | (_attributes(self.trees[name]) & {*DOORS})

    def _dotted(self, path: Path) -> str:
        parts = path.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" and parts[:-1] else parts)

    def _module(self, full: str) -> str:
        """Return the module that a dotted name is, or is in."""
        return full if full in self.files else full.rpartition(".")[0] or "__init__"

    def _imported(self, name: str) -> Iterator[str]:
        """Yield all that a module imports, as absolute dotted names, down to the name itself."""
        for node in ast.walk(self.trees[name]):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(name, node)
                yield from (f"{base}.{alias.name}" for alias in node.names)

    def _base(self, name: str, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        here = [PACKAGE, *name.split(".")]
        up = node.level - (self.files[name].name == "__init__.py")
        return ".".join([*here[: len(here) - up], *filter(None, [node.module])])


def _attributes(tree: ast.Module) -> set[str]:
    """Return what a module takes from names, as `name.attribute`."""
    return {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


# The walls


def through_a_wall(house: House, name: str) -> set[str]:
    """Return the modules that a module imports, and may not."""
    room = house.room(name)
    allowed = {room, *MAY_IMPORT.get(room, "").split(), *BEYOND.get(name, "").split()}
    return {other for other in house.ours(name) if house.room(other) not in allowed}


def past_a_door(house: House, name: str) -> set[str]:
    """Return the outside things that a module uses, and may not."""
    used = house.outside(name) - (THE_SIMULATORS if house.room(name) == "simulator" else set())
    return {one for one in used if DOORS.get(one) != name}


def beside_the_writer(house: House, name: str) -> set[str]:
    """Return by what a module makes files, that should have them made."""
    nodes = [node for node in ast.walk(house.trees[name]) if isinstance(node, ast.Attribute)]
    is_free = name in WRITERS or house.room(name) == "simulator"
    return set() if is_free else {node.attr for node in nodes} & WRITING


def timeless_nows(house: House, name: str) -> set[str]:
    """Return what is called `now` and is seconds: those are `monotonic`, `now` is a datetime."""
    return {ast.unparse(node) for node in ast.walk(house.trees[name]) if _is_timeless_now(node)}


def _is_timeless_now(node: ast.AST) -> bool:
    match node:
        case ast.arg(arg="now" | "_now", annotation=kind):
            return _is_float(kind)
        case ast.AnnAssign(target=target, annotation=kind, value=value):
            return _is_now(target) and (_is_float(kind) or _is_seconds(value))
        case ast.Assign(targets=targets, value=value):
            return any(_is_now(target) for target in targets) and _is_seconds(value)
        case ast.NamedExpr(target=target, value=value):
            return _is_now(target) and _is_seconds(value)
        case ast.FunctionDef(name="now" | "_now", returns=kind):
            return _is_float(kind)
    return False


def _is_now(node: ast.AST) -> bool:
    return ast.unparse(node).rpartition(".")[2].lstrip("_") == "now"


def _is_float(kind: ast.expr | None) -> bool:
    return kind is not None and "float" in _words(ast.unparse(kind))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _is_seconds(value: ast.expr | None) -> bool:
    is_number = isinstance(value, ast.Constant) and isinstance(value.value, float)
    return is_number or (value is not None and _words(ast.unparse(value))[-1:] == ["monotonic"])


Rule = Callable[[House, str], set[str]]
HOUSE = House(ROOT)


@pytest.mark.parametrize("name", HOUSE.files)
@pytest.mark.parametrize("rule", [through_a_wall, past_a_door, beside_the_writer])
def test_the_walls_stand(name: str, rule: Rule) -> None:
    assert not rule(HOUSE, name)


@pytest.mark.parametrize(
    ("module", "line", "rule", "found"),
    [
        ("capture/loop.py", "from reolink_timelapsed import stitch", through_a_wall, "stitch"),
        ("capture/loop.py", "from reolink_timelapsed.stitch.plan import Pick", through_a_wall, ""),
        ("storage/store.py", "from ..nvr import session", through_a_wall, "nvr.session"),
        ("nvr/api.py", "def f():\n    from ..media import jpeg", through_a_wall, "media.jpeg"),
        ("frame.py", "import reolink_timelapsed.system.clock", through_a_wall, "system.clock"),
        ("cli/check.py", "from reolink_timelapsed.simulator import nvr", through_a_wall, ""),
        ("simulator/pictures/scenery/__init__.py", "import requests", past_a_door, "requests"),
        ("stitch/run.py", "from subprocess import run", past_a_door, "subprocess"),
        ("media/probe.py", "import subprocess", past_a_door, "subprocess"),
        ("status/text.py", "import rich", past_a_door, "rich"),
        ("capture/rounds.py", "x = time.time()", past_a_door, "time.time"),
        ("nvr/login.py", "def f(now: float): ...", timeless_nows, "now: float"),
        ("nvr/login.py", "def f(*, now: float | None): ...", timeless_nows, "float | None"),
        ("nvr/login.py", "def now() -> float: ...", timeless_nows, "..."),
        ("nvr/login.py", "class C:\n    now: float", timeless_nows, "now: float"),
        ("capture/pace.py", "self._now = 0.0", timeless_nows, "0.0"),
        ("capture/pace.py", "now = clock.monotonic()", timeless_nows, "monotonic()"),
        ("capture/rounds.py", "x = path.write_text('')", beside_the_writer, "write_text"),
        ("storage/transit.py", "x = os.O_RDWR | os.O_CREAT", beside_the_writer, ""),
    ],
)
def test_the_walls_bite(tmp_path: Path, module: str, line: str, rule: Rule, found: str) -> None:
    copy = tmp_path / PACKAGE
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    path = copy / module
    path.write_text(f"{path.read_text('utf-8')}\n{line}\n", "utf-8")
    house = House(copy)
    bitten = {name: rule(house, name) for name in house.files if rule(house, name)}
    assert [house.files[name] for name in bitten] == [path]
    assert any(one.endswith(found) for one in next(iter(bitten.values())))


def test_every_room_and_every_door_is_there() -> None:
    rooms = {HOUSE.room(name) for name in HOUSE.files}
    assert rooms == {*MAY_IMPORT}
    assert {*DOORS.values(), *BEYOND, *DISK_DOORS, *WRITERS, *NOT_OF_THE_DATA} <= {*HOUSE.files}


def test_imports_make_no_circle() -> None:
    try:
        TopologicalSorter({name: HOUSE.ours(name) for name in HOUSE.files}).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {error.args[1]}")


@pytest.mark.parametrize("name", sorted({*HOUSE.files} - DISK_DOORS - NOT_OF_THE_DATA))
def test_the_data_folder_is_read_and_written_behind_its_doors(name: str) -> None:
    nodes = (node.func for node in ast.walk(HOUSE.trees[name]) if isinstance(node, ast.Call))
    called = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert HOUSE.room(name) == "simulator" or not called & DISK_CALLS


# The rooms


@pytest.mark.parametrize(
    "folder",
    sorted(path.parent for path in ROOT.rglob("*/__init__.py")),
    ids=lambda path: path.name,
)
def test_every_folder_says_what_lives_there(folder: Path) -> None:
    first = ast.parse((folder / "__init__.py").read_text("utf-8"))
    assert ast.get_docstring(first)
    if "simulator" not in folder.parts and folder.name != "cli":
        assert len(first.body) == 1, "an __init__ holds no code"


@pytest.mark.parametrize("name", HOUSE.files)
def test_sizes_are_worded_in_one_place(name: str) -> None:
    if name == "humanize" or HOUSE.room(name) == "simulator":
        return
    texts = (node for node in ast.walk(HOUSE.trees[name]) if isinstance(node, ast.JoinedStr))
    parts = (part for text in texts for part in ast.walk(text))
    units = {part.value for part in parts if isinstance(part, ast.Constant)} & {1e6, 1e9}
    assert not units, "humanize has words for bytes"


def test_the_root_has_few_rooms() -> None:
    assert len(list(ROOT.glob("*.py"))) <= 8


@pytest.mark.parametrize("name", HOUSE.files)
def test_modules_fit_a_reader(name: str) -> None:
    lines = len(HOUSE.files[name].read_text("utf-8").splitlines())
    assert lines <= 330


def test_functions_are_small() -> None:
    nodes = (node for tree in HOUSE.trees.values() for node in ast.walk(tree))
    sizes = sorted(_lines(node) for node in nodes if isinstance(node, ast.FunctionDef))
    assert sizes[len(sizes) // 2] <= 6
    assert sizes[len(sizes) * 9 // 10] <= 20
    assert sizes[-1] < 50


def _lines(function: ast.FunctionDef) -> int:
    """Count the lines of a function without its docstring."""
    docstring = function.body[0] if ast.get_docstring(function) else None
    words = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - words


# The tests

TESTS = House(Path(__file__).parent)
_OF_THE_ENVIRONMENT = ("setenv", "delenv", "chdir", "context", "undo")


@pytest.mark.parametrize("name", TESTS.files)
def test_nothing_is_patched_but_the_environment(name: str) -> None:
    used = _attributes(TESTS.trees[name])
    patches = {one for one in used if one.startswith("monkeypatch.")}
    assert patches <= {f"monkeypatch.{what}" for what in _OF_THE_ENVIRONMENT}
    assert not any(_is_mock(one) for one in TESTS.outside(name) | {*_names(TESTS.trees[name])})


def _is_mock(name: str) -> bool:
    return name.rpartition(".")[2] in ("mock", "pytest_mock", "MagicMock", "mocker")


def _names(tree: ast.Module) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def test_tests_mirror_the_rooms() -> None:
    rooms = {name.partition(".")[0] for name in HOUSE.files if "." in name}
    assert rooms <= {path.name for path in Path(__file__).parent.iterdir() if path.is_dir()}
