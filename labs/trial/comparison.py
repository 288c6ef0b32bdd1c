"""Put the same experiment to every side, and set the answers side by side."""

from __future__ import annotations

import contextlib
import html
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeAlias

from labs.capture.message import Latin1
from labs.capture.trace import Trace
from labs.clients.request import ClientMissing
from labs.guard.crashes import crashes, place
from labs.show.page import visible
from labs.show.width import ljust, one_line, wide, wrap
from labs.town.town import noting
from labs.trial.values import same, unfit

__all__ = ["Broken", "Comparison", "NotTested", "compare", "recasting", "say", "told_apart"]

MOST_ROWS = 7  # a table that nobody can read is a defect
Side = Callable[[], Awaitable[Trace]]
Question = Callable[[Trace], object]


@dataclass(frozen=True)
class NotTested:
    """Stand for an answer that could not be asked for, with the reason: a client that is not here, say."""

    reason: str


@dataclass(frozen=True)
class Broken:
    """Stand for an answer that the lab failed to get. It says nothing about the claim."""

    reason: str
    error: BaseException = field(compare=False)


@dataclass(frozen=True)
class Comparison:
    """Hold the answers: rows are questions, columns are sides, in the order given."""

    asked: tuple[str, ...]
    sides: tuple[str, ...]
    answers: Mapping[tuple[str, str], object]
    traces: Mapping[str, Trace]

    def __getitem__(self, side: str) -> Trace:
        """Return what was said on one side. Raise KeyError with the sides there are."""
        if side not in self.sides:
            raise KeyError(f"No side is called {side!r}; the sides are: {', '.join(self.sides)}.")
        return self.traces[side]

    def mark(self, question: str) -> str:
        """Return ≠ where the sides differ, = where they agree, ? where fewer than two of them answer."""
        came = [self.answers[question, side] for side in self.sides]
        known = [it for it in came if not isinstance(it, Broken | NotTested)]
        if any(not same(it, known[0]) for it in known):
            return "≠"
        return "=" if len(known) > 1 else "?"

    def __repr__(self) -> str:
        rows = [(self.mark(question), question, *self._words(question)) for question in self.asked]
        return _table([("", "", *self.sides), *rows]) + "\n" + self._legend()

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" style="text-align:left">{_escape(side)}</th>' for side in self.sides)
        body = ""
        for question in self.asked:
            answers = (_escape(visible(one_line(it))) for it in self._words(question))
            cells = "".join(f'<td style="text-align:left">{answer}</td>' for answer in answers)
            scope = 'scope="row" style="text-align:left;font-weight:normal;min-width:13em"'
            body += f"<tr><td>{self.mark(question)}</td><th {scope}>{_escape(question)}</th>{cells}</tr>"
        legend = "<br>".join(map(_escape, re.split(r"\n|   ", self._legend())))
        table = f"<table><thead><tr><td></td><td></td>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f'<div style="overflow-x:auto" tabindex="0">{table}</div><p>{legend}</p>'

    def _words(self, question: str) -> list[str]:
        came = [self.answers[question, side] for side in self.sides]
        return [
            "!" if isinstance(it, Broken) else word for it, word in zip(came, told_apart(came), strict=True)
        ]

    def _legend(self) -> str:
        unknown = any(self.mark(question) == "?" for question in self.asked)
        reasons = [f"! {side} {say(it)}" for (_, side), it in self.answers.items() if isinstance(it, Broken)]
        legend = "≠ the sides differ   = the sides agree" + "   ? not known" * unknown
        return "\n".join([legend, *dict.fromkeys(map(one_line, reasons))])  # each reason once


Recast: TypeAlias = Callable[[Mapping[str, Side]], Mapping[str, Side]]
_RECAST: ContextVar[Recast | None] = ContextVar("recast", default=None)


@contextlib.contextmanager
def recasting(recast: Recast) -> Iterator[None]:
    """Let `recast` choose who plays each side inside the block: a control gives all of them to one."""
    token = _RECAST.set(recast)
    try:
        yield
    finally:
        _RECAST.reset(token)


async def compare(sides: Mapping[str, Side], ask: Mapping[str, Question]) -> Comparison:
    """Run every side, one after the other, and put every question to its trace.

    A side or a question that raises gives Broken answers, so that a broken lab is never taken for a refuted
    claim, and so does a handler that raised what it was not meant to, an answer that is no value, or one that
    lies in bytes that were not kept; a client that is not on this machine gives NotTested. What was recorded
    of a broken side is kept. Raise ValueError for fewer than two sides, two sides that are one, no question,
    or more than seven.
    """
    _must_be_fair(sides, ask)
    if recast := _RECAST.get():
        sides = recast(sides)
    traces: dict[str, Trace] = {}
    answers: dict[tuple[str, str], object] = {}
    for side, experiment in sides.items():
        traces[side], instead = await _recorded(side, experiment)
        for question, answer in ask.items():
            answers[question, side] = instead or _answer(answer, traces[side])
    return Comparison(tuple(ask), tuple(sides), answers, traces)


