"""The cookie cases, walked by the clients of this machine."""

from pathlib import Path

import pytest
from aiohttp import ClientSession

from labs import cookies
from labs.clients import browser, programs, registry
from labs.cookies import alone, live
from labs.host.installed import find
from labs.town.town import Town

CASES = cookies.cases()


async def test_one_case_can_be_run_alone() -> None:
    chosen = [CASES["address"], CASES["secure"]]
    assert set(await live.run("urllib", chosen)) == {"address", "secure"}
    assert await alone.run(chosen) == {"address": "", "secure": "a=1"}


@pytest.mark.parametrize("client", ["urllib", "requests", "httpx", "curl", "aiohttp"])
async def test_a_client_that_keeps_cookies_brings_back_what_was_set(client: str) -> None:
    if not registry.present()[client]:
        pytest.skip(f"{client} is not installed: see python -m labs doctor")
    chosen = [CASES["plain"], CASES["host-only"], CASES["secure"]]
    sent = await live.run(client, chosen)
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
async def test_what_was_recorded_is_what_this_version_sends(client: str) -> None:
    named = f"{client} {registry.present()[client]}"
    if named not in live.recorded():
        pytest.skip(f"{named} is not the version that was recorded: see python -m labs doctor")
    assert await live.run(client) == live.recorded()[named]


async def test_every_recording_has_every_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [it.split()[0] for it in live.recorded()] == ["curl", "chromium"]
    assert all(list(sent) == list(CASES) for sent in live.recorded().values())
    monkeypatch.setattr(live, "RECORDED", tmp_path / "recorded.json")
    await live.record("urllib")
    assert list(live.recorded()) == [f"urllib {registry.present()['urllib']}"]


async def test_nobody_but_a_case_is_answered() -> None:
    async with Town() as town:
        await live.open_sites(town, [CASES["plain"]])
        async with (
            ClientSession(connector=town.connector("client")) as client,
            client.get("http://shop.test/favicon.ico") as answer,
        ):
            assert answer.status == 404


async def test_a_browser_that_is_not_here_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "find", lambda program: None)
    with pytest.raises(registry.ClientMissing, match="chromium is not on this machine"):
        await live.run("chromium")


@pytest.mark.browser
@pytest.mark.skipif(find("chromium") is None, reason="Chromium is not installed: see python -m labs doctor")
async def test_a_browser_forgets_between_walks_and_is_started_once(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = 0
    start = programs.start

    def counted(*args: object, **kwargs: object) -> object:
        nonlocal starts
        starts += 1
        return start(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(browser, "start", counted)
    chosen = [CASES["plain"], CASES["stranger"], CASES["host-only"], CASES["public-suffix-2"]]
    sent = await live.run("chromium", chosen)
    assert starts == 1 and sent == {"plain": "a=1", "stranger": "", "host-only": "", "public-suffix-2": ""}
