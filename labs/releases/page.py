"""What changed from release to release: the page of claims and releases, from what is stored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from labs.paths import RESULTS
from labs.releases.apart import NOT_COMPARABLE, reasons, set_apart
from labs.releases.store import FAILED, PASSED, ReleaseResults, aged, cookie_cases, digests, pinned, stored
from labs.trial.claims import Claim, Verdict, ledger

__all__ = ["is_news", "page", "stale", "write"]

MARKS: Mapping[str, str] = {
    Verdict.HOLDS: "✓",
    Verdict.REFUTED: "✗",
    Verdict.BROKEN: "!",
    Verdict.NOT_TESTED: "·",
    NOT_COMPARABLE: "–",
}
CASE_MARKS = {PASSED: "✓", FAILED: "✗", Verdict.BROKEN: "!", Verdict.NOT_TESTED: "·"}
TITLE = "# Which claims hold in which aiohttp?"
INTRO = """\
`make versions` runs every lesson with one release of aiohttp after the other, each in an environment of its
own, and writes this page and the results beside it. Do not edit them; what cannot be compared, with the
reason, stands in [not_comparable.toml](not_comparable.toml)."""
KEY = """\
✓ holds · ✗ refuted · ! broken: the lab could not run it, which is no verdict on the claim · `·` not tested ·
– not comparable: the release does not do what the claim speaks of

`-pure`: with aiohttp's parser in Python, as PyPy and browsers run it"""
UNRUN = "Where a lesson is named, and no claim, it stopped after its last claim."
CASE_KEY = """\
The walks of lesson 08, each from a section of RFC 6265 or of its successor, by a plain `ClientSession`, step
by step. Where a redirect leads to the next step, 3.10 and 3.11 send its cookies on, whatever the jar says:
L08a.

✓ sends what one of the two demands · ✗ sends something else, or never arrives · ! broken · `·` not tested"""
NAME = "README.md"  # so that GitHub shows it with the folder
Reason = tuple[str, str, str]  # what, release, words


def is_news(results: ReleaseResults, claim: Claim) -> bool:
    """Tell whether a release gives another verdict than the ledger; what is broken or set apart is none."""
    verdict = results.claims.get(claim.id)
    return verdict in (Verdict.HOLDS, Verdict.REFUTED) and verdict != claim.verdict


def page(
    every: Sequence[ReleaseResults],
    ledger: Mapping[str, Claim],
    pinned: str,
    cases: Mapping[str, str],
    now: Mapping[str, str],
) -> str:
    """Write the page as GitHub shows it, news first.

    `pinned` is the release whose verdicts are the ledger's, `cases` has a sentence for each cookie case, and
    `now` the digest of each lesson as it is.
    """
    if not every:
        return f"{TITLE}\n\nNothing is stored yet: run `make versions`.\n"
    heads = [f"**{it.aiohttp}**" if it.aiohttp == pinned else it.aiohttp for it in every]
    pythons = " and ".join(sorted({f"Python {it.python} on {it.system}" for it in every}))
    parts = [TITLE, INTRO, f"Measured with {pythons}. The ledger is that of aiohttp {pinned}.", KEY]
    parts += _claims(every, ledger, heads, now)
    if any(it.cases for it in every):
        parts += _cases(every, cases, heads)
    return "\n\n".join(parts) + "\n"


def write(folder: Path = RESULTS) -> Path:
    """Write the page of what is stored, and return its file."""
    file = folder / NAME
    file.write_text(_fresh(folder), "utf-8", newline="\n")
    return file


def stale(folder: Path = RESULTS) -> Iterator[str]:
    """Find whether the page is not what is stored, as `labs check` asks."""
    file = folder / NAME
    if not file.exists() or file.read_text("utf-8") != _fresh(folder):
        yield f"{folder.name}/{NAME} is not what is stored: run `python -m labs versions --page`."


def _fresh(folder: Path) -> str:
    every = [set_apart(it, reasons(folder)) for it in stored(folder)]
    return page(every, ledger(), pinned(), cookie_cases(), digests())