async def _recorded(side: str, experiment: Side) -> tuple[Trace, Broken | NotTested | None]:
    """Run a side; return what was recorded, and what stands for its answers if it broke."""
    instead: Broken | NotTested | None = None
    trace = None
    with noting() as towns, crashes() as raised:
        try:
            trace = await experiment()
            if not isinstance(trace, Trace):
                returned = type(trace).__name__
                raise TypeError(f"an experiment returns town.trace; {side!r} returned {returned}")
        except ClientMissing as error:
            instead = NotTested(str(error))
        except Exception as error:
            instead = Broken(f"{type(error).__name__}: {error}", error)
    if raised:  # first: what the client met came of it
        crash, where = raised[0], place(raised[0])
        words = f"a handler raised {type(crash).__name__}: {crash}" + (f", at `{where}`" if where else "")
        instead = Broken(words, crash)
    if not isinstance(trace, Trace):
        trace = towns[-1].trace if towns else Trace((), ())
    return trace, instead


def _answer(question: Question, trace: Trace) -> object:
    try:
        answer = question(trace)
        if why := unfit(answer):
            raise TypeError(why)
        return answer
    except Exception as error:
        return Broken(f"{type(error).__name__}: {error}", error)


def _must_be_fair(sides: Mapping[str, Side], ask: Mapping[str, Question]) -> None:
    if len(sides) < 2:
        raise ValueError("A comparison needs two sides at least: compare({'redirect': …, 'proxy': …}, ask).")
    if len(set(sides.values())) < len(sides):
        raise ValueError("Two sides are the same function: they can only agree, so nothing is compared.")
    if not 1 <= len(ask) <= MOST_ROWS:
        raise ValueError(f"A table has 1 to {MOST_ROWS} questions, not {len(ask)}: split the experiment.")


def say(answer: object) -> str:
    """Say an answer in words that fit a table."""
    match answer:
        case None:
            return "–"
        case bool():
            return "yes" if answer else "no"
        case Latin1():
            return f"{answer} (Latin-1)"
        case bytes():
            return answer.decode("utf-8", "backslashreplace")
        case list() | tuple():
            return ", ".join(map(say, answer)) or "–"
        case set() | frozenset():
            return ", ".join(sorted(map(say, answer))) or "–"
        case Mapping():
            return ", ".join(f"{key}: {say(value)}" for key, value in answer.items()) or "–"
        case NotTested():
            return f"not tested: {answer.reason}"
        case Broken():
            return f"broken: {answer.reason}"
    return str(answer)


def told_apart(answers: Sequence[object]) -> list[str]:
    """Say answers that stand side by side: the same ones in the same words, and different ones in others."""
    words: list[str] = []
    for n, answer in enumerate(answers):
        twin = next((m for m in range(n) if same(answers[m], answer)), n)
        words.append(words[twin] if twin < n else say(answer))
    looks = [_looks(it) for it in words]
    for n, answer in enumerate(answers):
        alike = (m for m, look in enumerate(looks) if look == looks[n])
        if any(not same(answers[m], answer) for m in alike) and not isinstance(answer, Broken | NotTested):
            words[n] = _exactly(answer)
    return words


def _looks(words: str) -> str:
    # As a reader sees it: no page shows how many spaces there are, or of how many characters an accent is.
    return " ".join(unicodedata.normalize("NFKC", visible(one_line(words))).split())


def _exactly(answer: object) -> str:
    if isinstance(answer, set | frozenset):
        return f"{{{', '.join(sorted(map(_exactly, answer)))}}}"
    shown = re.sub("  +", lambda spaces: r"\x20" * len(spaces[0]), ascii(answer))
    plain = isinstance(answer, str | bytes | int | float | list | tuple | dict | None)
    return shown if plain else f"{shown} ({type(answer).__name__})"


def _table(rows: list[tuple[str, ...]]) -> str:
    wrapped = [[wrap(cell, 44) or [""] for cell in row] for row in rows]
    widths = [max(wide(line) for row in wrapped for line in row[n]) for n in range(len(rows[0]))]
    lines = []
    for row in wrapped:
        for i in range(max(map(len, row))):
            cells = (cell[i] if i < len(cell) else "" for cell in row)
            lines.append("  ".join(map(ljust, cells, widths)).rstrip())
    return "\n".join(lines)


def _escape(text: str) -> str:
    return html.escape(text, quote=False)
