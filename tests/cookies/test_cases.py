"""The cookie cases: their demands follow from the RFC's algorithms, and running them changes nothing."""

import asyncio
import json
import re
from functools import partial
from pathlib import Path

import pytest
from aiohttp import ClientSession, TraceConfig

from labs import cookies
from labs.clients import browser, registry
from labs.cookies import alone, live
from labs.town.town import Town
from tests.cookies.support import Jar
from tests.support import run

NOW = 1_790_000_000  # September 2026; no case depends on it
CASES = cookies.cases()


def test_there_are_enough_cases_in_six_topics_each_with_a_clause_and_a_sentence() -> None:
    assert len(CASES) >= 60
    assert [*dict.fromkeys(it.topic for it in CASES.values())] == [
        "name and value",
        "attributes",
        "lifetime",
        "host",
        "path and order",
        "https",
    ]
    for it in CASES.values():
        assert re.match(r"[58]\.\d(\.\d)? [A-Z]", it.clause) and it.says and len(it.walk) > 1, it.id
        assert (it.bis != it.demands) == bool(it.bis_clause) == bool(it.bis_says), it.id
        assert re.fullmatch(r"[a-z0-9-]+", it.id) and not it.walk[-1][1], it.id
    walks = [it.walk for it in CASES.values()]
    assert len(set(walks)) == len(walks), "two cases are one"


