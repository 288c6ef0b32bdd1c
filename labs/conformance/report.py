"""What is printed of results: of one proxy, and of several side by side."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from labs.conformance.registry import TOPICS
from labs.conformance.result import Results
from labs.conformance.verdict import BROKEN, FAILED, MARKS, NOT_APPLICABLE, PASSED
from labs.show.page import Page

__all__ = ["Report", "by_topic", "dump", "explain", "matrix", "suspicious"]

SHOWN = 3  # failing checks whose bytes are shown: the next ones come when these pass


@dataclass(frozen=True)
class Report:
    """Hold what the list found of a proxy; its repr says it by topic, and shows the first failing checks."""

    results: Results

    @property
    def passed(self) -> tuple[str, ...]:
        """The ids of the checks that pass."""
        return self.results.ids(PASSED)

    @property
    def missing(self) -> tuple[str, ...]:
        """The ids of those that do not, in the order of the list; what is not applicable is in neither."""
        return tuple(it.id for it in self.results.results if it.verdict in (FAILED, BROKEN))

    def __repr__(self) -> str:
        passed, of = self.results.score
        lines = [f"{passed} of {of} checks pass", ""]
        topics = dict.fromkeys(it.topic for it in self.results.results)
        wide = max(map(len, topics), default=0)
        for topic in topics:
            mine = [it for it in self.results.results if it.topic == topic and it.verdict != NOT_APPLICABLE]
            failed = [it.id for it in mine if it.verdict != PASSED]
            mark, rest = ("✗", "  not yet: " + " ".join(failed)) if failed else ("✓", "")
            name = topic.replace("_", "-").ljust(wide)
            lines.append(f"{mark} {name}  {len(mine) - len(failed):2} of {len(mine):2}{rest}")
        first = [it for it in self.results.results if it.id in self.missing[:SHOWN]]
        if first:
            lines += ["", str(explain(Results(tuple(first))))]
        if len(self.missing) > SHOWN:
            lines += ["", f"… and {len(self.missing) - SHOWN} more: put right what is shown, and run again."]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return Page(repr(self))._repr_html_()


def by_topic(results: Mapping[str, Results]) -> Page:
    """Return a row a topic, a column a proxy: how many checks passed, of how many that could be put to it."""
    known = {it.topic for each in results.values() for it in each.results}
    rows = [
        [topic.replace("_", "-"), *(_count(it, topic) for it in results.values())]
        for topic in TOPICS
        if topic in known
    ]
    rows = [["", *results], *rows, ["all", *("{} of {}".format(*it.score) for it in results.values())]]
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(wide[0]), *(it.rjust(w) for it, w in zip(row[1:], wide[1:], strict=True))])
        for row in rows
    ]
    return Page("\n".join(line.rstrip() for line in lines))


def _count(results: Results, topic: str) -> str:
    mine = [it.verdict for it in results.results if it.topic == topic and it.verdict != NOT_APPLICABLE]
    return f"{mine.count(PASSED)} of {len(mine)}"


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
    lines += [f"{name}: {_score(results[name])}" for name in names]
    lines.append("✓ passed   ✗ failed   ! the lab failed   – not applicable")
    return Page("\n".join(lines))


def _score(results: Results) -> str:
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
