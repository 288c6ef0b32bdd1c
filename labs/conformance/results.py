"""Put the list to a proxy, and set what came side by side."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import textwrap
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from labs.conformance.deadline import deadline
from labs.conformance.registry import Check, Failed, NotApplicable, select
from labs.conformance.sites import Open
from labs.conformance.stand import Stand
from labs.guard import guard
from labs.show.page import Page
from labs.town.gates import GateStuck

__all__ = ["PASSED", "Result", "Results", "dump", "matrix", "run", "suspicious"]

ENDING = 5.0  # seconds for closing a stand, which is the lab's own business
AT_ONCE = 12  # checks that run at the same time, each with a proxy of its own
PASSED, FAILED, BROKEN, NOT_APPLICABLE = "passed", "failed", "broken", "not applicable"
TALKERS = ("labs.gateway",)  # what a proxy of the lab says of its origin is in the verdict
MARKS = {PASSED: "✓", FAILED: "✗", BROKEN: "!", NOT_APPLICABLE: "–"}


@dataclass(frozen=True)
class Result:
    """Hold what one check found.

    `verdict` is "passed", "failed", "broken" (the lab's fault) or "not applicable". `why` is one sentence
    unless it passed; `bytes` is the exchange of a check that did not.
    """

    id: str
    topic: str
    clause: str
    sentence: str
    hint: str
    verdict: str
    why: str = ""
    bytes: str = ""


@dataclass(frozen=True)
class Results:
    """Hold the results of one proxy, in the order of the list."""

    results: tuple[Result, ...]

    def __getitem__(self, id: str) -> Result:
        """Return the result of a check. Raise KeyError with a sentence for one that was not run."""
        for it in self.results:
            if it.id == id:
                return it
        raise KeyError(f"No check {id} was run.")

    def ids(self, verdict: str) -> tuple[str, ...]:
        """Return the ids of the checks with this verdict."""
        return tuple(it.id for it in self.results if it.verdict == verdict)

    @property
    def score(self) -> tuple[int, int]:
        """How many passed, of how many that could be put to this proxy."""
        return len(self.ids(PASSED)), len(self.results) - len(self.ids(NOT_APPLICABLE))

    def __repr__(self) -> str:
        counts = Counter(it.verdict for it in self.results)
        return ", ".join(f"{counts[it]} {it}" for it in MARKS if counts[it]) or "no check was run"


# Several runs may go on in one loop: the last puts its exception handler back.
_listening: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, int] = weakref.WeakKeyDictionary()
_before: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = weakref.WeakKeyDictionary()
# They also share their turns: what hangs in the first of them waits while the next ones work.
_turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, asyncio.Semaphore]]
_turns = weakref.WeakKeyDictionary()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # A proxy that fails says so with tracebacks. The verdict has them in one sentence.
    def nothing(record: logging.LogRecord) -> bool:
        return False

    loop = asyncio.get_running_loop()
    loggers = [logging.getLogger(name) for name in (*guard.LOGGERS, *TALKERS)]
    with guard.forgiving():
        if not (others := _listening.get(loop, 0)):
            _before[loop] = loop.get_exception_handler()
            loop.set_exception_handler(lambda loop, context: None)
        _listening[loop] = others + 1
        for it in loggers:
            it.addFilter(nothing)
        try:
            yield
        finally:
            for it in loggers:
                it.removeFilter(nothing)
            _listening[loop] -= 1
            if not _listening[loop]:
                loop.set_exception_handler(_before.pop(loop))
                _turns.pop(loop, None)  # a semaphore holds its loop, which would stay for ever


async def run(stand: Open, *, only: str | Iterable[str] | None = None, at_once: int = AT_ONCE) -> Results:
    """Put the checks to a proxy, each on a stand of its own, several at once; `only` names ids or topics.

    No more than `at_once` go on in a loop, in all runs together; the turns are taken in order.
    Nothing a proxy does raises: a hang or a crash is "failed", a stand that cannot start is "broken". Raise
    ValueError for an id or topic that is not on the list.
    """
    chosen = select(only)

    async def one(check: Check, turn: asyncio.Semaphore) -> Result:
        async with turn:
            return await _one(check, stand)

    with _quiet():
        turns = _turns.setdefault(asyncio.get_running_loop(), {})
        turn = turns.setdefault(at_once, asyncio.Semaphore(at_once))
        return Results(tuple(await asyncio.gather(*(one(it, turn) for it in chosen))))


async def _one(check: Check, stand: Open) -> Result:
    words = (check.id, check.topic, check.clause, check.sentence, check.hint)
    found: Result | None = None
    try:
        async with deadline(check.patience + ENDING), stand(check) as opened:
            found = Result(*words, *await _verdict(check, opened))
    except Exception as error:
        if found is None:
            said = str(error).partition("\n")[0]
            return Result(*words, BROKEN, f"the stand did not start: {type(error).__name__}: {said}")
        if found.verdict == PASSED:
            return Result(*words, BROKEN, f"the stand did not end: {type(error).__name__}: {error}")
    assert found is not None
    return found


async def _verdict(check: Check, stand: Stand) -> tuple[str, str, str]:
    try:
        async with deadline(check.patience):
            await check.body(stand)
        return PASSED, "", ""
    except NotApplicable as error:
        return NOT_APPLICABLE, str(error), ""
    except Failed as error:
        verdict, why = FAILED, str(error)
    except (TimeoutError, GateStuck):
        verdict, why = (
            FAILED,
            f"nothing came in {check.patience:g} s, and this was waited for: {stand.awaited}",
        )
    except OSError as error:
        verdict, why = BROKEN, f"the lab's client could not reach the proxy: {error}"
    except Exception as error:
        verdict, why = BROKEN, f"the check itself raised {type(error).__name__}: {error}"
    return verdict, why, str(stand.bytes())


def matrix(results: Mapping[str, Results]) -> Page:
    """Return the table: a row a check, a column a proxy, and a line of scores."""
    names = list(results)
    rows = {it.id: it for each in results.values() for it in each.results}
    wide = max([len(it) for it in rows] or [0])
    clause = max([len(it.clause) for it in rows.values()] or [0])
    lines = []
    for number, name in enumerate(names):  # the names stand over their columns, one a line
        lines.append("│ " * number + "┌ " + name)
    topic = ""
    for id, row in rows.items():
        if row.topic != topic:
            topic = row.topic
            lines.append("│ " * len(names) + topic.replace("_", "-").upper())
        marks = []
        for name in names:
            had = [it for it in results[name].results if it.id == id]
            marks.append(MARKS[had[0].verdict] if had else " ")
        lines.append(f"{' '.join(marks)} {id:<{wide}}  {row.clause:<{clause}}  {row.sentence}")
    lines.append("")
    lines += [f"{name}: {score(results[name])}" for name in names]
    lines.append("✓ passed   ✗ failed   ! the lab failed   – not applicable")
    return Page("\n".join(lines))


def score(results: Results) -> str:
    """Say the score of one proxy in words."""
    passed, of = results.score
    return f"{passed} of {of} passed" + (f", {len(results.ids(BROKEN))} broken" * bool(results.ids(BROKEN)))


def suspicious(results: Mapping[str, Results]) -> dict[str, tuple[str, ...]]:
    """Return the checks that nobody passes and those that nobody fails: they may test nothing."""
    verdicts: dict[str, set[str]] = {}
    for each in results.values():
        for it in each.results:
            verdicts.setdefault(it.id, set()).add(it.verdict)
    return {
        "nobody passes": tuple(id for id, had in verdicts.items() if PASSED not in had),
        "nobody fails": tuple(id for id, had in verdicts.items() if FAILED not in had),
    }


def explain(results: Results, verdicts: Iterable[str] = (FAILED, BROKEN)) -> Page:
    """Return each check that did not pass: its clause, why, its hint, and the bytes."""
    blocks = []
    for it in results.results:
        if it.verdict in verdicts:
            head = f"{MARKS[it.verdict]} {it.id} ({it.clause}): {it.sentence}\n  {it.why}\n  hint: {it.hint}"
            blocks.append(f"{head}\n{textwrap.indent(it.bytes, '    ')}".rstrip())
    return Page("\n\n".join(blocks))


def dump(results: Mapping[str, Results]) -> str:
    """Return everything as JSON: {proxy: {"score": [passed, of], "results": [...]}}."""
    told = {
        name: {"score": list(each.score), "results": [asdict(it) for it in each.results]}
        for name, each in results.items()
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"
