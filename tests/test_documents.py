"""The documents and the set-up: what they promise exists, and what is derived is fresh."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from aiohttp import web

from labs import __main__
from labs.course import build, check, doctor, documents, lesson, skeleton
from labs.exercises import registry
from labs.host import paths
from labs.trial import claims

ROOT = paths.ROOT
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGES.md", "QUESTIONS.md", "VERDICTS.md")
MAKE = shutil.which("make")


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def targets() -> set[str]:
    """Read the targets of the Makefile that are commands."""
    return set(re.findall(r"^([a-z][a-z-]*):", text("Makefile"), re.MULTILINE))


def commands() -> set[str]:
    """Read the commands of `python -m labs` from its help."""
    return set(re.findall(r"^    ([a-z]+)", __main__.parser().format_help(), re.MULTILINE))


@pytest.mark.parametrize("file", documents.fresh(), ids=lambda file: file.name)
def test_what_is_derived_in_a_document_is_fresh(file: Path) -> None:
    assert file.read_text("utf-8") == documents.fresh()[file], "run `make lessons`"


def blocks(kind: str) -> list[str]:
    """Return the code of one kind that CONTRIBUTING.md shows, block by block."""
    return re.findall(rf"^```{kind}\n(.*?)^```", text("CONTRIBUTING.md"), re.MULTILINE | re.DOTALL)


def test_the_claim_that_is_shown_is_the_one_of_the_ledger(tmp_path: Path) -> None:
    (shown,) = blocks("toml")
    file = tmp_path / "claims.toml"
    file.write_text(shown, "utf-8")
    ((id, claim),) = claims.ledger(file).items()
    assert claim == claims.ledger()[id]
    reading = next(block for block in blocks("python") if block.startswith("check("))
    (call,) = ast.parse(reading).body
    assert isinstance(call, ast.Expr) and f'"{id}": {{' in reading
    told = ast.unparse(ast.parse((paths.NOTEBOOKS / "source" / f"{claim.lesson}.py").read_text("utf-8")))
    inner = ast.unparse(call).partition("check(found, {")[2].removesuffix("})")
    assert inner in told, f"lesson {claim.lesson} reads it in another way"


async def test_the_exercise_that_is_shown_does_what_is_said_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.registered()  # the course's own are not this test's
    monkeypatch.setattr(registry, "_REGISTRY", {})
    cell, module = (block for block in blocks("python") if not block.startswith("check("))
    exec(compile(module, "lesson_17.py", "exec", dont_inherit=True), {})
    (task,) = registry.registered().values()
    source = tmp_path / f"{task.lesson}.py"
    source.write_text(f"# %% [markdown]\n# # 17 · Gone?\n\n{cell}", "utf-8")
    replies = []
    answers = [lesson.cut(source, solved=solved).cells[1].source for solved in (False, True)]
    assert len(task.wrong) > 2
    for answer in [*answers, *task.wrong]:
        names = {"web": web}
        exec(answer, names)
        replies.append(await registry.attempt(task.name, list(names.values())[-1]))
    assert [it.state for it in replies[:2]] == ["not tried yet", "yes"]
    assert {it.state for it in replies[2:]} == {"not yet"}
    assert all(words in it.words for it, words in zip(replies[2:], task.wrong.values(), strict=True))
    assert f'await attempt("{task.name}", ' in cell and f'exercise="{task.name}"' in cell


def test_the_numbers_of_cells_and_lines_are_those_of_the_check() -> None:
    assert f"At most {check.CELLS} cells, each code cell at most {check.LINES} lines." in text(
        "CONTRIBUTING.md"
    )


def test_results_are_asked_of_the_pinned_release_only() -> None:
    asked = re.findall(r"labs versions (\S+) --lesson", text("CONTRIBUTING.md"))
    assert asked and set(asked) == {dict(doctor.pins(text("requirements.txt")))["aiohttp"]}


def test_the_files_of_a_new_lesson_are_the_ones_that_are_named(tmp_path: Path) -> None:
    command = re.search(r"labs new (\d\d) \"(.+)\" --name (\w+)$", text("CONTRIBUTING.md"), re.MULTILINE)
    assert command
    for folder in ("notebooks/source", "labs/exercises", "labs/trial"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "labs" / "trial" / "claims.toml").touch()
    written = skeleton.write(command[1], command[2], name=command[3], root=tmp_path)
    assert all(f"`{file.relative_to(tmp_path).as_posix()}`" in text("CONTRIBUTING.md") for file in written)


def test_the_picture_in_the_readme_is_the_one_of_the_lesson() -> None:
    for name, stem in build.PICTURES.items():
        assert f"(docs/{name})" in text("README.md")
        figure = build.first_figure(build.stored(paths.NOTEBOOKS / f"{stem}.ipynb"))
        assert (ROOT / "docs" / name).read_bytes() == figure, "run `make lessons`"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_that_is_named_exists(name: str) -> None:
    assert set(re.findall(r"`make ([a-z-]+)", text(name))) <= targets()
    assert set(re.findall(r"python -m labs ([a-z]+)", text(name))) <= commands()


def test_the_claims_and_lessons_that_changed_are_there() -> None:
    assert set(re.findall(r"\[([CL]\d+[a-z]?)\]", text("CHANGES.md"))) <= set(claims.ledger())
    numbers = set(re.findall(r"\*\*(\d\d)\*\*", text("CHANGES.md")))
    assert numbers and numbers <= {source.stem[:2] for source in lesson.sources()}


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


def ways() -> dict[str, list[str]]:
    """Read the ways through the lessons that the README offers: their numbers in order."""
    lines = re.findall(r"^\* \*\*(You .+?):\*\* (.+(?:\n  .+)*)", text("README.md"), re.MULTILINE)
    return {who: re.findall(r"\[(\d\d)\]\(notebooks/\1_", found) for who, found in lines}


@pytest.mark.parametrize("who", ways())
def test_a_way_through_the_lessons_keeps_to_what_each_needs(who: str) -> None:
    gone: list[str] = []
    for number in ways()[who]:
        (source,) = (it for it in lesson.sources(paths.NOTEBOOKS) if it.stem.startswith(number))
        (said,) = re.findall(r"\*\*You need\*\* (.+?)(?:;|\n#\n)", source.read_text("utf-8"), re.DOTALL)
        needed = set(re.findall(r"\b\d\d\b", said))
        for first, last in re.findall(r"(\d\d) to (\d\d)", said):
            needed |= {f"{it:02}" for it in range(int(first), int(last))}
        assert needed <= set(gone), f"{number} needs {sorted(needed - set(gone))} before it"
        gone.append(number)


def test_there_are_ways_for_clients_servers_and_proxies() -> None:
    assert len(ways()) == 3 and all(len(way) > 5 for way in ways().values())


def test_the_lanes_of_the_surprises_are_those_of_the_lessons_named_above_them() -> None:
    part = text("README.md").partition("## Three surprises\n")[2].partition("\n## ")[0]
    shown = re.findall(r"\(notebooks/(\w+)\.ipynb\)\):\n\n```\n(.*?)\n```", part, re.DOTALL)
    assert len(shown) == part.count("**") / 2 == 3
    for stem, lanes in shown:
        cells = [it for it in build.stored(paths.NOTEBOOKS / f"{stem}.ipynb").cells if it.cell_type == "code"]
        texts = [out.get("data", {}).get("text/plain", "") for cell in cells for out in cell.outputs]
        assert any(f"{it}\n".endswith(f"{lanes}\n") for it in texts), f"{stem} does not show these lanes"


def test_the_posts_are_named_as_the_ledger_of_posts_has_them() -> None:
    book = tomllib.loads((paths.LABS / "trial" / "posts.toml").read_text("utf-8"))
    for post in book["post"].values():
        assert f"* *{post['title']}*, {post['date']}" in text("README.md")
