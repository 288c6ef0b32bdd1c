"""What each release of aiohttp made of the claims: stored as JSON, and shown as a page."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from labs import cookies
from labs.course import lesson
from labs.course.doctor import pins
from labs.paths import REQUIREMENTS, RESULTS
from labs.trial.claims import Claim

__all__ = [
    "FAILED",
    "PASSED",
    "ReleaseResults",
    "aged",
    "cookie_cases",
    "digests",
    "findings",
    "known",
    "order",
    "pinned",
    "stored",
    "write",
]

PASSED, FAILED = "passed", "failed"  # what a cookie case comes to, if the lab is not broken


@dataclass(frozen=True)
class ReleaseResults:
    """Hold what one release gave.

    `claims` maps ids to verdicts, `cases` the ids of cookie cases to "passed", "failed" or "broken". `why`
    has a sentence for each claim that is not as the ledger says, for each case that did not pass, and for
    each lesson that stopped after its last claim. `packages` are what aiohttp brings. `lessons` has the
    digest of each lesson as it was run.
    """

    aiohttp: str
    python: str
    system: str
    packages: Mapping[str, str]
    claims: Mapping[str, str]
    cases: Mapping[str, str] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    lessons: Mapping[str, str] = field(default_factory=dict)


def order(release: str) -> tuple[tuple[int, ...], str]:
    """Return the place of a release among others: "3.9.5", "3.10.11", "3.10.11-pure"."""
    return tuple(map(int, re.findall(r"\d+", release))), release


def pinned(requirements: Path = REQUIREMENTS) -> str:
    """Return the release of aiohttp that the lab pins."""
    return dict(pins(requirements.read_text("utf-8")))["aiohttp"]


def stored(folder: Path = RESULTS) -> list[ReleaseResults]:
    """Read every stored result, the oldest release first."""
    files = sorted(folder.glob("aiohttp-*.json"), key=lambda file: order(file.stem))
    return [ReleaseResults(**json.loads(file.read_text("utf-8"))) for file in files]


def write(results: ReleaseResults, folder: Path = RESULTS) -> Path:
    """Store the results of one release and return the file."""
    folder.mkdir(exist_ok=True)
    file = folder / f"aiohttp-{results.aiohttp}.json"
    text = json.dumps(dataclasses.asdict(results), indent=2, ensure_ascii=False)
    file.write_text(text + "\n", "utf-8", newline="\n")
    return file


def cookie_cases() -> dict[str, str]:
    """Return the cookie cases by id, with what each says."""
    return {name: case.says for name, case in cookies.cases().items()}


def digests() -> dict[str, str]:
    """Return the digest of every lesson as it is."""
    return {source.stem: lesson.digest(source) for source in lesson.sources()}


def aged(found: ReleaseResults, now: Mapping[str, str]) -> list[str]:
    """Name the lessons that a release did not run with the code that they have now."""
    return [name for name, digest in now.items() if found.lessons.get(name) != digest]


def known(found: ReleaseResults, ledger: Mapping[str, Claim]) -> ReleaseResults:
    """Return results in the order of the ledger, without claims, cases and lessons that are no more."""
    claims = {name: found.claims[name] for name in ledger if name in found.claims}
    cases = {name: found.cases[name] for name in cookie_cases() if name in found.cases}
    names = [*ledger, *cases, *dict.fromkeys(claim.lesson for claim in ledger.values())]
    why = {name: found.why[name] for name in names if found.why.get(name)}
    lessons = {name: found.lessons[name] for name in names if name in found.lessons}
    return dataclasses.replace(found, claims=claims, cases=cases, why=why, lessons=lessons)


def findings(
    ledger: Mapping[str, Claim],
    now: Mapping[str, str],
    folder: Path = RESULTS,
    release: str | None = None,
) -> Iterator[str]:
    """Find where what is stored for the pinned release does not fit the ledger; it runs nothing.

    `now` has the digest of each lesson. Of other releases, only what is stored of claims that are no more is
    a finding: what is missing there is not tested, and what an older lesson gave stays; the page says both.
    """
    release = release or pinned()
    every = stored(folder)
    here = next((it for it in every if it.aiohttp == release), None)
    if here is None:
        yield f"results/ has nothing of aiohttp {release}, which the lab pins: run `make versions`."
        return
    untested = sorted({claim.lesson[:2] for name, claim in ledger.items() if name not in here.claims})
    if untested:
        line = " ".join(f"--lesson {number}" for number in untested)
        yield f"results/ lacks claims of aiohttp {release}: run `python -m labs versions {release} {line}`."
    elif old := aged(here, now):
        line = " ".join(f"--lesson {name[:2]}" for name in old)
        words = f"results/ has what {', '.join(old)} gave before the code changed"
        yield f"{words}: run `python -m labs versions {release} {line}`."
    for name, claim in ledger.items():
        if (verdict := here.claims.get(name, claim.verdict)) != claim.verdict:
            why = here.why.get(name, "no reason is stored")
            yield f"{name} is {claim.verdict} in the ledger, {verdict} in aiohttp {release}'s results: {why}"
    for results in every:
        if unknown := sorted(results.claims.keys() - ledger.keys()):
            words = f"results/aiohttp-{results.aiohttp}.json has {', '.join(unknown)}, not in the ledger"
            yield f"{words}: run `python -m labs versions --page`."
