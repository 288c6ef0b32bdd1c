"""One lesson on its own: all that must be green before it is pushed, and nothing of the others."""

import contextlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nbclient.exceptions import CellExecutionError

from labs.course import check, lesson
from labs.course.build import build, targets
from labs.course.doctor import pins
from labs.course.kernel import environment
from labs.course.lesson import LessonError, read
from labs.course.syllabus import entry
from labs.exercises.registry import Exercise, registered
from labs.host.paths import LABS, REQUIREMENTS, ROOT
from labs.trial import claims
from labs.trial.claims import Reading, Ruling, Verdict
from labs.trial.comparison import Comparison
from labs.trial.posts import passages

__all__ = ["Step", "Tested", "inspect", "report"]

EXERCISES, CONTROLS = "tests/exercises/test_registry.py", "tests/course/test_controls.py"
MOST = 4  # cells, and lines of each, that are shown of outputs that differ
SECONDS = 10  # a program that was asked to end and has not ended by then is killed


@dataclass(frozen=True)
class Step:
    """One step of an inspection: what was looked at, what came, and findings that say what to do."""

    name: str
    said: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tested:
    """One test as pytest reports it; `state` is passed, failed or skipped, `text` is why."""

    file: str
    name: str
    state: str
    text: str = ""


def report(word: str) -> int:
    """Inspect a lesson, print each step as it ends and one line for all; return 1 if there is a finding.

    `word` is its number, or how its name begins. Raises LessonError unless that is one lesson.
    """
    if not word:
        numbers = [source.stem[:2] for source in lesson.sources()] or ["none"]
        raise LessonError(f"Which lesson? Give its number, as in LESSON=09: {numbers[0]} to {numbers[-1]}.")
    source = lesson.find(word)
    began, count = time.monotonic(), 0
    print(source.stem, flush=True)
    with contextlib.closing(inspect(source)) as steps:  # what was started ends on every path
        for step in steps:
            count += len(step.findings)
            lines = [f"    {line}" for finding in step.findings for line in finding.splitlines()]
            print(f"  {step.name:<9} {step.said}", *lines, sep="\n", flush=True)
    state = f"red, {count} to mend" if count else "green"
    print(f"Lesson {source.stem[:2]} is {state} ({time.monotonic() - began:.0f} s).")
    return int(bool(count))


def inspect(source: Path) -> Generator[Step]:
    """Go through the steps of an inspection; what cannot be tried because of a finding is left out.

    It builds the lesson and its solution if they are stale, and writes nothing else.
    """
    stem, number = source.stem, source.stem[:2]
    yield _style(source)
    try:
        ledger, entries, exercises = claims.ledger(), passages(), _registered()
        entry(source)
    except (LessonError, claims.LedgerError) as error:
        yield Step("course", "nothing else can be tried", (str(error),))
        return
    with contextlib.ExitStack() as stack:
        tests = _pytest(stack, EXERCISES, CONTROLS, "-k", stem)  # meanwhile: it mostly waits
        yield (built := _build(stem))
        doubtful = bool(built.findings)
        if not doubtful:
            books = [str(target.relative_to(ROOT)) for _, _, target in targets(only=[stem])]
            runs = [_pytest(stack, book) for book in books]
            outputs = _outputs(source, [case for run in runs for case in run()])
            yield outputs
            doubtful = bool(outputs.findings)
        yield _claims(source, doubtful=doubtful)
        cases = tests()
    yield _exercises([it for it in exercises.values() if it.lesson == stem], cases)
    yield _controls(cases)
    found = check.check(ledger, exercises.values(), posts=entries, only=[stem], built=not built.findings)
    yield Step("course", f"{len(found) or 'no'} findings", tuple(found))
    release = dict(pins(REQUIREMENTS.read_text("utf-8")))["aiohttp"]
    command = f"`python -m labs versions {release} --lesson {number}`"
    yield Step("results", f"stored by {command}, once the lesson is green; `make check` says if they are not")


def _registered() -> Mapping[str, Exercise]:
    try:
        return registered()
    except Exception as error:  # a module of labs/exercises, this lesson's or another's
        words = f"labs/exercises cannot be imported ({type(error).__name__}: {error})"
        raise LessonError(f"{words}: mend that module first, every lesson needs it.") from error


