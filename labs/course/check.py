"""The course check: what must be put right before the lessons can be trusted. It executes nothing."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from labs.capture.distance import MODEL
from labs.course.build import describe, stored, targets
from labs.course.lesson import PACKAGES, PROGRAMS, LessonError, cut, read, sources
from labs.course.minutes import misjudged
from labs.course.options import amiss
from labs.course.syllabus import Entry, entry
from labs.host.paths import NOTEBOOKS
from labs.trial.posts import unfair

if TYPE_CHECKING:
    from labs.exercises.registry import Exercise
    from labs.trial.claims import Claim
    from labs.trial.posts import Passage

CELLS = 60  # of a lesson; CONTRIBUTING.md says so
LINES = 20  # of a code cell
PLACE = "WRITE: "  # what `labs new` leaves to the author, with what it should be
TAGS = {*PROGRAMS, *PACKAGES, "nbval-ignore-output"}
# What belongs to one run or one machine and must not be stored: (what it is, how it looks).
VOLATILE = {
    "a memory address": r"\b0x[0-9a-fA-F]{6,}\b",
    # Systems hand out ports from 32768 (Linux) or 49152 (others) on; those of a town are lower.
    "a port of one run": r"(?:[:#]|\bport[ =]|', )(?:3[3-9]|[45]\d|6[0-5])\d{3}\b",
    "a duration": r"(?<![\w.])(?:\d+(?:\.\d+)?\s?(?:ms|µs|μs|us|ns)|\d+\.\d+\s?(?:s|secs?|seconds?))\b",
    "a date or a time of day": r"\b20\d\d-\d\d-\d\d\b|\b\d\d [A-Z][a-z]{2} 20\d\d\b",
    "a path of this machine": (
        r"(?<![\w.:/-])/(?:home|root|Users|tmp|var|usr|opt|private|mnt)/[\w.]|\b[A-Z]:\\\\?\w"
    ),
    "an address of this machine": (
        r"(?<![\d.])(?:10\.\d+|172\.(?:1[6-9]|2\d|3[01])|192\.168)(?:\.\d{1,3}){2}(?![\d.])"
    ),
}


def check(
    ledger: "Mapping[str, Claim]",
    exercises: "Iterable[Exercise]",
    notebooks: Path = NOTEBOOKS,
    *,
    posts: "Mapping[str, Passage]" = MappingProxyType({}),
    only: Sequence[str] = (),
    built: bool = True,
) -> list[str]:
    """Check the whole course and return the findings: a sentence each that says what to do; none is good.

    With the entries of the `posts`, the ledger is held to them as well.

    `only` is as in `targets`: with it, what other lessons lack is no finding. Without `built`, only what is
    written by hand is checked, and no notebook is read.
    """
    found: list[str] = []
    entries: list[Entry] = []
    if not sources(notebooks):
        return [f"{notebooks.name}/source holds no lesson: write one as NN_verb_phrase.py."]
    whole = list(targets(notebooks, only))
    for source in dict.fromkeys(source for source, _, _ in whole):
        try:
            found += _form(source)
            one = entry(source)
            entries.append(one)
            found += misjudged(one.name, cut(source, solved=False).cells, one.minutes, one.stop)
        except LessonError as error:
            found.append(str(error))
        exercises_of = notebooks.parent / "labs" / "exercises" / f"lesson_{source.stem[:2]}.py"
        found += [*_unwritten(source, notebooks.parent), *_unwritten(exercises_of, notebooks.parent)]
    names = [one.name for one in entries]
    for source, solved, target in whole if built else ():
        if source.stem in names:
            where = str(target.relative_to(notebooks.parent))
            found += _notebook(target, cut(source, solved=solved), where)
            found += _attempts(target, where, "yes" if solved else "not tried yet")
            found += () if solved else _predictions(target, source.stem)
    stems = [source.stem for source in sources(notebooks)]
    chosen = [source.stem for source, _, _ in whole] if only else None
    found += _claims(entries, ledger, stems, chosen)
    found += unfair(ledger, posts, stems, chosen)
    found += _exercises(entries, list(exercises), stems, chosen)
    return found if only else [*found, *_orphans(notebooks)]


def _form(source: Path) -> Iterator[str]:
    for name, solved in ((source.stem, False), (f"solutions/{source.stem}", True)):
        cells = cut(source, solved=solved).cells
        code = [cell for cell in cells if cell.cell_type == "code"]
        for number, cell in enumerate(code, 1):
            lines = len(cell.source.splitlines())
            if lines > LINES:
                yield f"{name}, code cell {number} has {lines} lines: cut it down to {LINES}."
            if solved:
                continue  # the rest does not depend on the exercises
            if cell.source.rstrip().endswith(";"):
                yield f"{name}, code cell {number} ends in `;`: write plt.show(), nbval sees what `;` hides."
            for tag in set(cell.metadata.get("tags", [])) - TAGS:
                yield f"{name}, code cell {number} has the tag {tag!r}: use only {', '.join(sorted(TAGS))}."
            if re.search(r"^\s*#\s*(NBVAL|PYTEST_VALIDATE)_", cell.source, re.MULTILINE):
                yield f"{name}, code cell {number} has an NBVAL comment: let its output be compared."
        if solved:
            continue
        if len(cells) > CELLS:
            yield f"{name} has {len(cells)} cells: keep to {CELLS}, a second idea is the next lesson."
        ignored = sum("nbval-ignore-output" in cell.metadata.get("tags", []) for cell in code)
        if ignored > 1:
            yield f"{name} ignores the output of {ignored} cells: one version line is all that may differ."
        title = read(source).cells[0]
        heading = title.source.strip().splitlines()[:1]
        if title.cell_type != "markdown" or not heading or not re.fullmatch(r"# .+\?", heading[0].strip()):
            yield f"{name} must begin with a markdown cell whose first line is `# A question?`."
        if "guard.clean()" not in code[-1].source:
            yield f"{name} must end in a code cell with `await guard.clean()`."


def unwritten(text: str) -> list[tuple[int, str]]:
    """Return the places that wait for their author, as `labs new` marks them: (line, what to write)."""
    lines = enumerate(text.splitlines(), 1)
    found = ((number, re.search(rf"\b{PLACE}(.*)", line)) for number, line in lines)
    return [(number, hit[1].strip(" \"',)")) for number, hit in found if hit]


def _unwritten(file: Path, root: Path) -> Iterator[str]:
    if file.exists():
        for number, what in unwritten(file.read_text("utf-8", "replace")):
            yield f"{file.relative_to(root).as_posix()}, line {number}: write {what}"


def _notebook(target: Path, wanted: NotebookNode, name: str) -> Iterator[str]:
    try:
        kept = stored(target)
    except LessonError as error:
        yield f"{target.parent.name}/{error}"
        return
    for cell, its in zip(wanted.cells, kept.cells, strict=False):
        cell.outputs = its.get("outputs", [])  # what is said of a figure comes from the figure
    if _skeleton(kept) != _skeleton(describe(wanted)):
        yield f"{name} is not what its source yields: edit the source, then run `make lessons`."
        return
    code = [cell for cell in kept.cells if cell.cell_type == "code"]
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        yield f"{name} was not executed from top to bottom: run `make lessons`."
    for number, cell in enumerate(code, 1):
        where = f"{name}, code cell {number}"
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"{where} stores the error {output.ename}: put the source right and run `make lessons`."
            elif output.get("name") == "stderr":
                yield f"{where} stores what went to stderr: put its cause right, then run `make lessons`."
            if "nbval-ignore-output" not in cell.metadata.get("tags", []):
                for text in _texts(output):
                    yield from (
                        f"{where} shows {what}: make it stable or leave it out."
                        for what in volatile(_measured(text, code))
                    )


def _attempts(target: Path, name: str, wanted: str) -> Iterator[str]:
    try:
        cells = [cell for cell in stored(target).cells if cell.cell_type == "code"]
    except LessonError:
        return  # said already
    replies = {}
    for number, cell in enumerate(cells, 1):
        for exercise in re.findall(r"\bawait attempt\(\s*\"([^\"]+)\"", cell.source):
            texts = [text for output in cell.outputs for text in _texts(output)]
            replies[exercise] = number, "".join(texts)  # the last one counts: the first may be a show
    for exercise, (number, text) in replies.items():
        if f"{exercise}: {wanted}" not in text:
            shown = f"must show `{exercise}: {wanted}` and shows {text.partition(chr(10))[0]!r}"
            yield f"{name}, code cell {number} {shown}: mend the answer or its check."


def _predictions(target: Path, name: str) -> Iterator[str]:
    try:
        cells = stored(target).cells
    except LessonError:
        return  # said already
    yield from (f"{name}: {what}." for what in amiss(cells))


def _skeleton(notebook: NotebookNode) -> list[object]:
    cells = [(c.cell_type, c.get("id"), c.source, dict(c.metadata)) for c in notebook.cells]
    return [dict(notebook.metadata), *cells]


def _texts(output: NotebookNode) -> Iterator[str]:
    if "text" in output:
        yield output.text
    for kind, data in output.get("data", {}).items():
        if not kind.startswith("image/") or kind == "image/svg+xml":
            yield data if isinstance(data, str) else repr(data)


def _measured(text: str, code: Sequence[NotebookNode]) -> str:
    """Leave out durations that nobody measured: those of a model, and those that the lesson's code says."""
    duration = VOLATILE["a duration"]
    if MODEL in text:
        return re.sub(duration, "", text)
    said = {
        line for cell in code for line in re.findall(r'"([^"]+)"', cell.source) if re.search(duration, line)
    }
    for words in sorted(said, key=len, reverse=True):
        text = text.replace(words, "")
    return text


