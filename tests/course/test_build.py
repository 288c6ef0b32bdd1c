"""The machinery of the course, on a made-up lesson: read, cut, run, build, check, repeat."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from labs import paths
from labs.course import build, check, kernel, launcher, lesson, syllabus

NAME = "01_count_to_two"
SOURCE = """\
# %% [markdown]
# # 01 · Does one come before two?

# %% [markdown]
# *Minutes*: 5, exercises 3

# %%
import os

import labs

TRIED = []


def check(found, readings):
    return sorted(readings)


async def attempt(name, answer):
    return f"{name}: {'not tried yet' if answer(0) is ... else answer(0)}"


class guard:
    async def clean():
        return None


# %%
async def count():
    return [1, 2]


found = await count()
print("counted in", os.path.basename(os.getcwd()))
found

# %%
check(found, {"C01": {}})

# %% [markdown]
# One comes first [C01]. See [C99](elsewhere).

# %% exercise="add-one"
def more(number):
    ...  # TODO: return one more
    # solution
    return number + 1
    # end


# %%
await attempt("add-one", lambda n: ... if more(n) is None else more(n))

# %%
await guard.clean()
"""
LEDGER = {"C01": SimpleNamespace(lesson=NAME)}
EXERCISES = [SimpleNamespace(name="add-one", lesson=NAME, stars=1, minutes=3, hint="What is 0 + 1?")]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Write the made-up lesson into a course of its own."""
    file = tmp_path / "notebooks" / "source" / f"{NAME}.py"
    file.parent.mkdir(parents=True)
    file.write_text(SOURCE, "utf-8")
    return file


def rebuild(notebooks: Path, *, everything: bool = False) -> list[str]:
    """Build a made-up course beside its made-up package."""
    beside = notebooks.parent
    package, memory = beside / "labs", beside / "memory.json"
    return build.build(notebooks, memory=memory, package=package, everything=everything)


@pytest.fixture(scope="module")
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


def change(notebooks: Path, old: str, new: str) -> None:
    """Edit the source of the made-up lesson."""
    file = notebooks / "source" / f"{NAME}.py"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def findings(notebooks: Path, ledger=LEDGER, exercises=EXERCISES) -> str:
    return "\n".join(check.check(ledger, exercises, notebooks))


# --- reading and cutting


def test_a_lesson_is_cut_open_and_its_solution_is_whole(source: Path) -> None:
    opened, solved = (lesson.cut(source, solved=answer).cells[6] for answer in (False, True))
    assert opened.source == "def more(number):\n    ...  # TODO: return one more"
    assert solved.source == "def more(number):\n    return number + 1"
    assert opened.metadata == solved.metadata == {"exercise": "add-one"}


def test_cutting_twice_gives_the_same_text_with_ids_by_position(source: Path) -> None:
    once, twice = (lesson.dumps(lesson.cut(source, solved=True)) for _ in range(2))
    assert once == twice
    ids = [cell.id for cell in nbformat.reads(once, as_version=4).cells]
    assert ids == [f"cell-{number:02}" for number in range(1, 10)]


def test_tags_are_kept_and_nothing_else(source: Path) -> None:
    change(source.parent.parent, "# %%\ncheck(", '# %% a title tags=["needs-curl"] colour="red"\ncheck(')
    assert lesson.cut(source, solved=True).cells[4].metadata == {"tags": ["needs-curl"]}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    # end\n", "", "without its `# end`"),
        ("    # solution\n", "", "out of turn"),
        ("    # end\n", "    # end\n    # end\n", "out of turn"),
        (' exercise="add-one"', "", 'write exercise="its-name"'),
        ("  # TODO: return one more", "", "needs a `...  # TODO"),
        ("    # solution\n    return number + 1\n    # end\n", "", "and a solution"),
        ("# %% [markdown]\n# One", "# %% [raw]\n# One", "no other kind"),
    ],
)
def test_a_wrong_marker_is_told_with_its_lesson(source: Path, old: str, new: str, words: str) -> None:
    change(source.parent.parent, old, new)
    with pytest.raises(lesson.LessonError, match=NAME) as told:
        lesson.cut(source, solved=True)
    assert words in str(told.value)


def test_a_source_that_is_not_text_is_told(source: Path) -> None:
    source.write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(lesson.LessonError, match=f"{NAME} cannot be read"):
        lesson.read(source)


