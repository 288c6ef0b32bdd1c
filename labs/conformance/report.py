"""The table of topics: how many checks of each topic a proxy passes."""

from __future__ import annotations

from collections.abc import Mapping

from labs.conformance.registry import TOPICS
from labs.conformance.results import NOT_APPLICABLE, PASSED, Results
from labs.show.page import Page

__all__ = ["by_topic"]


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
