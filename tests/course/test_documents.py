"""What is derived in the documents is written between its marks, and found where it is stale."""

from pathlib import Path

import pytest

from labs.course import documents
from labs.course.lesson import LessonError
from tests.course.support import NAME, SOURCE


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a project of one lesson and two packages, one in the other, with documents that are stale."""
    for name, text in {
        f"notebooks/source/{NAME}.py": SOURCE,
        "labs/__init__.py": '"""The face."""',
        "labs/town/__init__.py": '"""Servers by name.\n\nIt listens,\nnobody else does.\n\nThird.\n"""',
        "labs/town/tap.py": "",
        "labs/town/lesson_00.py": "",
        "labs/town/lesson_01.py": "",
        "labs/town/old/__init__.py": '"""What is old.\n\n    code\n\nMore.\n"""',
        "README.md": f"a\n{documents.MARKS['README.md']}\n{documents.MARKS['README.md']}\nb\n",
        "CONTRIBUTING.md": "c\n<!-- packages -->\nstale\n<!-- packages -->\nd\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_the_packages_are_told_by_their_docstrings(root: Path) -> None:
    assert documents.packages(root / "labs") == (
        "* **labs/town** (`lesson_NN`, `tap`): Servers by name. It listens, nobody else does.\n"
        "  * **labs/town/old** (): What is old."
    )


def test_stale_documents_are_found_and_written_once(root: Path) -> None:
    words = "is not what its sources yield: run `python -m labs list --write`."
    assert documents.findings(root) == [f"README.md {words}", f"CONTRIBUTING.md {words}"]
    assert documents.write(root) == [root / "README.md", root / "CONTRIBUTING.md"]
    assert documents.findings(root) == [] and documents.write(root) == []
    assert f"notebooks/{NAME}.ipynb" in (root / "README.md").read_text("utf-8")
    whole = (root / "CONTRIBUTING.md").read_text("utf-8")
    assert whole.startswith("c\n<!-- packages -->\n* **labs/town**") and whole.endswith("-->\nd\n")
    (root / "labs" / "town" / "gates.py").touch()
    assert documents.findings(root) == [f"CONTRIBUTING.md {words}"]


def test_a_document_without_its_marks_is_told_and_none_is_written(root: Path) -> None:
    (root / "CONTRIBUTING.md").write_text("nothing\n", "utf-8")
    before = (root / "README.md").read_bytes()
    told = "CONTRIBUTING.md has 0 lines <!-- packages -->: write two, a list goes between them."
    assert documents.findings(root) == [told]
    with pytest.raises(LessonError, match="CONTRIBUTING.md has 0 lines"):
        documents.write(root)
    assert (root / "README.md").read_bytes() == before