def test_find_wants_exactly_one_lesson(source: Path) -> None:
    notebooks = source.parent.parent
    assert lesson.find("01", notebooks) == source
    with pytest.raises(lesson.LessonError, match="no lessons start with '7': choose one of 01_count_to_two"):
        lesson.find("7", notebooks)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("# One comes first", "# One is the first", True),
        ("    return number + 1\n", "    return 1 + number\n", True),
        ("    return [1, 2]\n", "    return [1, 3]\n", False),
        ('"C01": {}', '"C01": {1: 1}', False),
        (
            "    return [1, 2]\n",
            "    from labs.town import (\n        Town,\n    )\n    return [1, 2]\n",
            True,
        ),
        ("    return [1, 2]\n", "    from labsmate import Town\n    return [1, 2]\n", False),
    ],
)
def test_a_digest_stands_for_what_is_run(source: Path, old: str, new: str, same: bool) -> None:
    before = lesson.digest(source)
    change(source.parent.parent, old, new)
    assert (lesson.digest(source) == before) is same


# --- running without a kernel


def test_run_returns_names_and_values(source: Path) -> None:
    done = lesson.run(source)
    assert done.values == (None, [1, 2], ["C01"], None, "add-one: 1", None)
    assert done.namespace["found"] == [1, 2]


def test_run_unsolved_says_not_tried_yet(source: Path) -> None:
    assert lesson.run(source, solved=False).values[4] == "add-one: not tried yet"


def test_swap_changes_the_cells_of_one_run_only(source: Path) -> None:
    assert lesson.run(source, swap={"return [1, 2]": "return [1, 1]"}).values[1] == [1, 1]
    assert lesson.run(source).values[1] == [1, 2]
    with pytest.raises(lesson.LessonError, match="nothing could be swapped"):
        lesson.run(source, swap={"return [1, 3]": ""})


def test_a_failing_cell_is_named_and_its_cause_kept(source: Path) -> None:
    with pytest.raises(lesson.LessonError, match=f"{NAME}, code cell 3 raised KeyError: 'no'") as told:
        lesson.run(source, swap={'check(found, {"C01": {}})': "await count()\n{}['no']"})
    assert isinstance(told.value.__cause__, KeyError)


def test_a_cell_that_is_not_python_is_named(source: Path) -> None:
    with pytest.raises(lesson.LessonError, match=f"{NAME}, code cell 2 raised SyntaxError"):
        lesson.run(source, swap={"found = await count()": "found = await"})


def test_a_stuck_cell_ends(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson, "SECONDS", 0.01)
    with pytest.raises(lesson.LessonError, match="code cell 2 raised TimeoutError"):
        lesson.run(source, swap={"await count()": "await __import__('asyncio').Event().wait()"})


