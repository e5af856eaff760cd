"""The house stands: links, wheels and sdists, layers, and an import that changes nothing."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BUILD = PYPROJECT["tool"]["hatch"]["build"]
SOURCES = BUILD["targets"]["wheel"]["sources"]
ROOMS = [folder for folder in SOURCES if folder != "src/taskroy"]


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_the_rooms_are_those_of_the_architecture() -> None:
    assert set(ROOMS) == {"data", "models", "inference", "posteriors"}
    assert SOURCES["src/taskroy"] == "taskroy"


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_is_linked_excluded_and_included(room: str) -> None:
    link = ROOT / "src" / SOURCES[room]
    assert link.is_symlink()
    assert not link.readlink().is_absolute()
    assert link.resolve() == (ROOT / room).resolve()
    assert f"/src/{SOURCES[room]}" in BUILD["exclude"]
    for target in ("sdist", "wheel"):
        assert room in BUILD["targets"][target]["only-include"]


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_refuses_its_second_name(room: str) -> None:
    result = run("-c", f"import {room}")
    assert result.returncode == 1
    assert f"This folder is the package 'taskroy.{room}'" in result.stderr
    assert room in PYPROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]


def test_the_wheel_built_from_the_sdist_holds_the_working_tree(tmp_path: Path) -> None:
    # Run elsewhere and with -P: from the root, a folder named build would stand for the package.
    built = run(
        *("-P", "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)), cwd=tmp_path
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {
            name: archive.read(name) for name in archive.namelist() if name.startswith("taskroy/")
        }
    working_tree = {
        (Path(folder) / name).relative_to(ROOT / "src").as_posix(): Path(folder, name).read_bytes()
        for folder, _, names in os.walk(ROOT / "src/taskroy", followlinks=True)
        for name in names
        if Path(folder).name != "__pycache__"
    }
    assert packed.keys() == working_tree.keys()
    assert packed == working_tree


def test_imports_go_one_way() -> None:
    linted = run(
        "-c",
        "import importlinter.cli as c, sys; sys.exit(c.lint_imports(no_cache=True, no_logo=True))",
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


IMPORT_EVERYTHING = """
import importlib, pkgutil
import taskroy
for module in pkgutil.walk_packages(taskroy.__path__, "taskroy."):
    if not module.name.endswith(".__main__"):
        importlib.import_module(module.name)
"""

LIST_OTHERS = f"""
import sys
{IMPORT_EVERYTHING}
print(*(name for name in sys.modules if name.partition(".")[0] not in ("taskroy", "__main__")))
"""

COMPARE = f"""
import contextlib, importlib, os, sys, warnings
import jax
for name in sys.stdin.read().split():
    with contextlib.suppress(Exception):
        importlib.import_module(name)

def state():
    return {{
        "environment": dict(os.environ),
        "warning filters": list(warnings.filters),
        "JAX configuration": dict(jax.config.values),
    }}

before = state()
{IMPORT_EVERYTHING}
after = state()
for what in before:
    if before[what] != after[what]:
        sys.exit(f"importing taskroy changes the {{what}}: {{before[what]}} -> {{after[what]}}")
"""


def test_importing_any_module_changes_nothing() -> None:
    # Some libraries do change filters and environment (numpyro, pandera); what is compared is the
    # state before and after taskroy's own modules, with all that they import imported first.
    others = run("-c", LIST_OTHERS)
    assert others.returncode == 0, others.stderr
    compared = subprocess.run(
        [sys.executable, "-c", COMPARE], input=others.stdout, capture_output=True, text=True
    )
    assert compared.returncode == 0, compared.stderr
