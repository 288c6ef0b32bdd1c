"""The conformance list: it tells right from wrong proxies, by id, and is broken by the lab's faults only."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from labs.conformance import (
    Failed,
    NotApplicable,
    Results,
    Site,
    Stand,
    __main__,
    checks,
    in_town,
    matrix,
    nginx,
    outside,
    suspicious,
)
from labs.conformance import results as room
from labs.conformance.registry import TOPICS, Check, _checks, check, demand, select
from labs.conformance.results import dump, run
from labs.gateway import Options, runner
from labs.gateway.relay import Relay
from labs.servers.fronts import posted, typical
from tests.conformance.proxies import crasher, hanger, liar, refuser, relay
from tests.support import remains, turns

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


def put(build: Any, only: Any = None) -> Results:
    """Put the list to a proxy, and see that nothing stays open."""

    async def go() -> Results:
        results = await run(in_town(build), only=only)
        assert remains() == []
        return results

    return asyncio.run(go())


@pytest.fixture(scope="module")
def found() -> dict[str, Results]:
    async def go() -> dict[str, Results]:
        each = await asyncio.gather(*(run(in_town(build)) for build in PROXIES.values()))
        assert remains() == []
        return dict(zip(PROXIES, each, strict=True))

    return asyncio.run(go())


def test_every_check_has_an_id_a_clause_and_words() -> None:
    known = checks()
    assert len(known) >= 60 and len({it.id for it in known}) == len(known)
    assert {it.topic for it in known} == set(TOPICS)
    for it in known:
        assert re.fullmatch(r"[A-Z]+-[1-9][0-9]?", it.id)
        assert re.fullmatch(
            r"RFC (9110|9112|6265|6455|6585|7239) section [\d.]+|aiohttp issue \d+|lab", it.clause
        )
        assert it.sentence[0].islower() or it.sentence[0] in "PKHTSOEACMVX2341%", it.id
        assert it.hint.endswith((".", "502")) and not it.sentence.endswith("."), it.id


def test_an_id_is_given_once_and_needs_words() -> None:
    with pytest.raises(ValueError, match="Two checks are called HOP-1"):
        check(checks()[0].id, "lab", "a sentence", "A hint.")(liar)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="X-1 needs a clause, a sentence and a hint"):
        check("X-1", "lab", "a sentence", "")(liar)  # type: ignore[arg-type]
    assert "X-1" not in _checks


def test_checks_are_chosen_by_id_or_topic() -> None:
    assert [it.id for it in select(["HOP-2", "AUTH-1"])] == ["HOP-2", "AUTH-1"]
    assert {it.topic for it in select("retry")} == {"retry"}
    with pytest.raises(ValueError, match="No check and no topic is called 'nonsense'"):
        select("nonsense")


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
    assert of_bytes - {"FIELD-10"} <= set(results.ids("passed"))
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


@pytest.mark.parametrize("proxy", [crasher, hanger])
def test_a_proxy_that_crashes_or_hangs_has_failed(proxy: Any) -> None:
    results = put(lambda site: proxy, ["METHOD-1", "BODY-1", "STREAM-1", "STOP-3", "UPGRADE-1"])
    assert set(results.ids("failed")) | set(results.ids("passed")) == {it.id for it in results.results}
    assert {"METHOD-1", "BODY-1", "STREAM-1"} <= set(results.ids("failed"))


def test_a_proxy_that_is_gone_has_failed() -> None:
    class Gone(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transport.close()

    assert put(lambda site: Gone, ["HOP-1", "FRAME-3", "STREAM-3", "UPGRADE-2"]).ids("failed") == (
        "HOP-1",
        "FRAME-3",
        "STREAM-3",
        "UPGRADE-2",
    )


def test_a_stand_that_cannot_start_is_broken_and_not_failed() -> None:
    def build(site: Site) -> Any:
        raise RuntimeError("no proxy today")

    (result,) = put(build, "HOP-1").results
    assert result.verdict == "broken"
    assert result.why == "the stand did not start: RuntimeError: no proxy today"


def test_a_fault_of_a_check_is_broken_and_what_cannot_be_asked_is_not_applicable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def faulty(stand: Stand) -> None:
        raise ZeroDivisionError("in the check")

    async def impossible(stand: Stand) -> None:
        raise NotApplicable("not with this proxy")

    for body, verdict in ((faulty, "broken"), (impossible, "not applicable")):
        mine = Check("X-1", "retry", "lab", "a sentence", "A hint.", body)
        monkeypatch.setattr("labs.conformance.results.select", lambda only, mine=mine: (mine,))
        assert put(PROXIES["relay"]).ids(verdict) == ("X-1",)


def test_demand_raises_its_sentence() -> None:
    demand(True, "unsaid")
    with pytest.raises(Failed, match="^said$"):
        demand([], "said")


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


def test_the_command_prints_the_matrix_and_writes_the_json(capsys: Any, tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    arguments = ["--proxy", "posted", "--only", "REDIR-1", "--only", "cookies", "--why", "--json", str(file)]
    assert __main__.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "✗ REDIR-1" in printed and "posted: 1 of 4 passed" in printed and "hint: Do not follow" in printed
    assert json.loads(file.read_text("utf-8"))["posted"]["score"] == [1, 4]


def test_the_command_says_in_one_sentence_what_is_wrong(capsys: Any) -> None:
    assert __main__.main(["--only", "nonsense"]) == 2
    assert capsys.readouterr().err.startswith("No check and no topic is called 'nonsense'")
    assert __main__.main(["ftp://127.0.0.1:1", "--upstream-port", "2"]) == 2
    assert "the list speaks plain HTTP" in capsys.readouterr().err
    for url, told in (
        ("http://127.0.0.1:70000", "write http://host:port"),
        ("http://[::1", "write http://host:port"),
        ("http://me:secret@127.0.0.1:1", "write http://host:port"),
        ("http://127.0.0.1:1/under?here", "write http://127.0.0.1:1; each check has its path"),
    ):
        assert __main__.main([url, "--upstream-port", "2"]) == 2
        assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["http://127.0.0.1:1"], "a URL and --upstream-port go together"),
        (["--upstream-port", "1"], "a URL and --upstream-port go together"),
        (["http://127.0.0.1:1", "--upstream-port", "70000"], "a number from 1 to 65535, not 70000"),
        (["http://127.0.0.1:1", "--upstream-port", "0"], "a number from 1 to 65535, not 0"),
        (["http://127.0.0.1:1", "--upstream-port", "2", "--proxy", "posted"], "leave out the URL"),
        (["--proxy", "posted", "--proxy", "squid"], "called squid; there are: posted, typical"),
        (["--only", "HOP-1", "--json", "no-such-folder/found.json"], "no such folder; make it first"),
    ],
)
def test_the_command_refuses_what_cannot_be_done_before_it_begins(
    wrong: list[str], told: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(__main__, "_run", lambda known: pytest.fail("it began"))
    with pytest.raises(SystemExit):
        __main__.main(wrong)
    assert told in " ".join(capsys.readouterr().err.split())


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[tuple[str, int]]:
    """Run a relay outside of any town; yield its URL and where it looks for its origin."""
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        upstream: int = some.getsockname()[1]

    async def dial(host: str, port: int) -> tuple[str, int]:
        return "127.0.0.1", upstream

    site = Site("", lambda: None, dial, checks()[0])  # type: ignore[arg-type, return-value]
    server = await asyncio.get_running_loop().create_server(relay(site), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", upstream
    finally:
        server.close()
        await server.wait_closed()


def test_any_proxy_can_be_put_to_the_list_by_its_url() -> None:
    async def go() -> Results:
        async with running() as (url, upstream):
            stand = __main__._outside(url, upstream)
            only = ["TARGET-1", "FORWARD-1", "HOP-1", "ERROR-1", "STOP-1", "RETRY-2"]
            results = await run(stand, only=only, at_once=1)
        for _ in range(5):
            await asyncio.sleep(0)
        assert remains() == []
        return results

    results = asyncio.run(go())
    assert set(results.ids("passed")) == {"TARGET-1", "FORWARD-1", "RETRY-2"}
    assert set(results.ids("failed")) == {"HOP-1", "ERROR-1"}
    assert results["STOP-1"].why == "the lab did not start this proxy, and does not stop it"


@pytest.mark.parametrize("count", [3, 4, 5])  # turns of the loop: accepted, on its way to its line, there
def test_a_connection_that_comes_as_the_stand_is_left_is_ended(count: int) -> None:
    async def go() -> bool:
        with socket.socket() as some:
            some.bind(("127.0.0.1", 0))
            upstream = some.getsockname()[1]
        async with outside("proxy", ("127.0.0.1", upstream), upstream) as stand:
            late = socket.create_connection(("127.0.0.1", upstream))
            await turns(count)
        await turns(5)
        with late:
            late.settimeout(5)
            with contextlib.suppress(ConnectionError):
                assert late.recv(1) == b""
        return all(it.lost for it in stand.origins)

    assert asyncio.run(go())


def test_a_url_where_nobody_listens_is_broken_and_not_failed(capsys: Any) -> None:
    with socket.socket() as nobody, socket.socket() as some:
        nobody.bind(("127.0.0.1", 0))
        some.bind(("127.0.0.1", 0))
        port, upstream = nobody.getsockname()[1], some.getsockname()[1]
        some.close()
        url = [f"http://127.0.0.1:{port}", "--upstream-port", str(upstream), "--only", "HOP-1"]
        assert __main__.main(url) == 1
    assert "! HOP-1" in capsys.readouterr().out


@pytest.mark.skipif(not nginx.find(), reason="nginx is not installed")
@pytest.mark.parametrize("tuned", [False, True])
def test_nginx_is_started_asked_and_ended(tuned: bool) -> None:
    async def go() -> Results:
        async with nginx.nginx(nginx.find() or "", tuned=tuned, lanes=2) as stand:
            results = await run(stand, only=["TARGET-1", "FORWARD-2", "HOP-3", "LIMIT-5", "STOP-1"])
        assert remains() == []
        return results

    results = asyncio.run(go())
    assert {"TARGET-1", "LIMIT-5"} <= set(results.ids("passed"))
    assert ("FORWARD-2" in results.ids("passed")) is tuned
    assert (results.ids("failed")[0], results.ids("not applicable")) == ("HOP-3", ("STOP-1",))


def test_nginx_that_does_not_start_says_why(tmp_path: Path) -> None:
    async def go() -> None:
        async with nginx.nginx("false"):
            pass

    with pytest.raises(RuntimeError, match="nginx did not start"):
        asyncio.run(go())


def test_an_application_made_for_each_check_is_ended_with_it() -> None:
    ended: list[str] = []

    def build(site: Site) -> web.Application:
        app = typical(site.target, site.connect)
        app.on_cleanup.append(_note(ended, site.check.id))
        return app

    put(build, ["FIELD-1", "FIELD-2"])
    assert sorted(ended) == ["FIELD-1", "FIELD-2"]


def _note(ended: list[str], id: str) -> Any:
    async def note(app: web.Application) -> None:
        ended.append(id)

    return note


def test_a_limit_that_is_promised_and_not_kept_is_found() -> None:
    def build(site: Site) -> web.Application:
        site.limits.update(patience=0.3, body=65536.0)
        return typical(site.target, site.connect)

    assert put(build, ["ERROR-6", "LIMIT-5"]).ids("failed") == ("ERROR-6", "LIMIT-5")


STOPS = ("STOP-1", "STOP-2")  # a town stops a bare server at once; tests/gateway/test_program.py stops it


@pytest.mark.parametrize(("within", "more"), [("an application", ()), ("the program's server", STOPS)])
def test_the_gateway_passes_everything_that_aiohttp_lets_it(
    within: str, more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    relays: list[Relay] = []

    def bare(origin: str, options: Options, *, connector: Any, dial: Any) -> web.Server:
        relays.append(Relay.over(origin, options, connector, dial))
        return runner.server(relays[-1], options)

    async def go() -> Results:
        if within != "an application":
            monkeypatch.setattr("labs.gateway.gateway", bare)
        results = await run(__main__._gateway("direct"))
        assert bool(relays) == (within != "an application")
        await asyncio.gather(*(relay.stop() for relay in relays))
        assert remains() == []
        return results

    results = asyncio.run(go())
    assert results.ids("failed") == ("METHOD-6", *more), "aiohttp's compiled parser refuses an unknown method"
    assert not results.ids("broken") and not results.ids("not applicable")


def test_runs_in_one_loop_share_their_turns_and_leave_none() -> None:
    at_work = most = 0

    @contextlib.asynccontextmanager
    async def opened(check: Check) -> AsyncIterator[Stand]:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0)
        at_work -= 1
        raise OSError("no stand here")
        yield

    async def main() -> None:
        found = await asyncio.gather(*(run(opened, only="codings", at_once=2) for _ in range(3)))
        assert all(it.ids("broken") for it in found)

    asyncio.run(main())
    assert most == 2
    assert not room._turns