def volatile(text: str) -> list[str]:
    """Name what a stored text holds that belongs to one run or one machine, with the piece itself."""
    hits = ((what, re.search(pattern, text)) for what, pattern in VOLATILE.items())
    return [f"{what} ({hit[0].strip()!r})" for what, hit in hits if hit]


def _orphans(notebooks: Path) -> Iterator[str]:
    derived = {target for _, _, target in targets(notebooks)}
    for file in sorted([*notebooks.glob("*.ipynb"), *(notebooks / "solutions").glob("*.ipynb")]):
        if file not in derived:
            yield f"{file.relative_to(notebooks.parent)} has no source: delete it, or write its source."
    for file in sorted((notebooks / "source").iterdir()):
        if file.is_file() and file not in sources(notebooks):
            yield f"{file.relative_to(notebooks.parent)} is not named NN_verb_phrase.py: rename or delete it."


def _meant(word: str, stems: Sequence[str]) -> str:
    """Return the one lesson that a ledger or a registration means by a part of its name, such as 17."""
    found = [stem for stem in stems if word and stem.startswith(word)]
    return found[0] if len(found) == 1 else word


def _claims(
    entries: list[Entry], ledger: "Mapping[str, Claim]", stems: Sequence[str], chosen: Sequence[str] | None
) -> Iterator[str]:
    for one in entries:
        for id in one.checked:
            if id not in ledger:
                yield f"{one.name} checks {id}, which is not in labs/trial/claims.toml: add or correct it."
        for id in one.mentioned:
            if id not in ledger:
                yield f"{one.name} mentions [{id}], not in labs/trial/claims.toml: add or correct it."
    computed = {(one.name, id) for one in entries for id in one.checked}
    for id, claim in ledger.items():
        meant = _meant(claim.lesson, stems)
        if chosen is None or meant in chosen:
            for key, value in vars(claim).items():
                for _, what in unwritten(str(value)):
                    yield f"labs/trial/claims.toml, the {key} of {id}: write {what}"
        if (claim.lesson, id) in computed or (chosen is not None and meant not in chosen):
            continue
        where = claim.lesson or "no lesson"
        if meant != claim.lesson:
            yield f'labs/trial/claims.toml gives {id} to lesson = "{where}": write the whole name, "{meant}".'
        else:
            yield f"labs/trial/claims.toml gives {id} to {where}: check it there or give it to another."