def _claims(
    every: Sequence[ReleaseResults], ledger: Mapping[str, Claim], heads: list[str], now: Mapping[str, str]
) -> list[str]:
    def table(names: Iterable[str]) -> str:
        marks = {name: [MARKS[_verdict(it, name)] for it in every] for name in names}
        return _table(["claim", *heads, ""], [[n, *marks[n], _plain(ledger[n].sentence)] for n in marks])

    lessons = dict.fromkeys(claim.lesson for claim in ledger.values())
    news = [(name, it) for name in ledger for it in every if is_news(it, ledger[name])]
    apart = [(name, it) for name in ledger for it in every if _verdict(it, name) == NOT_COMPARABLE]
    verbs: Mapping[str, str] = {Verdict.HOLDS: "holds", Verdict.REFUTED: "is refuted"}
    told = [(f"{name} {verbs[_verdict(it, name)]}", it.aiohttp, it.why.get(name, "")) for name, it in news]
    others = [(name, it) for name in (*ledger, *lessons) for it in every if (name, it) not in news + apart]
    unrun = [(name, it.aiohttp, it.why[name]) for name, it in others if name in it.why]
    parts = ["## News: not the verdict of the ledger"]
    parts += [table(dict.fromkeys(name for name, _ in news)), _list(told)] if news else ["None."]
    set_aside = _list((name, it.aiohttp, it.why[name]) for name, it in apart)
    parts += ["## Not comparable", set_aside or "Nothing."]
    parts += ["## What the lab could not run", UNRUN, _list(unrun) or "Nothing."]
    old = [(name, it.aiohttp, "") for name in now for it in every if name in aged(it, now)]
    parts += ["## Lessons that were not run with today's code", _list(old) or "None.", "## Every claim"]
    for lesson in lessons:
        names = (name for name, claim in ledger.items() if claim.lesson == lesson)
        parts += [f"### [{lesson}](../notebooks/{lesson}.ipynb)", table(names)]
    return parts


def _verdict(results: ReleaseResults, name: str) -> str:
    return results.claims.get(name, Verdict.NOT_TESTED)


def _cases(every: Sequence[ReleaseResults], cases: Mapping[str, str], heads: list[str]) -> list[str]:
    came = {name: [it.cases.get(name, Verdict.NOT_TESTED) for it in every] for name in cases}

    def table(names: list[str]) -> str:
        rows = [[name, *(CASE_MARKS[it] for it in came[name]), _plain(cases[name])] for name in names]
        return _table(["case", *heads, ""], rows) if rows else "None."

    other = [name for name in cases if len(set(came[name])) > 1]
    same = [name for name in cases if name not in other]
    told = [(name, it.aiohttp, it.why[name]) for name in other for it in every if name in it.why]
    parts = ["## Cookie cases", CASE_KEY, "### Not the same in every release", table(other), _list(told)]
    return [*parts, "### The same in every release", table(same)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---", *[":-:"] * (len(head) - 2), "---"]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def _list(told: Iterable[Reason]) -> str:
    """List reasons; what has the same releases and words stands in one line."""
    releases: dict[tuple[str, str], list[str]] = {}
    for what, release, words in told:
        releases.setdefault((what, words), []).append(release)
    together: dict[tuple[str, str], list[str]] = {}
    for (what, words), where in releases.items():
        together.setdefault((", ".join(where), words), []).append(what)
    lines = (
        f"* {', '.join(what)} in {where}{': ' if words else ''}{_plain(words)}"
        for (where, words), what in together.items()
    )
    return "\n".join(lines)


def _plain(sentence: str) -> str:
    # Outside of code, Markdown would take these for its own; a bar ends the cell of a table even in code.
    pieces = re.split(r"(`[^`]*`)", sentence)
    pieces[::2] = [re.sub(r"([\\*_<>\[\]])", r"\\\1", it) for it in pieces[::2]]
    return "".join(pieces).replace("|", r"\|")
