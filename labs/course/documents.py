"""What is derived in the documents: the lessons in README.md, the packages in CONTRIBUTING.md."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from labs.course import lesson, questions, syllabus, verdicts
from labs.host.paths import LABS, ROOT

__all__ = ["MARKS", "findings", "fresh", "packages", "write"]

MARKS = {"README.md": syllabus.MARK, "CONTRIBUTING.md": "<!-- packages -->"}  # two lines of each
WHOLE = {"VERDICTS.md": verdicts.page, "QUESTIONS.md": questions.page}  # derived as a whole


def packages(folder: Path = LABS) -> str:
    """List the packages in a folder, each with its modules and with what its docstring says it may touch."""
    lines = []
    for init in sorted(folder.rglob("__init__.py")):
        place = init.parent.relative_to(folder.parent)
        if init.parent == folder:
            continue
        said = ast.get_docstring(ast.parse(init.read_text("utf-8"))) or ""
        words = " ".join(" ".join(_paragraphs(said)).split())
        names = sorted({re.sub(r"\d+$", "NN", it.stem) for it in init.parent.glob("*.py")} - {"__init__"})
        modules = ", ".join(f"`{name}`" for name in names)
        indent = "  " * (len(place.parts) - 2)
        lines.append(f"{indent}* **{place.as_posix()}** ({modules}): {words}")
    return "\n".join(lines)


def _paragraphs(said: str) -> Iterator[str]:
    """Go through the first two paragraphs, up to one that is code."""
    for paragraph in said.split("\n\n")[:2]:
        if paragraph.startswith(" "):
            return
        yield paragraph


def fresh(root: Path = ROOT) -> Mapping[Path, str]:
    """Return each document as its sources yield it. Raises LessonError for a document without its marks."""
    table = syllabus.table(map(syllabus.entry, lesson.sources(root / "notebooks")))
    drawn = {"README.md": table, "CONTRIBUTING.md": packages(root / "labs")}
    documents = {
        root / name: syllabus.refresh((root / name).read_text("utf-8"), drawn[name], MARKS[name], name)
        for name in MARKS
    }
    for name, page in WHOLE.items():
        if (root / name).exists():  # a made-up course has no posts, and nobody asks about it
            documents[root / name] = page(root / "notebooks")
    return documents


def write(root: Path = ROOT) -> list[Path]:
    """Write the documents that are stale, and return them."""
    stale = {file: text for file, text in fresh(root).items() if file.read_text("utf-8") != text}
    for file, text in stale.items():
        file.write_text(text, "utf-8", newline="\n")
    return list(stale)


def findings(root: Path = ROOT) -> list[str]:
    """Find the documents that are not what their sources yield."""
    try:
        stale = [file.name for file, text in fresh(root).items() if file.read_text("utf-8") != text]
    except lesson.LessonError as error:  # of a lesson: the course check says it, too
        return [str(error)]
    return [f"{name} is not what its sources yield: run `python -m labs list --write`." for name in stale]
