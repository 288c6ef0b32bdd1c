"""Build the lessons and solutions that are stale, and the pictures of the documents."""

import base64
import copy
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.reader import NotJSONError

from labs.course.kernel import execute
from labs.course.lesson import LessonError, cut, dumps, find, sources
from labs.host.paths import BUILD, DOCS, LABS, NOTEBOOKS

PICTURES = {"redirect_or_proxy.png": "01_who_makes_the_second_request"}  # in docs/: the lesson it is from


def targets(notebooks: Path = NOTEBOOKS, only: Sequence[str] = ()) -> Iterator[tuple[Path, bool, Path]]:
    """Go through what is derived: (source, solved, notebook) for each lesson and each solution.

    `only` holds numbers of lessons, or how their names begin; empty means all. Raises LessonError.
    """
    for source in [find(word, notebooks) for word in only] or sources(notebooks):
        yield source, False, notebooks / f"{source.stem}.ipynb"
        yield source, True, notebooks / "solutions" / f"{source.stem}.ipynb"


def build(
    notebooks: Path = NOTEBOOKS,
    *,
    only: Sequence[str] = (),
    everything: bool = False,
    memory: Path = BUILD / "lessons.json",
    package: Path = LABS,
) -> list[str]:
    """Build the lessons and solutions that are stale, and return what was done, one line each.

    Stale: the source, a file of the package, requirements.txt beside it or the notebook itself is not what
    the last build saw. That is kept by content in `memory`, not in git, so a new clone executes all once. A
    notebook is written only if it differs in more than pictures: other machines draw the same figure with
    other bytes. `everything` builds all and writes pictures too, for a change in how figures are drawn.
    `only` is as in `targets`. Raises LessonError; what was built before stays, nothing is half written.
    """
    seen = _remembered(memory)
    base = _digest(
        *sorted(file for file in package.rglob("*") if file.suffix in (".py", ".toml")),
        package.parent / "requirements.txt",
    )
    done = []
    for source, solved, target in targets(notebooks, only):
        key = str(target.resolve())
        if not everything and seen.get(key) == _digest(source, target) + base:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        made = describe(execute(cut(source, solved=solved), target.parent, source.stem))
        same = kept(target) == comparable(made)
        if not same or (everything and target.read_text("utf-8") != dumps(made)):
            draft = target.with_suffix(".draft")
            draft.write_text(dumps(made), "utf-8", newline="\n")
            os.replace(draft, target)
            done.append(f"wrote {target.relative_to(notebooks)}")
        else:
            done.append(f"ran {target.relative_to(notebooks)}: as stored")
        seen[key] = _digest(source, target) + base
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps(seen, indent=1), "utf-8")
    return done


def describe(notebook: NotebookNode) -> NotebookNode:
    """Put the words and the width of a figure where myst-nb looks for them, and return the same notebook.

    It reads no alt from the metadata of an output, and what it reads from a cell is said of each picture of
    that cell (myst-nb 1.4.0, core/render.py): so a cell of two gets none, and the words below each must do.
    """
    for cell in notebook.cells:
        pictures = [it for it in cell.get("outputs", []) if "image/png" in it.get("data", {})]
        shown = [it.get("metadata", {}).get("image/png", {}) for it in pictures]
        if len(shown) == 1 and "alt" in shown[0]:
            image = {"alt": shown[0]["alt"], "width": f"{shown[0]['width']}px"}
            cell.metadata["mystnb"] = {"image": image}
    return notebook


def illustrate(notebooks: Path = NOTEBOOKS, docs: Path = DOCS) -> list[Path]:
    """Write the pictures of the documents, each the first figure of a lesson; return what was written."""
    written = []
    for name, stem in PICTURES.items():
        picture = first_figure(stored(notebooks / f"{stem}.ipynb"))
        file = docs / name
        if not file.exists() or file.read_bytes() != picture:
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(picture)
            written.append(file)
    return written


def first_figure(notebook: NotebookNode) -> bytes:
    """Return the first PNG that a notebook stores; raise LessonError if there is none."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                return base64.b64decode(output["data"]["image/png"])
    raise LessonError(
        "A picture of the documents comes from a lesson that stores no figure: run `make lessons`."
    )


def _remembered(memory: Path) -> dict[str, str]:
    try:
        seen = json.loads(memory.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return seen if isinstance(seen, dict) else {}


def _digest(*files: Path) -> str:
    whole = hashlib.sha256()
    for file in files:
        whole.update(hashlib.sha256(file.read_bytes() if file.exists() else b"missing").digest())
    return whole.hexdigest()


def stored(notebook: Path) -> NotebookNode:
    """Read a notebook from its file; raise LessonError if there is none or it is spoilt."""
    try:
        found: NotebookNode = nbformat.read(notebook, as_version=4)
        list(found.cells)
    except OSError as error:
        raise LessonError(f"{notebook.name} is missing: run `make lessons`.") from error
    except (ValueError, KeyError, AttributeError, TypeError, nbformat.ValidationError, NotJSONError) as error:
        raise LessonError(f"{notebook.name} is not a notebook: run `make lessons`.") from error
    return found


def kept(notebook: Path) -> str:
    """Write a stored notebook as `comparable` does, "" where there is none or it is spoilt."""
    try:
        return comparable(stored(notebook))
    except LessonError:
        return ""  # whatever is built now is different


def comparable(notebook: NotebookNode) -> str:
    """Write a notebook as text without what may differ: pictures, and the outputs of cells tagged so."""
    plain = copy.deepcopy(notebook)
    for cell in plain.cells:
        if cell.cell_type != "code":
            continue
        if "nbval-ignore-output" in cell.metadata.get("tags", []):
            cell.outputs = []
        for output in cell.outputs:
            for kind in ("image/png", "image/jpeg"):
                if kind in output.get("data", {}):
                    output.data[kind] = "a picture"
    return dumps(plain)
