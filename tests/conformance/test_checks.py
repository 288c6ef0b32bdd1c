"""The conformance list: it tells right from wrong proxies, by id, and is broken by the lab's faults only."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from labs.conformance import Results, Site, __main__, checks, in_town, matrix, suspicious
from labs.conformance.report import dump
from labs.conformance.runner import run
from labs.gateway import Options, runner
from labs.gateway.relay import Relay
from labs.servers.fronts import posted, typical
from tests.conformance.proxies import liar, refuser, relay
from tests.conformance.support import put
from tests.support import remains

PROXIES = {
    "posted": lambda site: posted(site.target, site.connect),
    "typical": lambda site: typical(site.target, site.connect),
    "relay": relay,
    "liar": lambda site: liar,
    "refuser": lambda site: refuser,
}
# What aiohttp's server owes and does, before any handler is asked.
BY_THE_SERVER = {"FRAME-6", "FRAME-7", "FRAME-16", "FRAME-18", "FRAME-19", "METHOD-5", "FIELD-10"}
BY_THE_SERVER |= {"LIMIT-1", "LIMIT-2", "LIMIT-3"}


@pytest.fixture(scope="module")
def found() -> dict[str, Results]:
    async def go() -> dict[str, Results]:
        each = await asyncio.gather(*(run(in_town(build)) for build in PROXIES.values()))
        assert remains() == []
        return dict(zip(PROXIES, each, strict=True))

    return asyncio.run(go())


def test_the_posted_proxy_fails_what_it_should(found: dict[str, Results]) -> None:
    results = found["posted"]
    must = {"HOP-1", "HOP-3", "HOP-5", "FRAME-1", "FRAME-4", "CODE-1", "TARGET-1", "TARGET-5", "BODY-1"}
    must |= {
        "FIELD-4",
        "REDIR-1",
        "COOKIE-2",
        "AUTH-1",
        "ERROR-1",
        "STREAM-1",
        "STREAM-3",
        "LEAVE-1",
        "UPGRADE-1",
    }
    assert must <= set(results.ids("failed"))
    assert {"HOP-7", "METHOD-2", "METHOD-4", "FIELD-3", "COOKIE-1", "RETRY-1"} <= set(results.ids("passed"))
    surplus = results["FRAME-4"]
    assert surplus.why == "bytes after the declared end of an answer became the next answer"
    assert "X-Forged: yes" in surplus.bytes


def test_the_typical_proxy_passes_what_it_should(found: dict[str, Results]) -> None:
    results = found["typical"]
    right = {"HOP-4", "HOP-5", "FRAME-1", "FRAME-4", "FRAME-11", "FRAME-12", "BODY-2", "BODY-8", "FIELD-1"}
    right |= {"FIELD-3", "REDIR-1", "AUTH-1", "ERROR-1", "STREAM-1", "STREAM-2", "STREAM-3", "STREAM-4"}
    right |= {"RETRY-1", "RETRY-2", "STOP-1", "STOP-2"}
    assert right <= set(results.ids("passed"))
    wrong = {"HOP-1", "FRAME-5", "CODE-1", "CODE-4", "COOKIE-1", "LEAVE-1", "LEAVE-2", "RETRY-3"}
    assert wrong <= set(results.ids("failed"))
    assert results["COOKIE-1"].why == "Bob's request carried Cookie: sid=alice"


def test_a_relay_of_bytes_passes_what_is_about_bytes_and_fails_what_is_about_http(
    found: dict[str, Results],
) -> None:
    results = found["relay"]
    of_bytes = {
        it.id for it in checks() if it.topic in ("codings", "bodies", "fields", "streaming", "leaving")
    }
    of_bytes |= {it.id for it in checks() if it.topic in ("retry", "cookies")} - {"FIELD-10"}
    assert of_bytes - {"FIELD-10", "COOKIE-5"} <= set(results.ids("passed"))
    assert {"UPGRADE-2", "UPGRADE-5", "INTERIM-2", "METHOD-6", "TARGET-9"} <= set(results.ids("passed"))
    of_http = {it.id for it in checks() if it.topic in ("hop_by_hop", "limits")} - {"LIMIT-5"}
    of_http |= {"FRAME-3", "FRAME-5", "FRAME-7", "FRAME-18", "METHOD-5", "FORWARD-5", "AUTH-2", "ERROR-1"}
    assert of_http <= set(results.ids("failed"))


def test_no_check_passes_for_a_proxy_that_asks_nobody(found: dict[str, Results]) -> None:
    assert set(found["liar"].ids("passed")) == BY_THE_SERVER
    assert set(found["refuser"].ids("passed")) == BY_THE_SERVER | {"ERROR-1"}


def test_every_check_can_fail_and_none_is_broken(found: dict[str, Results]) -> None:
    assert {name: each.ids("broken") for name, each in found.items() if each.ids("broken")} == {}
    needs = {it.id for it in checks() if it.needs}
    assert set(suspicious(found)["nobody fails"]) == needs


def test_a_failure_is_told_with_its_bytes(found: dict[str, Results]) -> None:
    for it in found["posted"].results:
        if it.verdict == "failed":
            assert it.why and "\n" not in it.why and ("client → proxy" in it.bytes or it.id == "ERROR-1"), (
                it.id
            )


def test_the_matrix_has_a_row_a_check_and_a_score_a_proxy(found: dict[str, Results]) -> None:
    page = matrix({name: found[name] for name in ("posted", "typical")})
    lines = page.split("\n")
    assert lines[:3] == ["┌ posted", "│ ┌ typical", "│ │ HOP-BY-HOP"]
    assert any(it.startswith("✗ ✓ REDIR-1") for it in lines) and any(
        it.startswith("– – ERROR-6") for it in lines
    )
    passed, of = found["posted"].score
    assert f"posted: {passed} of {of} passed" in lines
    told = json.loads(dump(found))
    assert told["posted"]["score"] == [passed, of]
    assert {"id", "clause", "verdict", "why", "hint", "bytes"} <= set(told["posted"]["results"][0])


def test_a_limit_that_is_promised_and_not_kept_is_found() -> None:
    def build(site: Site) -> web.Application:
        site.settings.update(site.check.needs)
        return typical(site.target, site.connect)

    assert put(build, ["ERROR-6", "LIMIT-5"]).ids("failed") == ("ERROR-6", "LIMIT-5")


STOPS = {"STOP-1", "STOP-2"}  # a town stops a bare server at once; tests/gateway/test___main__.py stops it
# What aiohttp's server does before the gateway is asked: the compiled parser knows a table of methods, and
# HTTP/1.0 and 1.1.
BY_AIOHTTP = {
    "direct": {"METHOD-6", "VERSION-2"},
    "session": {"METHOD-6", "VERSION-2", "TARGET-3", "TARGET-9", "BODY-3", "FIELD-5", "INTERIM-2"},
}


@pytest.mark.parametrize(
    ("within", "leg", "more"),
    [
        ("an application", "direct", set()),
        ("an application", "session", set()),
        ("the program's server", "direct", STOPS),
    ],
)
def test_the_gateway_passes_everything_that_aiohttp_lets_it(
    within: str, leg: str, more: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    relays: list[Relay] = []

    def bare(origin: str, options: Options, *, connector: Any, dial: Any) -> web.Server:
        relays.append(Relay.over(origin, options, connector, dial))
        return runner.server(relays[-1], options)

    async def go() -> Results:
        if within != "an application":
            monkeypatch.setattr("labs.gateway.gateway", bare)
        results = await run(__main__._gateway(leg))
        assert bool(relays) == (within != "an application")
        await asyncio.gather(*(relay.stop() for relay in relays))
        assert remains() == []
        return results

    results = asyncio.run(go())
    assert set(results.ids("failed")) == BY_AIOHTTP[leg] | more
    assert not results.ids("broken") and not results.ids("not applicable")
