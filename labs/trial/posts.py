"""The posts that the course began from, entry by entry, and whether the ledger is fair to them."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from labs.trial.claims import Claim, Kind, LedgerError, Verdict

__all__ = ["Fair", "Passage", "Post", "passages", "posts", "unfair"]

POSTS = Path(__file__).with_name("posts.toml")
KINDS = ("sentence", "code", "comment")


class Fair(StrEnum):
    """Say what a fair reading makes of an entry."""

    HOLDS = "holds"
    REFUTED = "refuted"
    TRAP = "trap beside"  # it holds; what it is often taken for does not, and nobody has posted that
    NOT_TESTABLE = "not testable"


@dataclass(frozen=True)
class Passage:
    """Hold one entry of the posts: what stands there, restated, and what becomes of it."""

    id: str
    section: str
    sentence: str
    kind: str
    verdict: Fair
    claims: tuple[str, ...] = ()  # that compute it
    trap: tuple[str, ...] = ()  # the claims of our own that try what stands beside it
    lesson: str = ""  # the one planned for it, where no claim computes it


@dataclass(frozen=True)
class Post:
    """Hold what a post is called, and the day that it says of itself."""

    id: str
    title: str
    date: str


@cache
def posts(path: Path = POSTS) -> Mapping[str, Post]:
    """Read the posts by id, in their order. Raise LedgerError when the file cannot be read."""
    try:
        book = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise LedgerError(f"{path.name} is not TOML: {error}.") from None
    return {name: Post(name, it["title"], str(it["date"])) for name, it in book.get("post", {}).items()}


@cache
def passages(path: Path = POSTS) -> Mapping[str, Passage]:
    """Read the entries of the posts by id. Raise LedgerError with the id and what to do."""
    try:
        book = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise LedgerError(f"{path.name} is not TOML: {error}.") from None
    found: dict[str, Passage] = {}
    for entry in book.get("entry", []):
        name = str(entry.get("id", "(no id)"))
        if name in found:
            raise LedgerError(f"Entry {name} stands twice in {path.name}: give the second a new id.")
        if name.partition("-")[0] not in book.get("post", {}):
            raise LedgerError(f"Entry {name} in {path.name} is of no [post]: correct its id.")
        found[name] = _passage(name, entry, path)
    return found


def _passage(name: str, entry: dict[str, Any], path: Path) -> Passage:
    known = [it.name for it in fields(Passage)]
    wrong = [key for key in known[:5] if not entry.get(key)] or sorted(set(entry) - set(known))
    if wrong:
        raise LedgerError(f"Entry {name} in {path.name} lacks or misspells: {', '.join(wrong)}.")
    for key, words in (("kind", KINDS), ("verdict", [*Fair])):
        if entry[key] not in words:
            wanted = " or ".join(words)
            raise LedgerError(f"Entry {name} in {path.name}: {key} is {wanted}, not {entry[key]!r}.")
    if bare := [key for key in ("claims", "trap") if not isinstance(entry.get(key, []), list)]:
        raise LedgerError(f"Entry {name} in {path.name}: write {' and '.join(bare)} as a list of ids.")
    lists = {key: tuple(entry.get(key, ())) for key in ("claims", "trap")}
    return Passage(**{**entry, **lists, "verdict": Fair(entry["verdict"])})


def unfair(
    ledger: Mapping[str, Claim],
    posts: Mapping[str, Passage],
    written: Collection[str] = (),
    chosen: Collection[str] | None = None,
) -> Iterator[str]:
    """Go through what is wrong between ledger and posts: a sentence each that says what to do.

    `written` are the names of the lessons that there are: what belongs to one of them must be computed. With
    `chosen`, only what concerns these lessons is told.
    """
    for claim in ledger.values():
        for name in claim.entry if chosen is None or claim.lesson in chosen else ():
            if name not in posts:
                yield f"labs/trial/claims.toml, {claim.id}: no entry {name} is in posts.toml: correct it."
            elif claim.id not in posts[name].claims:
                yield f"labs/trial/posts.toml, {name}: {claim.id} names it as its entry: add it to claims."
            elif (posts[name].verdict is Fair.REFUTED) != (claim.verdict is Verdict.REFUTED):
                yield (
                    f"labs/trial/claims.toml, {claim.id} is called {claim.verdict} and its entry {name} "
                    f"{posts[name].verdict}: restate what the post says, or make it a claim of our own."
                )
    numbers = {name[:2]: name for name in written}
    for it in posts.values():
        lessons = {ledger[name].lesson for name in it.claims if name in ledger} | {numbers.get(it.lesson[:2])}
        if chosen is None or lessons & set(chosen):
            yield from _entry(it, ledger, numbers)


def _entry(it: Passage, ledger: Mapping[str, Claim], numbers: Mapping[str, str]) -> Iterator[str]:
    where = f"labs/trial/posts.toml, {it.id}"
    for name in (*it.claims, *it.trap):
        if name not in ledger:
            yield f"{where}: no claim {name} is in the ledger: correct it."
        elif name in it.claims and ledger[name].kind is Kind.POSTED and it.id not in ledger[name].entry:
            yield f"{where}: {name} is posted and does not name it: add it to the entry of {name}."
        elif name in it.trap and ledger[name].kind is Kind.POSTED:
            yield f"{where}: {name} is posted, and a trap is nobody's sentence: take it out of trap."
    if it.trap and it.verdict is not Fair.TRAP:
        yield f"{where}: it has a trap and is called {it.verdict}: call it {Fair.TRAP}, or take out the trap."
    if it.verdict is Fair.NOT_TESTABLE:
        if it.claims or it.lesson:
            yield f"{where}: it is called {it.verdict}: take out its claims and its lesson."
    elif bool(it.claims) == bool(it.lesson):
        yield f"{where}: give it the claims that compute it, or the lesson that is planned for it."
    elif lesson := numbers.get(it.lesson[:2]):
        yield f"{where}: it belongs to {lesson} and nobody computes it: check a claim there, and name it."