def test_a_cell_that_needs_a_missing_program_is_passed_over(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(source.parent.parent, "# %%\ncheck(", '# %% tags=["needs-curl"]\ncheck(')
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert lesson.run(source).values[2] is None
    with pytest.raises(lesson.LessonError, match=f"{NAME}, code cell 3 needs curl"):
        kernel.execute(lesson.cut(source, solved=True), source.parent, NAME)


# --- kernels and building


def test_the_environment_of_a_kernel_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    environ = kernel.environment()
    assert "http_proxy" not in environ and "MPLBACKEND" not in environ
    assert environ["PYTHONPATH"].startswith(str(paths.ROOT)) and environ["PYTHONPATH"].endswith("elsewhere")


def test_a_built_notebook_is_executed_minimal_and_finds_labs(built: Path) -> None:
    solved = build.stored(built / "solutions" / f"{NAME}.ipynb")
    code = [cell for cell in solved.cells if cell.cell_type == "code"]
    assert code[1].outputs[0].text == "counted in solutions\n"
    assert code[4].outputs[0].data["text/plain"] == "'add-one: 1'"
    assert solved.metadata.language_info == {"name": "python"}
    assert all(not set(cell.metadata) - {"exercise"} for cell in solved.cells)
    opened = build.stored(built / f"{NAME}.ipynb")
    assert opened.cells[7].outputs[0].data["text/plain"] == "'add-one: not tried yet'"


def test_building_again_does_nothing(built: Path) -> None:
    assert rebuild(built) == []


def test_a_changed_file_of_the_package_executes_all_again_and_writes_nothing(built: Path) -> None:
    (built.parent / "labs" / "claims.toml").write_text("# changed", "utf-8")
    assert [line.split(": ")[1] for line in rebuild(built)] == ["as stored", "as stored"]


def test_a_new_clone_executes_and_a_spoilt_notebook_is_written(notebooks: Path) -> None:
    spoilt = notebooks / "solutions" / f"{NAME}.ipynb"
    before = spoilt.read_bytes()
    spoilt.write_text("{}", "utf-8")
    done = rebuild(notebooks)
    assert done == [f"ran {NAME}.ipynb: as stored", f"wrote {Path('solutions') / NAME}.ipynb"]
    assert spoilt.read_bytes() == before, "the same source must give the same file"


def test_a_picture_is_written_only_when_everything_is(
    notebooks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(notebook: nbformat.NotebookNode, folder: Path, name: str) -> nbformat.NotebookNode:
        data = {"image/png": drawn, "text/plain": "<Figure>"}
        notebook.cells[3].outputs = [nbformat.v4.new_output("display_data", data)]
        return notebook

    monkeypatch.setattr(build, "execute", draw)
    drawn = "AAAA"
    assert [line.split()[0] for line in rebuild(notebooks)] == ["wrote", "wrote"]
    drawn = "BBBB"
    (notebooks.parent / "labs").mkdir()
    (notebooks.parent / "labs" / "draw.py").write_text("", "utf-8")
    assert [line.split()[0] for line in rebuild(notebooks)] == ["ran", "ran"]
    assert [line.split()[0] for line in rebuild(notebooks, everything=True)] == ["wrote", "wrote"]
    assert [line.split()[0] for line in rebuild(notebooks, everything=True)] == ["ran", "ran"]


def test_a_failed_build_names_the_cell_and_leaves_what_was_there(notebooks: Path) -> None:
    before = (notebooks / f"{NAME}.ipynb").read_bytes()
    change(notebooks, "    return [1, 2]", "    raise OSError('planted')")
    with pytest.raises(lesson.LessonError, match=f"{NAME}, code cell 2 stopped"):
        rebuild(notebooks)
    assert (notebooks / f"{NAME}.ipynb").read_bytes() == before
    assert not list(notebooks.rglob("*.draft"))


def test_pictures_and_tagged_outputs_are_not_compared_and_text_is(notebooks: Path) -> None:
    first, second = (build.stored(notebooks / f"{NAME}.ipynb") for _ in range(2))
    for notebook, picture in ((first, "AAAA"), (second, "BBBB")):
        data = {"image/png": picture, "text/plain": "<Figure>"}
        notebook.cells[3].outputs = [nbformat.v4.new_output("display_data", data)]
    assert build.comparable(first) == build.comparable(second)
    second.cells[3].outputs[0].data["text/plain"] = "<Other>"
    assert build.comparable(first) != build.comparable(second)
    for notebook in (first, second):
        notebook.cells[3].metadata["tags"] = ["nbval-ignore-output"]
    assert build.comparable(first) == build.comparable(second)


def test_repeat_finds_a_changed_output(notebooks: Path) -> None:
    same, summary = build.repeat(notebooks, times=1, busy=True)
    assert same and summary.startswith("2 runs (1 of each notebook), every core busy: no notebooks differ")
    file = notebooks / f"{NAME}.ipynb"
    file.write_text(file.read_text("utf-8").replace("counted in notebooks", "counted in vain"), "utf-8")
    same, summary = build.repeat(notebooks, times=1)
    assert not same and "1 notebooks differ" in summary and "counted in vain" in summary


def test_one_lesson_may_be_chosen(notebooks: Path) -> None:
    chosen = list(build.targets(notebooks, [NAME[:2]]))
    assert chosen == list(build.targets(notebooks)) and len(chosen) == 2
    with pytest.raises(lesson.LessonError, match="no lessons start with '77'"):
        list(build.targets(notebooks, ["77"]))


def test_repeat_of_nothing_is_no_success(tmp_path: Path) -> None:
    assert build.repeat(tmp_path, times=1)[0] is False


def test_burners_end(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    class Kept(subprocess.Popen):
        def __init__(self, *args, **kwargs) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Kept)
    with pytest.raises(ZeroDivisionError), build.burning():
        raise ZeroDivisionError
    assert started and all(one.returncode is not None for one in started)


# --- the course check


def test_a_good_course_has_no_findings(notebooks: Path) -> None:
    assert findings(notebooks) == ""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("two?", "two", "first line is `# A question?`"),
        ("print(", "print(0, ", "is not what its source yields"),
        ("await guard.clean()", "None", "must end in a code cell with `await guard.clean()`"),
        ("found\n", "found;\n", "ends in `;`"),
        ("found\n", "found\n" * 20, "has 26 lines: cut it down to 20"),
        ("found\n", "# !ls\nfound\n", "write '!ls' in Python"),
        ("found = await count()", "found = = 1", "code cell 2 is not Python"),
        ("# %%\nasync", '# %% tags=["skip"]\nasync', "has the tag 'skip'"),
        ("found\n", "# NBVAL_SKIP\nfound\n", "has an NBVAL comment"),
        ('"C01"', '"C02"', "checks C02, which is not in labs/trial/claims.toml"),
        ('"C01"', '"C02"', f"gives C01 to {NAME}: check it there"),
        ('{"C01": {}}', "dict(C01=1)", "pass a dict literal"),
        ("[C01]", "[C07b]", "mentions [C07b]"),
        ('exercise="add-one"', 'exercise="add-two"', "marks the exercise 'add-two': register it"),
        ('exercise="add-one"', 'exercise="add-two"', 'mark a cell there with exercise="add-one"'),
        ('await attempt("add-one"', 'await attempt("other"', 'await attempt("add-one", ...)'),
        ("exercises 3", "exercises 4", "must say `exercises 3`"),
        ("*Minutes*: 5, exercises 3", "Soon over", "must say in its second cell"),
        ("    # end\n", "", "without its `# end`"),
    ],
)
def test_a_fault_in_a_source_is_found(notebooks: Path, old: str, new: str, words: str) -> None:
    change(notebooks, old, new)
    assert words in findings(notebooks)


