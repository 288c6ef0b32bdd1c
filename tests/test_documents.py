"""The documents and the set-up: what they promise exists, and what is derived is fresh."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labs import __main__, paths
from labs.course import build, lesson, syllabus

ROOT = paths.ROOT
DOCUMENTS = ("README.md", "CONTRIBUTING.md")
MAKE = shutil.which("make")


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def targets() -> set[str]:
    """Read the targets of the Makefile that are commands."""
    return set(re.findall(r"^([a-z][a-z-]*):", text("Makefile"), re.MULTILINE))


def commands() -> set[str]:
    """Read the commands of `python -m labs` from its help."""
    return set(re.findall(r"^    ([a-z]+)", __main__.parser().format_help(), re.MULTILINE))


def test_the_table_of_lessons_in_the_readme_is_fresh() -> None:
    fresh = syllabus.refresh(text("README.md"), syllabus.table(map(syllabus.entry, lesson.sources())))
    assert text("README.md") == fresh, "run `make lessons`"


def test_the_picture_in_the_readme_is_the_one_of_the_lesson() -> None:
    for name, stem in build.PICTURES.items():
        assert f"(docs/{name})" in text("README.md")
        figure = build.first_figure(build.stored(paths.NOTEBOOKS / f"{stem}.ipynb"))
        assert (ROOT / "docs" / name).read_bytes() == figure, "run `make lessons`"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_that_is_named_exists(name: str) -> None:
    assert set(re.findall(r"`make ([a-z-]+)", text(name))) <= targets()
    assert set(re.findall(r"python -m labs ([a-z]+)", text(name))) <= commands()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_to_a_file_leads_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)|(?:src|href)=\"([^\"#]+)", text(name))
    local = {link for pair in links for link in pair if link and "://" not in link}
    assert {link for link in local if not (ROOT / link).exists()} == set()


def test_ci_runs_only_what_the_readme_names() -> None:
    ran = re.findall(r"^make ([a-z-]+)$", text(".ci/run"), re.MULTILINE)
    assert "test" in ran and set(ran) <= targets()
    assert all(f"make {target}" in text("README.md") for target in ran)
    assert not re.search(r"\b(pip|apt|uv|curl|wget)\b", text(".ci/run")), "CI installs nothing by hand"


def test_requirements_name_no_index_and_no_host() -> None:
    assert not re.search(r"://|index-url|find-links|trusted-host", text("requirements.txt"))


def test_every_requirement_is_pinned_by_hash_and_says_what_it_is_for() -> None:
    pinned = re.split(r"^(?=[\w.-]+==)", text("requirements.txt"), flags=re.MULTILINE)[1:]
    assert pinned and all("--hash=sha256:" in one for one in pinned)
    names = {one.split("==")[0].lower() for one in pinned}
    asked = [line for line in text("requirements.in").splitlines() if line and not line.startswith("#")]
    assert asked and all("#" in line and line.split()[0].lower() in names for line in asked)


def test_every_command_of_the_makefile_says_what_it_does() -> None:
    assert targets() == set(re.findall(r"^([a-z-]+):.*## \w", text("Makefile"), re.MULTILINE))


@pytest.mark.skipif(not MAKE, reason="make is not installed: see python -m labs doctor")
@pytest.mark.parametrize(
    ("python", "told"),
    [
        ("no-such-python", "There is no no-such-python here"),
        ("import sys; sys.version_info = (3, 9)", "is older than 3.11: install a newer Python"),
        ("import sys; sys.modules['ensurepip'] = None", "has no venv module"),
    ],
)
def test_set_up_says_what_python_it_lacks(tmp_path: Path, python: str, told: str) -> None:
    assert MAKE
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").touch()
    if "import" in python:  # a python3 that pretends
        pretend = tmp_path / "pretend.py"
        pretend.write_text(f"{python}\nexec(sys.argv[2])\n", "utf-8")
        program = tmp_path / "python9"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{pretend}" "$@"\n', "utf-8")
        program.chmod(0o755)
        python = str(program)
    line = [MAKE, "test", f"PYTHON={python}"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode != 0 and told in done.stdout
    assert not (tmp_path / ".venv").exists()


def test_make_without_a_target_lists_the_commands() -> None:
    if not MAKE:
        pytest.skip("make is not installed: see python -m labs doctor")
    done = subprocess.run([MAKE], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert {f"make {target}" for target in targets()} <= {
        row.split(" : ")[0].strip() for row in done.stdout.splitlines()
    }