def _style(source: Path) -> Step:
    written = [source, LABS / "exercises" / f"lesson_{source.stem[:2]}.py"]
    files = [str(file.relative_to(ROOT)) for file in written if file.exists()]
    found = []
    for ask, remedy in (("check --output-format=concise", "check --fix"), ("format --check", "format")):
        line = [sys.executable, "-m", "ruff", *ask.split(), "--quiet", *files]
        done = subprocess.run(line, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            told = (done.stdout + done.stderr).strip()
            found.append(f"mend, or run `python -m ruff {remedy} {' '.join(files)}`:\n{told}".rstrip())
    return Step("style", f"{' and '.join(files)}", tuple(found))


def _claims(source: Path, *, doubtful: bool) -> Step:
    """Say that all verdicts are as expected; if a notebook is red, run the lesson to see which are not."""
    checked = entry(source).checked
    if not doubtful:  # `check` raises in a cell for what is not as expected
        return Step("claims", f"{len(checked)} as labs/trial/claims.toml expects")
    rulings: list[Ruling] = []

    def judge(found: Comparison, readings: Mapping[str, Reading]) -> None:
        for id, reading in readings.items():
            if id in claims.ledger():  # what is not there, the course check says
                verdict = claims.read(found, reading)
                rulings.append(Ruling(claims.ledger()[id], verdict, reading, found.answers))

    with claims.reporting(judge), contextlib.suppress(LessonError):  # a notebook has said where it stopped
        lesson.run(source)
    found = []
    for it in rulings:
        if it.verdict not in (it.claim.verdict, Verdict.NOT_TESTED):
            remedy = "correct the reading or the sentence, or expect the other verdict and say why"
            words = f"{it.claim.id}: {it.claim.verdict} in labs/trial/claims.toml, {it.verdict} here"
            found.append(f"{words}: {remedy}.\n{it}")
    agree = sum(it.verdict == it.claim.verdict for it in rulings)
    return Step("claims", f"{agree} of {len(checked)} as labs/trial/claims.toml expects", tuple(found))


def _build(stem: str) -> Step:
    try:
        done = build(only=[stem])
    except LessonError as error:
        cell, raised = str(error).splitlines()[0], error.__cause__
        if isinstance(raised, CellExecutionError):
            cell += f" {raised.ename}: {raised.evalue.splitlines()[0]}"
        return Step("build", "stopped", (f"{cell}\nAll of it: `python -m labs build {stem[:2]}`.",))
    return Step("build", "; ".join(done) or "lesson and solution are as their source yields them")


def _outputs(source: Path, cases: list[Tested]) -> Step:
    failed = [case for case in cases if case.state == "failed"]
    found = []
    cells = sum(cell.cell_type == "code" for cell in read(source).cells)
    if len(cases) != 2 * cells:  # of the lesson, and of the solution
        command = f"`python -m pytest notebooks/{source.stem}.ipynb`"
        found.append(f"{len(cases)} of {2 * cells} code cells were run: see {command}.")
    for case in failed[:MOST]:
        cell = int(re.sub(r"\D", "", case.name) or -1) + 1  # nbval counts from 0
        lines = [line.strip() for line in case.text.splitlines() if line.strip()]
        differ = [line for line in lines if line.startswith(("+ ", "- "))][:MOST] or lines[-1:]
        words = f"{case.file}, code cell {cell} shows something else than is stored: make it repeat; "
        command = f"`python -m labs build --all {source.stem[:2]}`"
        found.append("\n".join([f"{words}or if the new output is right, run {command}.", *differ]))
    passed = sum(case.state == "passed" for case in cases)
    said = f"{passed} of {len(cases)} code cells show again what is stored"
    if (more := len(failed) - MOST) > 0:
        said += f"; {more} more than the {MOST} below do not"
    if skipped := sum(case.state == "skipped" for case in cases):
        said += f"; {skipped} are left out: see `python -m labs doctor`"
    return Step("outputs", said, tuple(found))


def _exercises(exercises: list[Exercise], cases: Iterable[Tested]) -> Step:
    mine = [case for case in cases if case.file == EXERCISES]
    found = [_told(case) for case in mine if case.state == "failed"]
    wanted = sum(len(it.wrong) for it in exercises)
    if len(mine) != wanted:
        found.append(f"{len(mine)} of {wanted} wrong answers were tried: see `python -m pytest {EXERCISES}`.")
    said = f"{len(exercises)}, with {wanted} usual wrong answers, each met with its own words"
    return Step("exercises", said if not found else f"{len(exercises)}", tuple(found))


def _controls(cases: Iterable[Tested]) -> Step:
    mine = [case for case in cases if case.file == CONTROLS]
    found = [_told(case) for case in mine if case.state == "failed"]
    if not mine:
        found.append(f"the control was not run: see `python -m pytest {CONTROLS}`.")
    return Step("control", "with one side in every column, some verdict of every check falls", tuple(found))


def _told(case: Tested) -> str:
    """Take the sentence of an assertion out of what pytest says of it."""
    text = case.text.partition("\nassert ")[0].removeprefix("AssertionError: ")
    return text.strip() or f"{case.file}::{case.name} failed: run it alone."


def _pytest(stack: contextlib.ExitStack, *words: str) -> Callable[[], list[Tested]]:
    """Start pytest, and return what waits for its cases; it has ended when the stack is left."""
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="labs-lesson-"))
    told, printed = Path(folder, "told.xml"), Path(folder, "printed")
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={told}", *words]
    with printed.open("wb") as file:
        running = subprocess.Popen(line, cwd=ROOT, env=environment(), stdout=file, stderr=file)
    stack.callback(_end, running)

    def wait() -> list[Tested]:
        running.wait()
        if not told.exists():
            last = "\n".join(printed.read_text("utf-8", "replace").strip().splitlines()[-5:])
            raise LessonError(f"pytest did not run ({' '.join(words)}):\n{last}")
        return [_case(it) for it in ElementTree.parse(told).iter("testcase")]

    return wait


def _end(running: subprocess.Popen[bytes]) -> None:
    if running.poll() is None:
        running.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
        try:
            running.wait(SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _case(element: ElementTree.Element) -> Tested:
    name, module = element.get("name", ""), element.get("classname", "")
    book = module.endswith(".ipynb")
    file = module.removesuffix(".ipynb").replace(".", "/") + (".ipynb" if book else ".py")
    for child in element:
        if child.tag in ("failure", "error"):
            text = (child.text if book else child.get("message")) or ""
            return Tested(file, name, "failed", re.sub(r"#x1B\[\d*m", "", text))
        if child.tag == "skipped":
            return Tested(file, name, "skipped", child.get("message", ""))
    return Tested(file, name, "passed")