def _exercises(
    entries: list[Entry], registered: "list[Exercise]", stems: Sequence[str], chosen: Sequence[str] | None
) -> Iterator[str]:
    meant = {exercise.name: _meant(exercise.lesson, stems) for exercise in registered}
    if chosen is not None:
        registered = [exercise for exercise in registered if meant[exercise.name] in chosen]
    marked = {(one.name, name) for one in entries for name in one.exercises}
    names = [exercise.name for exercise in registered]
    for name, times in (Counter(names) | Counter(name for one in entries for name in one.exercises)).items():
        if times > 1:
            yield f"the exercise name {name!r} is used {times} times: give each exercise a name of its own."
    known = {(meant[exercise.name], exercise.name) for exercise in registered}
    for lesson, name in sorted(marked - known):
        yield f"{lesson} marks the exercise {name!r}: register it in labs/exercises with lesson={lesson!r}."
    for lesson, name in sorted(known - marked):
        yield f'labs/exercises registers {name!r} for {lesson}: mark a cell there with exercise="{name}".'
    for one in entries:
        for name in sorted(set(one.exercises) ^ set(one.attempted)):
            yield f'{one.name}: each exercise needs both a marked cell and `await attempt("{name}", ...)`.'
        asked = sum(exercise.minutes for exercise in registered if meant[exercise.name] == one.name)
        if not one.minutes:
            yield f"{one.name} must say in its second cell `Minutes: 15` or `Minutes: 15, exercises 20`."
        elif sum(one.minutes[1:]) != asked:
            yield f"{one.name} must say `exercises {asked}` after its minutes, as labs/exercises does."
    for exercise in registered:
        if (whole := meant[exercise.name]) != exercise.lesson:
            words = f'registers {exercise.name!r} for lesson="{exercise.lesson}"'
            yield f'labs/exercises {words}: write the whole name, "{whole}".'
        if not (re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", exercise.name) and len(exercise.name) <= 32):
            yield f"the exercise name {exercise.name!r} must be words-with-hyphens of at most 32 characters."
        if not (1 <= exercise.stars <= 3 and exercise.minutes > 0 and exercise.hint.strip()):
            yield f"the exercise {exercise.name!r} needs 1 to 3 stars, its minutes and a hint."
