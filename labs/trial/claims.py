"""Claims, and the verdicts computed from a recording. The only module that raises for a wrong lesson."""

from __future__ import annotations

import contextlib
import html
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from labs.host.learner import strict
from labs.show.page import Page
from labs.trial.comparison import Broken, Comparison, NotTested, say, told_apart
from labs.trial.recorded import recorded
from labs.trial.values import same

__all__ = [
    "Claim",
    "Disagreement",
    "Kind",
    "LedgerError",
    "Verdict",
    "Verdicts",
    "check",
    "ledger",
    "read",
    "reporting",
]

LEDGER = Path(__file__).with_name("claims.toml")
Reading: TypeAlias = Mapping[str, Mapping[str, object]]  # question -> side -> what the sentence predicts


class Kind(StrEnum):
    """Say on whose word a claim stands."""

    REQUIRED = "required"  # by a specification
    PROMISED = "promised"  # by aiohttp's documentation
    OBSERVED = "observed"  # in the aiohttp release that the lab pins
    POSTED = "posted"  # in one of the four posts
    ASSUMED = "assumed"  # a common assumption, by nobody in particular


class Verdict(StrEnum):
    """Say what the recording makes of a claim."""

    HOLDS = "holds"
    REFUTED = "refuted"
    NOT_TESTED = "not tested"  # something it rests on was missing
    BROKEN = "broken"  # the lab failed, which says nothing about the claim


LABEL = re.compile("^(it would show|recorded|rather|you have|the lesson recorded) +")
BOLD = r"<b>\1</b>: "
MARKS = {Verdict.HOLDS: "✓", Verdict.REFUTED: "✗", Verdict.NOT_TESTED: "?", Verdict.BROKEN: "!"}


@dataclass(frozen=True)
class Claim:
    """Hold one sentence of the ledger. `verdict` is the one that is expected to be measured."""

    id: str
    sentence: str
    source: str
    kind: Kind
    verdict: Verdict
    lesson: str
    corrected: str = ""
    entry: tuple[str, ...] = ()  # of the posts: what a posted claim restates


