"""The page of verdicts: every sentence of the posts in their order, and where it is computed."""

from __future__ import annotations

import argparse
import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from labs.course.lesson import cut, sources
from labs.host.paths import NOTEBOOKS
from labs.trial.claims import Claim, Kind, ledger
from labs.trial.posts import Fair, Passage, Post, passages, posts

__all__ = ["claims_command", "counts", "page", "places"]

Places: TypeAlias = Mapping[str, tuple[str, int]]  # of a claim: the lesson, and the number of the code cell
MARKS = {Fair.HOLDS: "✓", Fair.TRAP: "✓ !", Fair.REFUTED: "✗", Fair.NOT_TESTABLE: "–"}
PARTS = {  # in this order: what a post is right about comes first
    Fair.HOLDS: "What holds",
    Fair.TRAP: "What holds, with a trap beside it",
    Fair.REFUTED: "What does not hold",
    Fair.NOT_TESTABLE: "What cannot be tried",
}
INTRODUCTION = """\
# The four posts, sentence by sentence

This course began from four blog posts. Here is each of their sentences, restated in other words with its
own conditions, and what a recording makes of it. Whoever writes a post helps strangers for nothing, and
most of what these say is right: so that comes first. A *trap* is not in the post: it is what a reader may
wrongly add to a sentence that holds.

Only the sentences are written by hand ([labs/trial/posts.toml](labs/trial/posts.toml)). Each verdict is
computed in the code cell that is named, and CI compares it. What the releases of aiohttp make of the same
claims is in [results](results/README.md).
"""


def counts(entries: Mapping[str, Passage], post: str) -> Mapping[Fair, int]:
    """Count the entries of a post by what a fair reading makes of them."""
    found = Counter(it.verdict for it in entries.values() if it.id.startswith(post))
    return {verdict: found[verdict] for verdict in PARTS}


def places(notebooks: Path = NOTEBOOKS) -> Places:
    """Find where each claim is checked: the lesson's name, and the number of the code cell, from one."""
    found: dict[str, tuple[str, int]] = {}
    for source in sources(notebooks):
        code = [it for it in cut(source, solved=False).cells if it.cell_type == "code"]
        for number, cell in enumerate(code, 1):
            for name in _checked(cell.source):
                found[name] = (source.stem, number)
    return found


def _checked(text: str) -> Iterator[str]:
    tree = compile(text, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(tree, ast.AST)
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="check"), args=[_, ast.Dict(keys=keys), *_]):
                yield from (str(key.value) for key in keys if isinstance(key, ast.Constant))


def page(notebooks: Path = NOTEBOOKS) -> str:
    """Write the page. Raise LedgerError or LessonError when a ledger or a lesson cannot be read."""
    claims, entries, where = ledger(), passages(), places(notebooks)
    blocks = [INTRODUCTION, _table(entries, posts())]
    for post in posts().values():
        blocks.append(f"## {post.title}\n\n{post.date}\n")
        for verdict, heading in PARTS.items():
            some = [it for it in entries.values() if it.id.startswith(post.id) and it.verdict is verdict]
            if some:
                lines = [line for it in some for line in _entry(it, claims, where)]
                blocks.append("\n".join([f"### {heading}\n", *lines, ""]))
    return "\n".join(blocks)


def _table(entries: Mapping[str, Passage], all_posts: Mapping[str, Post]) -> str:
    rows = [
        "| post | sentences | hold | hold, with a trap | do not hold | cannot be tried |",
        "|---|---|---|---|---|---|",
    ]
    for post in all_posts.values():
        found = counts(entries, post.id)
        numbers = " | ".join(str(found[it]) for it in PARTS)
        rows.append(f"| {post.title} | {sum(found.values())} | {numbers} |")
    return "\n".join([*rows, ""])


def _entry(it: Passage, claims: Mapping[str, Claim], where: Places) -> Iterator[str]:
    shown = ", ".join(_place(name, where) for name in it.claims)
    planned = f" (planned for lesson {it.lesson[:2]})" if it.lesson else ""
    where_from = f"**{it.id}**, {it.section}"
    yield f"* {MARKS[it.verdict]} {where_from}: {it.sentence}{f' {shown}.' if shown else planned}"
    if it.verdict is Fair.REFUTED:
        posted = (claims[name] for name in it.claims if claims[name].kind is Kind.POSTED)
        yield from (f"  * *Rather:* {said}" for said in dict.fromkeys(one.corrected for one in posted))
    for name in it.trap:
        rather = f" *Rather:* {claims[name].corrected}" if claims[name].corrected else ""
        yield f"  * *Trap* ({_place(name, where)}): {claims[name].sentence}{rather}"


def _place(name: str, where: Places) -> str:
    stem, cell = where[name]
    return f"[{name}: lesson {stem[:2]}, code cell {cell}](notebooks/{stem}.ipynb)"


def claims_command(argv: Sequence[str]) -> int:
    """Say of each post how many of its sentences hold, with a trap or without, and how many do not."""
    parser = argparse.ArgumentParser(prog="python -m labs claims", description=claims_command.__doc__)
    parser.parse_args(argv)
    entries, widths = passages(), (9, 4, 11, 7, 12, 8)
    heads = ("sentences", "hold", "trap beside", "refuted", "not testable", "computed")
    print("  ".join(map(str.rjust, heads, widths)))
    for post in posts().values():
        found = counts(entries, post.id)
        computed = sum(bool(it.claims) for it in entries.values() if it.id.startswith(post.id))
        numbers = map(str, (sum(found.values()), *found.values(), computed))
        print("  ".join(map(str.rjust, numbers, widths)), f" {post.title}, {post.date}")
    return 0