def test_a_second_ignored_output_is_found(notebooks: Path) -> None:
    for cell in ("async def", "check("):
        change(notebooks, f"# %%\n{cell}", f'# %% tags=["nbval-ignore-output"]\n{cell}')
    assert "ignores the output of 2 cells" in findings(notebooks)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"execution_count": 2', '"execution_count": 7', "was not executed from top to bottom"),
        ('"name": "stdout"', '"name": "stderr"', "stores what went to stderr"),
        ("counted in notebooks", "at 0x7f12ab34cd", "shows a memory address ('0x7f12ab34cd')"),
        ("counted in notebooks", "127.0.0.1:43121", "shows a port of one run"),
        ("counted in notebooks", "('127.0.0.1', 43121)", "shows a port of one run"),
        ("counted in notebooks", "took 12.3 ms", "shows a duration"),
        ("counted in notebooks", "Tue, 03 Nov 2026 10:00:00 GMT", "shows a date"),
        ("counted in notebooks", "/home/me/lab/file.py", "shows a path of this machine"),
        ("counted in notebooks", "C:\\\\\\\\Users", "shows a path of this machine"),
        ("counted in notebooks", "192.168.1.7", "shows an address of this machine"),
        ("Python 3", "Python 4", "is not what its source yields"),
        ('"nbformat": 4', '"nbformat": "x"', "is not a notebook"),
    ],
)
def test_a_fault_in_a_notebook_is_found(notebooks: Path, old: str, new: str, words: str) -> None:
    file = notebooks / f"{NAME}.ipynb"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")
    assert words in findings(notebooks)


def test_a_stored_error_is_found(notebooks: Path) -> None:
    file = notebooks / f"{NAME}.ipynb"
    notebook = build.stored(file)
    notebook.cells[3].outputs = [nbformat.v4.new_output("error", ename="OSError", evalue="", traceback=[])]
    file.write_text(lesson.dumps(notebook), "utf-8")
    assert "stores the error OSError" in findings(notebooks)


@pytest.mark.parametrize(
    "stable",
    [
        *(
            "GET http://localhost:9000/page HTTP/1.1",
            "origin.test:8080",
            "3.14.5",
            "203.0.113.5",
            "C03: 1 = 1",
        ),
        *("expires=Thu, 01 Jan 1970 00:00:00 GMT", "/page/home/x", "http://origin.test/tmp/x", "2 sides"),
    ],
)
def test_what_repeats_is_not_volatile(stable: str) -> None:
    assert check.volatile(stable) == []