@dataclass(frozen=True)
class Ruling:
    """Hold what became of one claim: what it would show, what was recorded, the verdict."""

    claim: Claim
    verdict: Verdict
    reading: Reading
    recorded: Mapping[tuple[str, str], object]

    def __str__(self) -> str:
        claim = self.claim
        source = f"({claim.kind}: {claim.source})"
        lines = [f"{MARKS[self.verdict]} {claim.id} {self.verdict}: {claim.sentence} {source}"]
        if self.verdict is not Verdict.HOLDS:
            for question, sides in self.reading.items():
                pairs = {it: told_apart([sides[it], self.recorded[question, it]]) for it in sides}
                would = "; ".join(f"{it} {words[0]}" for it, words in pairs.items())
                came = "; ".join(f"{it} {words[1]}" for it, words in pairs.items())
                lines.append(f"    it would show   {question}: {would}")
                lines.append(f"    recorded        {question}: {came}")
        if self.verdict is Verdict.REFUTED and claim.corrected:
            lines.append(f"    rather          {claim.corrected}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Changed(Ruling):
    """Hold a ruling that differs from the lesson's, because a learner has changed its code."""

    trouble: str = ""  # why there is no verdict, where there is none

    def __str__(self) -> str:
        claim = self.claim
        said = f"{self.verdict}, and {claim.verdict} in the lesson"
        lines = [f"{MARKS[self.verdict]} {claim.id} with your change: {said}: {claim.sentence}"]
        if trouble := self.trouble or "Under the table stands why." * (self.verdict is Verdict.BROKEN):
            return "\n".join([*lines, f"    {trouble}"])
        for question, sides in self.reading.items():
            mine = "; ".join(f"{it} {say(self.recorded[question, it])}" for it in sides)
            theirs = self._lesson(question, sides)
            if mine != theirs:
                lines.append(f"    you have              {question}: {mine}")
            if theirs not in (mine, ""):
                lines.append(f"    the lesson recorded   {question}: {theirs}")
        return "\n".join(lines)

    def _lesson(self, question: str, sides: Mapping[str, object]) -> str:
        if self.claim.verdict is Verdict.HOLDS:  # it recorded what the sentence predicts
            return "; ".join(f"{it} {say(sides[it])}" for it in sides)
        return recorded(self.claim.id, self.claim.lesson).get(question, "")


@dataclass(frozen=True)
class Verdicts:
    """Hold the rulings of one check, in the order asked."""

    rulings: tuple[Ruling, ...]

    def __repr__(self) -> str:
        return "\n".join(map(str, self.rulings))

    def _repr_html_(self) -> str:
        """Say the same as a list that reads without any style: the id and each label stand out."""
        rulings = []
        for it in self.rulings:
            first, *rest = (html.escape(line.strip(), quote=False) for line in str(it).split("\n"))
            mark, id, words = first.split(" ", 2)
            notes = "".join(f"<li>{LABEL.sub(BOLD, line)}</li>" for line in rest)
            rulings.append(
                f"<li>{mark} <b>{id}</b> {words}" + (f"<ul>{notes}</ul>" if notes else "") + "</li>"
            )
        return f'<ul style="list-style:none;padding-left:0">{"".join(rulings)}</ul>'


class LedgerError(ValueError):
    """Say what is wrong with the ledger, and where."""


class Disagreement(AssertionError):
    """Say that a measured verdict is not the one in the ledger."""


@cache
def ledger(path: Path = LEDGER) -> Mapping[str, Claim]:
    """Read the ledger: claims by id. Raise LedgerError with the id and what to do."""
    claims: dict[str, Claim] = {}
    known = {it.name for it in fields(Claim)}
    needed = known - {"corrected", "entry"}
    entries, retired = _book(path)
    for entry in entries:
        name = str(entry.get("id", "(no id)"))
        if name in claims:
            raise LedgerError(f"Claim id {name} stands twice in {path.name}: give the second a new id.")
        if name in retired:
            raise LedgerError(f"Claim id {name} is retired in {path.name}: give the claim a new id.")
        if wrong := [key for key in needed if not entry.get(key)] or [*(set(entry) - known)]:
            raise LedgerError(f"Claim {name} in {path.name} lacks or misspells: {', '.join(sorted(wrong))}.")
        texts = {key: value for key, value in entry.items() if key != "entry"}
        if bare := ", ".join(key for key, value in texts.items() if not isinstance(value, str)):
            raise LedgerError(f"Claim {name} in {path.name}: put quotes around the value of {bare}.")
        claims[name] = _claim(entry, path)
    for name, instead in retired.items():
        if not _names(instead):
            raise LedgerError(f"[retired] in {path.name}: say in a list what stands in the place of {name}.")
        if lost := ", ".join(sorted(set(instead) - set(claims))):
            raise LedgerError(f"[retired] in {path.name}: {lost}, in the place of {name}, is no claim.")
    return claims


def _names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(it, str) for it in value)


