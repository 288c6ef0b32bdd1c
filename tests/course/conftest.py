"""A made-up course for the tests of the machinery: its source alone, and built."""

import shutil
from pathlib import Path

import pytest

from labs import paths
from tests.course.support import NAME, SOURCE, rebuild


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Write the made-up lesson into a course of its own."""
    file = tmp_path / "notebooks" / "source" / f"{NAME}.py"
    file.parent.mkdir(parents=True)
    file.write_text(SOURCE, "utf-8")
    return file


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the made-up course once: two kernels."""
    folder = tmp_path_factory.mktemp("course") / "notebooks"
    (folder / "source").mkdir(parents=True)
    (folder / "source" / f"{NAME}.py").write_text(SOURCE, "utf-8")
    (folder.parent / "labs").mkdir()
    (folder.parent / "labs" / "claims.toml").write_text("", "utf-8")
    done = rebuild(folder)
    assert done == [f"wrote {NAME}.ipynb", f"wrote {Path('solutions') / NAME}.ipynb"]
    return folder


@pytest.fixture
def notebooks(built: Path, tmp_path: Path) -> Path:
    """Copy the built course, so that a test may spoil it."""
    return Path(shutil.copytree(built, tmp_path / "notebooks"))


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what one lesson needs of this project; the only other lesson there is red in every way."""
    root = tmp_path_factory.mktemp("project")
    ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for folder in ("labs", "tests/course", "tests/exercises", "results"):
        shutil.copytree(paths.ROOT / folder, root / folder, ignore=ignore)
    for file in (
        "conftest.py",
        "pyproject.toml",
        "requirements.txt",
        "tests/__init__.py",
        "tests/support.py",
    ):
        shutil.copy(paths.ROOT / file, root / file)
    (root / "notebooks" / "source").mkdir(parents=True)
    (root / "notebooks" / "source" / "16_red_in_every_way.py").write_text("# %%\n1 +\n", "utf-8")
    return root