def test_missing_and_orphaned_files_are_found(notebooks: Path) -> None:
    (notebooks / "solutions" / f"{NAME}.ipynb").rename(notebooks / "solutions" / "02_left_over.ipynb")
    (notebooks / "source" / "draft.py").write_text("", "utf-8")
    found = findings(notebooks)
    assert f"solutions/{NAME}.ipynb is missing" in found.replace("\\", "/")
    assert "02_left_over.ipynb has no source" in found
    assert "draft.py is not named NN_verb_phrase.py" in found


def test_exercises_need_names_hints_stars_and_minutes(notebooks: Path) -> None:
    poor = SimpleNamespace(name="Add One", lesson=NAME, stars=4, minutes=0, hint=" ")
    found = findings(notebooks, exercises=[*EXERCISES, *EXERCISES, poor])
    assert "'add-one' is used 2 times" in found
    assert "'Add One' must be words-with-hyphens" in found
    assert "'Add One' needs 1 to 3 stars, its minutes and a hint" in found


def test_an_empty_course_is_a_finding(tmp_path: Path) -> None:
    assert "holds no lesson" in findings(tmp_path)


# --- the table, the desk, the commands


def test_the_table_of_lessons(source: Path) -> None:
    row = f"| 01 | [Does one come before two?](notebooks/{NAME}.ipynb) | 5 + 3 | 1 |"
    assert syllabus.table([syllabus.entry(source)]).splitlines()[-1] == row


def test_the_table_goes_between_two_marks() -> None:
    document = f"before\n{syllabus.MARK}\nold\n{syllabus.MARK}\nafter\n"
    fresh = syllabus.refresh(document, "new")
    assert fresh == document.replace("old", "new") == syllabus.refresh(fresh, "new")
    with pytest.raises(lesson.LessonError, match="has 1 lines"):
        syllabus.refresh(syllabus.MARK, "new")


def test_link_writes_one_path_once(tmp_path: Path) -> None:
    launcher.link(tmp_path)
    launcher.link(tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.suffix == ".pth" and file.read_text("utf-8") == f"{paths.ROOT}\n"


@pytest.mark.parametrize(
    ("environ", "platform", "there"),
    [({}, "linux", False), ({"BROWSER": "firefox"}, "linux", True), ({"DISPLAY": ""}, "linux", False)],
)
def test_a_browser_needs_a_display(environ: dict[str, str], platform: str, there: bool) -> None:
    assert launcher.browser(environ, platform) is there
    assert ("--no-browser" in launcher.command(environ=environ, platform=platform)) is not there


@pytest.mark.skipif(not hasattr(launcher.os, "geteuid"), reason="root is a word of Linux and macOS")
@pytest.mark.parametrize(("user", "said"), [(0, True), (1000, False)])
def test_jupyterlab_is_told_when_root_starts_it(
    monkeypatch: pytest.MonkeyPatch, user: int, said: bool
) -> None:
    monkeypatch.setattr(launcher.os, "geteuid", lambda: user)
    assert ("--allow-root" in launcher.command()) is said
    assert launcher.command("--ip=::1")[-1] == "--ip=::1"


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["run", "77"], 1, "no lessons start with '77'"),
        (["build", "--al1"], 2, "unrecognized arguments: --al1"),
        (["nonsense"], 2, "invalid choice"),
    ],
)
def test_a_wrong_command_is_told_in_one_sentence(words: list[str], status: int, told: str) -> None:
    line = [sys.executable, "-m", "labs", *words]
    done = subprocess.run(line, cwd=paths.ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == status and told in done.stderr and "Traceback" not in done.stderr


def test_kernels_get_ports_that_the_system_never_hands_out() -> None:
    from jupyter_client.connect import LocalPortCache

    kernel.choose_ports()
    kernel.choose_ports()
    cache = LocalPortCache.instance()
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert server.getsockname()[1] >= kernel.PORTS[1]
    ports = [cache.find_available_port("127.0.0.1") for _ in range(200)]
    assert len(set(ports)) == 200 and all(kernel.PORTS[0] <= port < kernel.PORTS[1] for port in ports)
    for port in ports:
        cache.return_port(port)