@pytest.mark.parametrize("bis", [False, True], ids=["RFC 6265", "6265bis"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_a_case_demands_follows_from_the_algorithms(case: cookies.Case, bis: bool) -> None:
    jar = Jar(bis=bis, now=NOW)
    for url, fields in case.walk:
        for field in fields:
            jar.receive(url, field)
    assert jar.send(case.walk[-1][0]) == (case.bis if bis else case.demands)


def test_a_case_that_stands_twice_is_named(tmp_path: Path) -> None:
    book = tmp_path / "cases.toml"
    book.write_text(cookies.FILE.read_text("utf-8") * 2, "utf-8")
    with pytest.raises(ValueError, match="plain stands twice"):
        cookies.cases(book)


@pytest.mark.parametrize(
    ("name", "sent", "letter"),
    [
        ("plain", "a=1", "="),
        ("plain", "", "–"),
        ("plain", None, "!"),
        ("plain", 'a="1"', "x"),
        ("plain", "a=1; b=2", "+"),
        ("stranger", "", "="),
        ("stranger", "a=1", "+"),
        ("expired", "a=2", "+"),
        ("two-fields", "b=2; a=1", "x"),
        ("one-name-two-paths", "a=2", "–"),
        ("no-equals", "", "6"),
        ("no-equals", "a", "b"),
        ("no-equals", "a=", "x"),
        ("host-and-domain", "a=2", "6"),
        ("host-and-domain", "a=1; a=2", "b"),
        ("host-and-domain", "a=2; a=1", "x"),
    ],
)
def test_the_letter_says_what_was_sent(name: str, sent: str | None, letter: str) -> None:
    assert cookies.judge(CASES[name], sent) == letter and letter in cookies.KEY
    assert cookies.judge_all({name: sent}) == {name: letter}


def test_a_walk_that_was_begun_and_not_ended_sent_nothing() -> None:
    begun = [("/?plain.0", None), ("/?two-fields.0", None), ("/?two-fields.1", "a=1; b=2"), ("/icon", None)]
    assert cookies.fields(begun) == {"plain": None, "two-fields": "a=1; b=2"}


async def test_aiohttp_alone_sends_what_it_sends_in_a_town() -> None:
    there, here = await live.run("aiohttp"), await alone.run()
    assert list(there) == list(CASES) and there == here == json.loads(json.dumps(here))
    assert {"=", "6"} <= set(cookies.judge_all(here).values())


async def test_one_case_can_be_run_alone() -> None:
    chosen = [CASES["address"], CASES["secure"]]
    assert set(await live.run("urllib", chosen)) == {"address", "secure"}
    assert await alone.run(chosen) == {"address": "", "secure": "a=1"}


async def test_a_case_alone_is_walked_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, trace = [], TraceConfig()

    async def redirected(*_: object) -> None:
        heard.append("redirect")

    trace.on_request_redirect.append(redirected)
    monkeypatch.setattr(alone, "ClientSession", partial(ClientSession, trace_configs=[trace]))
    assert await alone.run([CASES["plain"]]) == {"plain": "a=1"} and heard == []


@pytest.mark.parametrize("client", ["urllib", "requests", "httpx", "curl", "aiohttp"])
def test_a_client_that_keeps_cookies_brings_back_what_was_set(client: str) -> None:
    if not registry.present()[client]:
        pytest.skip(f"{client} is not installed: see python -m labs doctor")
    chosen = [CASES["plain"], CASES["host-only"], CASES["secure"]]
    sent = run(lambda: live.run(client, chosen))
    assert sent["plain"] == sent["secure"] == "a=1" and set(sent) == {"plain", "host-only", "secure"}


@pytest.mark.parametrize("client", ["urllib", "curl"])
async def test_the_jar_of_some_clients_is_off_by_default(client: str) -> None:
    if not registry.present()[client]:
        pytest.skip(f"{client} is not installed: see python -m labs doctor")
    async with Town() as town:
        await live.open_sites(town, [CASES["plain"]])
        await registry.ask(client, town, cookies.start(CASES["plain"]), follow=True)
    assert live.sent(town.trace) == {"plain": ""}


@pytest.mark.parametrize("client", ["curl", pytest.param("chromium", marks=pytest.mark.browser)])
def test_what_was_recorded_is_what_this_version_sends(client: str) -> None:
    named = f"{client} {registry.present()[client]}"
    if named not in live.recorded():
        pytest.skip(f"{named} is not the version that was recorded: see python -m labs doctor")
    assert run(lambda: live.run(client), 60) == live.recorded()[named]


def test_every_recording_has_every_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [it.split()[0] for it in live.recorded()] == ["curl", "chromium"]
    assert all(list(sent) == list(CASES) for sent in live.recorded().values())
    monkeypatch.setattr(live, "RECORDED", tmp_path / "recorded.json")
    run(lambda: live.record("urllib"))
    assert list(live.recorded()) == [f"urllib {registry.present()['urllib']}"]


def test_a_case_tells_itself() -> None:
    assert str(CASES["prefix-secure"]) == (
        "prefix-secure: a name that begins with __Secure- is a name like others\n"
        "    https://shop.test/   Set-Cookie: __Secure-a=1\n"
        "    https://shop.test/   must hear Cookie: __Secure-a=1 (RFC 6265, 5.3 Storage Model)\n"
        "    but a name that begins with __Secure- needs the attribute Secure: no cookie "
        "(6265bis, 5.7 Storage Model, step 20)"
    )


async def test_nobody_but_a_case_is_answered() -> None:
    async with Town() as town:
        await live.open_sites(town, [CASES["plain"]])
        async with (
            ClientSession(connector=town.connector("client")) as client,
            client.get("http://shop.test/favicon.ico") as answer,
        ):
            assert answer.status == 404


def test_a_browser_that_is_not_here_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "find", lambda: None)
    with pytest.raises(registry.ClientMissing, match="chromium is not on this machine"):
        run(lambda: live.run("chromium"))


async def test_a_tour_refuses_what_is_no_url_of_the_town() -> None:
    async with Town() as town:
        with pytest.raises(ValueError, match="not a URL of the town"):
            await registry.tour(town, ["about:blank"])


@pytest.mark.browser
@pytest.mark.skipif(not browser.find(), reason="Chromium is not installed: see python -m labs doctor")
def test_a_browser_forgets_between_walks_and_is_started_once(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = 0
    start = browser.start

    def counted(*args: object, **kwargs: object) -> object:
        nonlocal starts
        starts += 1
        return start(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(browser, "start", counted)
    chosen = [CASES["plain"], CASES["stranger"], CASES["host-only"], CASES["public-suffix-2"]]
    sent = asyncio.run(live.run("chromium", chosen))
    assert starts == 1 and sent == {"plain": "a=1", "stranger": "", "host-only": "", "public-suffix-2": ""}