def _book(path: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Read what a file holds: claims, and the ids that are used no more, with what stands in their place."""
    try:
        book = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise LedgerError(f"{path.name} is not TOML: {error}.") from None
    entries, retired = book.pop("claim", []), book.pop("retired", {})
    wrong = list(book)
    wrong += ["[claim]"] * (not isinstance(entries, list)) + ["retired"] * (not isinstance(retired, dict))
    if wrong:
        words = "[[claim]] entries, [retired] and nothing else"
        raise LedgerError(f"{path.name} holds {words}, but also {', '.join(wrong)}.")
    return entries, retired


def _claim(entry: dict[str, Any], path: Path) -> Claim:
    name = entry["id"]
    for key, words in (("kind", [*Kind]), ("verdict", [Verdict.HOLDS, Verdict.REFUTED])):
        if entry[key] not in words:
            wanted = " or ".join(words)
            raise LedgerError(f"Claim {name} in {path.name}: {key} is {wanted}, not {entry[key]!r}.")
    if not _names(entries := entry.get("entry", [])) or bool(entries) != (entry["kind"] == Kind.POSTED):
        raise LedgerError(
            f"Claim {name} in {path.name}: a posted claim, and no other, names the entries of posts.toml "
            'that it restates, as in entry = ["P000-03"].'
        )
    read = {"kind": Kind(entry["kind"]), "verdict": Verdict(entry["verdict"]), "entry": tuple(entries)}
    claim = Claim(**{**entry, **read})
    unsafe = claim.kind in (Kind.POSTED, Kind.ASSUMED)  # people believe it, and need something instead
    if unsafe and claim.verdict is Verdict.REFUTED and not claim.corrected:
        raise LedgerError(f"Claim {name} is {claim.kind} and refuted: write its corrected sentence.")
    return claim


def read(found: Comparison, reading: Reading) -> Verdict:
    """Compute the verdict of one reading: a claim holds when the table shows every answer it predicts.

    Kind and value count: True is not 1, nor is 1.0.

    Raise KeyError for a question or side that the table does not have, ValueError for a reading that predicts
    nothing.
    """
    answers = []
    for question, sides in reading.items():
        for side, expected in sides.items():
            if (question, side) not in found.answers:
                there = "; ".join(found.asked) if question not in found.asked else ", ".join(found.sides)
                raise KeyError(f"The table has no {question!r} / {side!r}. It has: {there}.")
            answers.append((found.answers[question, side], expected))
    if not answers:
        raise ValueError("A reading that predicts nothing cannot fail: give a question, a side, an answer.")
    if any(isinstance(came, Broken) for came, _ in answers):
        return Verdict.BROKEN
    if any(isinstance(came, NotTested) for came, _ in answers):
        return Verdict.NOT_TESTED
    return Verdict.HOLDS if all(same(came, expected) for came, expected in answers) else Verdict.REFUTED


Reporter: TypeAlias = Callable[[Comparison, Mapping[str, Reading]], None]
_REPORT: ContextVar[Reporter | None] = ContextVar("report", default=None)


@contextlib.contextmanager
def reporting(report: Reporter) -> Iterator[None]:
    """Hand what `check` is asked to `report` inside the block, instead of judging it by the ledger."""
    token = _REPORT.set(report)
    try:
        yield
    finally:
        _REPORT.reset(token)


def check(found: Comparison, readings: Mapping[str, Reading]) -> Verdicts:
    """Compute the verdict of every claim, and compare it with the ledger.

    `readings` say what the table would show if the sentence were true. Raise Disagreement with the sentence,
    what was expected, what came and the lanes when a verdict is not the ledger's; KeyError for a claim,
    question or side that does not exist; ValueError for a reading that predicts nothing, or no reading. In a
    learner's kernel (see `labs.host.learner`) the code may be changed: what differs from the lesson, or has
    gone, is then told beside the verdict of this code, and not raised.
    """
    if not readings:
        raise ValueError("A check without a claim cannot fail: give it readings by claim id.")
    if report := _REPORT.get():
        report(found, readings)
        return Verdicts(())
    rulings = []
    for name, reading in readings.items():
        if name not in ledger():
            raise KeyError(f"No claim {name} is in the ledger: add it to {LEDGER.name}, or correct the id.")
        claim = ledger()[name]
        try:
            ruling = Ruling(claim, read(found, reading), reading, found.answers)
        except (KeyError, ValueError) as error:
            if strict():
                raise
            ruling = Changed(claim, Verdict.NOT_TESTED, reading, found.answers, str(error.args[0]))
        rulings.append(ruling)
    wrong = [it for it in rulings if it.verdict not in (it.claim.verdict, Verdict.NOT_TESTED)]
    if wrong and strict():
        raise Disagreement(_disagreement(found, wrong)) from _cause(found)
    return Verdicts(tuple(_changed(it) if it in wrong else it for it in rulings))


def _changed(it: Ruling) -> Ruling:
    return Changed(it.claim, it.verdict, it.reading, it.recorded)


def _disagreement(found: Comparison, wrong: list[Ruling]) -> str:
    said = [f"expected {it.claim.verdict}, measured {it.verdict}\n{it}" for it in wrong]
    lanes = [f"{side}:\n{found[side].lanes()}" for side in found.sides]
    return Page("\n\n".join(["The ledger and the recording disagree.", *said, *lanes]))


def _cause(found: Comparison) -> BaseException | None:
    return next((it.error for it in found.answers.values() if isinstance(it, Broken)), None)
