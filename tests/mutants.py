"""Mutation testing of one module: a random sample of small changes, and which a test notices.

Run by script/mutate. The work is done in a copy of the tree, with the module's own tests; --wider
lets what they let pass meet every test that imports the module.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parent.parent

_THE_SAME = re.compile(r"_(Eq_Is|Is_Eq|NotEq_IsNot|IsNot_NotEq)\Z")
"""Changes that mean the same for the values that are compared here."""

Place = tuple[int, int]


class Trial:
    """A copy of the tree in which cosmic-ray changes one module."""

    def __init__(self, folder: Path, module: Path) -> None:
        self.tree = folder / "tree"
        self.module = module
        self._session = folder / "session.sqlite"
        self._config = folder / "config.toml"
        _copy(self.tree)

    def choose(self, count: int, choice: random.Random) -> None:
        """Find all changes, and keep `count` of them, each at another place."""
        self._write_config([], timeout=1)
        self._cosmic_ray("init")
        places = self._changes_by_place()
        some = choice.sample(sorted(places), min(count, len(places)))
        kept = [choice.choice(places[place]) for place in some]
        marks = ",".join("?" * len(kept))
        for table in ("mutation_specs", "work_items"):
            self._ask(f"delete from {table} where job_id not in ({marks})", kept)  # noqa: S608

    def survivors(self, tests: Sequence[str]) -> list[str]:
        """Try what has survived so far; return the differences that still do."""
        self._ask("delete from work_results where test_outcome = 'SURVIVED'")
        self._write_config(tests, timeout=30 + 10 * self._duration(tests))
        self._cosmic_ray("exec")
        rows = self._ask("select diff from work_results where test_outcome = 'SURVIVED'")
        return [diff for (diff,) in rows]

    def tried(self) -> int:
        return len(self._ask("select 1 from work_results"))

    def _changes_by_place(self) -> dict[Place, list[str]]:
        """Return the jobs that a test could notice; in an order that is the same each time."""
        unseen = list(_unseen(ast.parse((self.tree / self.module).read_text("utf-8"))))
        found = dict[Place, list[str]]()
        for row, column, operator, job in self._ask(
            "select start_pos_row, start_pos_col, operator_name, job_id from mutation_specs"
            " order by 1, 2, 3, occurrence"
        ):
            place = (int(row), int(column))
            if not (_THE_SAME.search(operator) or any(a <= place < b for a, b in unseen)):
                found.setdefault(place, []).append(job)
        return found

    def _duration(self, tests: Sequence[str]) -> float:
        """Return how long the tests take when nothing is changed; they must pass then."""
        begin = time.monotonic()
        if subprocess.run(_pytest(tests), cwd=self.tree, env=self._environ, check=False).returncode:
            sys.exit("script/mutate: the tests fail before anything is changed")
        return time.monotonic() - begin

    def _write_config(self, tests: Sequence[str], timeout: float) -> None:
        self._config.write_text(
            f'[cosmic-ray]\nmodule-path = "{self.module}"\ntimeout = {timeout:.1f}\n'
            f'excluded-modules = []\ntest-command = "{" ".join(_pytest(tests))}"\n'
            '[cosmic-ray.distributor]\nname = "local"\n'
        )

    def _cosmic_ray(self, verb: str) -> None:
        program = Path(sys.executable).with_name("cosmic-ray")
        command = [str(program), verb, str(self._config), str(self._session)]
        subprocess.run(command, cwd=self.tree, env=self._environ, check=True)

    @property
    def _environ(self) -> dict[str, str]:
        """Let what the tests start find the changed module, not the one that is installed."""
        return {**os.environ, "PYTHONPATH": str(self.tree)}

    def _ask(self, query: str, values: Sequence[str] = ()) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self._session)) as database, database:
            return database.execute(query, values).fetchall()


def main() -> int:
    """Print each change that was not noticed, and the share of those that were."""
    parser = argparse.ArgumentParser(prog="script/mutate", description=__doc__)
    parser.add_argument("module", type=Path, help="reolink_timelapsed/media/jpeg.py")
    parser.add_argument("--count", type=int, default=40, help="changes to try (default: 40)")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another sample")
    parser.add_argument("--tests", nargs="+", help="run these instead of the module's own")
    parser.add_argument("--wider", action="store_true", help="then all tests that import it")
    given = parser.parse_args()
    module = given.module.resolve().relative_to(ROOT)
    with tempfile.TemporaryDirectory() as name:
        trial = Trial(Path(name), module)
        trial.choose(given.count, random.Random(given.seed))
        left = trial.survivors(given.tests or _own_tests(module))
        if left and given.wider:
            left = trial.survivors(_wider_tests(module))
        _tell(module, trial.tried(), left)
    return 0


def _copy(tree: Path) -> None:
    """Copy what git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard", "--deduplicate"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


def _pytest(tests: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]


def _own_tests(module: Path) -> list[str]:
    """Return the tests named after the module; where there are none, all that import it."""
    folder = ROOT / "tests" / module.parent.relative_to("reolink_timelapsed")
    named = sorted(folder.glob(f"test_{module.stem}*.py"))
    return [str(path.relative_to(ROOT)) for path in named] or _wider_tests(module)


def _wider_tests(module: Path) -> list[str]:
    """Return all tests that import the module; those of its folder, where none does."""
    dotted = ".".join(module.with_suffix("").parts)
    package, _, stem = dotted.rpartition(".")
    imports = re.compile(
        rf"^\s*from ({re.escape(dotted)} |{re.escape(package)} .*\b{stem}\b)", re.MULTILINE
    )
    paths = sorted((ROOT / "tests").rglob("test_*.py"))
    found = [path for path in paths if imports.search(path.read_text("utf-8"))]
    folder = ROOT / "tests" / module.parent.relative_to("reolink_timelapsed")
    return [str(path.relative_to(ROOT)) for path in found or [folder]]


def _unseen(tree: ast.Module) -> Iterator[tuple[Place, Place]]:
    """Yield from where to where there are annotations, which never run, and kinds of class."""
    for node in ast.walk(tree):
        parts = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.ClassDef):
            parts.extend(node.decorator_list)
        for part in parts:
            if isinstance(part, ast.expr):
                begin = (part.lineno, part.col_offset)
                yield begin, (part.end_lineno or 0, part.end_col_offset or 0)


def _tell(module: Path, tried: int, survivors: Sequence[str]) -> None:
    for diff in survivors:
        changed = [line for line in diff.splitlines() if re.match(r"@@|[+-](?![+-])", line)]
        sys.stdout.write("\n".join(changed) + "\n\n")
    noticed = tried - len(survivors)
    percent = 100 * noticed / max(tried, 1)
    sys.stdout.write(f"{module}: {noticed} of {tried} changes noticed ({percent:.0f} %)\n")


if __name__ == "__main__":
    sys.exit(main())
