"""The house has floors: modules import downward, in no circle, and outside things have one door.

Read from the sources with `ast`, so that an import inside a function counts as well.
"""

from __future__ import annotations

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = "reolink_timelapsed"
ROOT = Path(__file__).parent.parent / PACKAGE

FLOORS = {
    # vocabulary and arithmetic; the standard library only
    0: "errors frame schedule jpeg scrub values rspcode address timecheck overview loose_json"
    " json_fields humanize places jpeg_syntax huffman sandbox wanted_size",
    # words in, values out: these parse and plan, they never act
    1: "__init__ api config password yaml_file yaml_edit health holdoff story plan rungs exif"
    " titles parser orders services env_file deadlines news unreachable findings written",
    # the world, one thing each
    2: "clock tls transport client slot session memory mount single_run store systemd logs board"
    " ledger room space coverage child probe encode progress turn files disk_errors reading"
    " pictures terminal privileges units access reach transit timeline claim abilities"
    " http_answer process round_state",
    # the flows: they receive objects and own the order
    3: "roster rounds timekeeper capture film pieces splice sidecar days account publish stitch"
    " prune estimate check setup past report report_text judgement outcome guard earlier"
    " culprits data_folder redate steps pace parts refilm check_nvr misdated",
    # wiring, exit codes, signals
    4: "wiring demo cli",
    5: "__main__",
}

DISK_CALLS = {
    *("stat", "lstat", "exists", "is_dir", "is_file", "readlink", "listdir", "scandir", "iterdir"),
    *("glob", "rglob", "read_bytes", "read_text", "write_bytes", "write_text", "mkdir", "unlink"),
}
"""What raises a raw OSError; it is done behind the disk's doors alone, which turn it into ours."""

DISK_DOORS = {"reading", "files", "store", "disk_errors", "abilities", "transit"}
NOT_OF_THE_DATA = {
    *("config", "setup", "demo", "yaml_file", "password", "rungs", "clock", "privileges"),
    *("places", "units", "judgement", "wiring", "mount", "env_file", "data_folder", "access"),
    *("written",),  # settings and passwords
    *("child", "probe", "pieces", "splice"),  # what ffmpeg has made, within a guard
}

SIMULATOR = "simulator"
"""Stands beside the house: of ours it may import floor 0 alone, and only the demo may use it."""

DOORS = {
    "requests": "transport",
    "urllib3": "transport",
    "ffmpeg": "encode",
    "sdnotify": "systemd",
    "yaml": "yaml_file",
}
"""Each outside library and the one module that uses it."""

WORLD_DOORS = {
    "time.time": "clock",
    "time.sleep": "clock",
    "time.monotonic": "clock",
    "time.clock_gettime": "clock",
    "datetime.now": "clock",
    "date.today": "clock",
}
"""The system's clocks, and the one module that reads them."""


def read(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def ours(tree: ast.Module) -> set[str]:
    """Return the modules of this package that a module imports, by their names in it."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            package, _, inner = node.module.partition(".")
            if package == PACKAGE:
                found |= {inner} if inner else {name.name for name in node.names}
        elif isinstance(node, ast.Import):
            dotted = (name.name.partition(".") for name in node.names)
            found |= {inner for package, _, inner in dotted if package == PACKAGE}
    return {name if name in MODULES else name.partition(".")[0] for name in found} & {
        *MODULES,
        SIMULATOR,
    }


def outside(tree: ast.Module) -> set[str]:
    """Return the libraries outside the standard one that a module imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
    return found - sys.stdlib_module_names - {PACKAGE}


def calls(tree: ast.Module) -> set[str]:
    """Return the attribute calls in a module, as `name.attribute`."""
    return {
        f"{node.func.value.id}.{node.func.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
    }


MODULES = {path.stem: path for path in sorted(ROOT.glob("*.py"))}
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names.split()}
TREES = {name: read(path) for name, path in MODULES.items()}
SIMULATOR_TREES = {path.name: read(path) for path in sorted((ROOT / SIMULATOR).glob("*.py"))}


def test_every_module_stands_on_a_floor() -> None:
    listed = [name for names in FLOORS.values() for name in names.split()]
    assert sorted(listed) == sorted(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_downward(name: str) -> None:
    floor = FLOOR.get(name, 0)
    upward = {other for other in ours(TREES[name]) & set(FLOOR) if FLOOR[other] > floor}
    assert not upward, f"{name} (floor {floor}) imports {upward}"


def test_imports_make_no_circle() -> None:
    graph = {name: ours(tree) & set(MODULES) for name, tree in TREES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {error.args[1]}")


@pytest.mark.parametrize("name", SIMULATOR_TREES)
def test_the_simulator_stands_beside_the_house(name: str) -> None:
    tree = SIMULATOR_TREES[name]
    assert not outside(tree)
    assert {FLOOR[other] for other in ours(tree) & set(FLOOR)} <= {0}


def test_only_the_demo_knows_the_simulator() -> None:
    assert {name for name, tree in TREES.items() if SIMULATOR in ours(tree)} <= {"demo"}


def test_every_outside_library_has_one_door() -> None:
    used = {(library, name) for name, tree in TREES.items() for library in outside(tree)}
    assert used == set(DOORS.items())


@pytest.mark.parametrize("name", MODULES)
def test_the_clocks_are_read_in_one_place(name: str) -> None:
    elsewhere = {call for call in calls(TREES[name]) if WORLD_DOORS.get(call, name) != name}
    assert not elsewhere


@pytest.mark.parametrize("name", sorted(set(MODULES) - DISK_DOORS - NOT_OF_THE_DATA))
def test_the_data_folder_is_read_and_written_behind_its_doors(name: str) -> None:
    nodes = (node.func for node in ast.walk(TREES[name]) if isinstance(node, ast.Call))
    called = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert not called & DISK_CALLS


def test_modules_fit_a_reader() -> None:
    sizes = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
    assert not {name: size for name, size in sizes.items() if size > 340}


def test_functions_are_small() -> None:
    trees = [*TREES.values(), *SIMULATOR_TREES.values()]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    sizes = sorted(_lines(node) for node in nodes if isinstance(node, ast.FunctionDef))
    assert sizes[len(sizes) // 2] < 10
    assert sizes[len(sizes) * 9 // 10] < 30
    assert sizes[-1] < 50


def _lines(function: ast.FunctionDef) -> int:
    """Count the lines of a function without its docstring."""
    docstring = function.body[0] if ast.get_docstring(function) else None
    words = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - words
