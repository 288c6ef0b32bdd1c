"""What is stale is built, and nothing else; a build that fails leaves what was there."""

from pathlib import Path

import nbformat
import pytest

from labs.course import build, lesson
from tests.course.support import NAME, change, rebuild


def test_a_built_notebook_is_executed_minimal_and_finds_labs(built: Path) -> None:
    solved = build.stored(built / "solutions" / f"{NAME}.ipynb")
    code = [cell for cell in solved.cells if cell.cell_type == "code"]
    assert code[1].outputs[0].text == "counted in solutions\n"
    assert code[4].outputs[0].data["text/plain"] == "'add-one: yes'"
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


def picture(alt: str) -> nbformat.NotebookNode:
    """Make the output of a figure."""
    data, about = {"image/png": "AAAA", "text/plain": alt}, {"image/png": {"width": 833, "alt": alt}}
    shown: nbformat.NotebookNode = nbformat.v4.new_output("display_data", data, metadata=about)
    return shown


def test_a_figure_is_described_where_myst_nb_looks(notebooks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(notebook: nbformat.NotebookNode, folder: Path, name: str) -> nbformat.NotebookNode:
        alone = nbformat.v4.new_output("display_data", {"image/png": "AAAA"})
        words = nbformat.v4.new_output("display_data", {"text/html": "<p>One comes first.</p>"})
        notebook.cells[2].outputs = [alone]
        notebook.cells[3].outputs = [picture("One comes first."), words]
        notebook.cells[4].outputs = [picture("One."), picture("Two.")]
        return notebook

    monkeypatch.setattr(build, "execute", draw)
    rebuild(notebooks)
    cells = build.stored(notebooks / f"{NAME}.ipynb").cells
    assert cells[3].metadata == {"mystnb": {"image": {"alt": "One comes first.", "width": "833px"}}}
    assert not cells[2].metadata and not cells[4].metadata, "one alt would be said of both"
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


def test_one_lesson_may_be_chosen(notebooks: Path) -> None:
    chosen = list(build.targets(notebooks, [NAME[:2]]))
    assert chosen == list(build.targets(notebooks)) and len(chosen) == 2
    with pytest.raises(lesson.LessonError, match="no lessons start with '77'"):
        list(build.targets(notebooks, ["77"]))
