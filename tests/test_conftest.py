"""How pytest treats notebooks: strictly, whole, in a clean environment, and with skips that say why."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from labs import paths


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a small project with this one's settings, two good notebooks and a bad one."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(paths.ROOT / name, folder)
    shutil.copytree(paths.ROOT / "labs", folder / "labs", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").mkdir()
    _write(folder / "notebooks" / "good.ipynb", "2")
    _write(folder / "notebooks" / "solutions" / "good.ipynb", "2")
    _write(folder / "notebooks" / ".ipynb_checkpoints" / "good.ipynb", "never collected")
    (folder / "notebooks" / "source").mkdir()
    (folder / "notebooks" / "source" / "01_x.py").write_text("raise OSError('never collected')\n", "utf-8")
    _write(folder / "bad" / "bad.ipynb", "3")
    return folder


def _write(file: Path, shown: str) -> None:
    import_labs = (
        "import os, pathlib, labs\none = 1\npathlib.Path(labs.__file__).parts[-3].startswith('project')"
    )
    cells = [
        _cell(1, import_labs, "True"),
        _cell(2, "one + 1", shown),
        _cell(
            3, "'http_proxy' in os.environ, 'matplotlib_inline' in os.environ['MPLBACKEND']", "(False, True)"
        ),
        _cell(4, "'no such program'", "'skipped'", tags=["needs-curl"]),
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), file)


def _cell(number: int, source: str, shown: str, **metadata: object) -> nbformat.NotebookNode:
    output = new_output("execute_result", {"text/plain": shown}, execution_count=number)
    cell: nbformat.NotebookNode = new_code_cell(
        source, execution_count=number, outputs=[output], metadata=metadata, id=f"cell-{number}"
    )
    return cell


def run_pytest(project: Path, *words: str) -> tuple[int, str]:
    """Run pytest in the small project, with a proxy set and no program on the PATH."""
    environ = os.environ | {"PATH": str(project), "http_proxy": "http://proxy.invalid", "MPLBACKEND": "agg"}
    line = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    done = subprocess.run(
        line, cwd=project, env=environ, capture_output=True, encoding="utf-8", check=False, timeout=100
    )
    return done.returncode, done.stdout + done.stderr


def test_notebooks_run_clean_and_skips_say_why(project: Path) -> None:
    status, told = run_pytest(project)
    assert status == 0 and "6 passed, 2 skipped" in told, told
    assert "curl is not installed: see python -m labs doctor" in told


def test_another_output_is_a_failure(project: Path) -> None:
    status, told = run_pytest(project, "bad")
    assert status == 1 and "1 failed, 2 passed, 1 skipped" in told, told


@pytest.mark.parametrize("words", [("notebooks/good.ipynb::Cell 1",), ("-k", "Cell and 2")])
def test_a_part_of_a_notebook_is_refused(project: Path, words: tuple[str, ...]) -> None:
    status, told = run_pytest(project, *words)
    assert status == pytest.ExitCode.USAGE_ERROR, told
    assert "1 cells of good.ipynb were chosen, but a notebook runs whole or not at all" in told
