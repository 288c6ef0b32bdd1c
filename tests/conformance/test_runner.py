"""A run says of every proxy what it is worth, whatever it does, and leaves nothing behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web

from labs.conformance import CONNECT, TARGET, NotApplicable, Site, Stand, runner
from labs.conformance.registry import Check
from labs.conformance.runner import run
from labs.servers.fronts import posted
from tests.conformance.proxies import crasher, hanger, relay
from tests.conformance.support import put, train


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
        monkeypatch.setattr("labs.conformance.runner.select", lambda only, mine=mine: (mine,))
        assert put(relay).ids(verdict) == ("X-1",)


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
    assert not runner._turns


def test_a_handler_alone_finds_target_and_connector_in_its_application() -> None:
    async def mine(request: web.Request) -> web.StreamResponse:
        async with (
            ClientSession(connector=request.config_dict[CONNECT]()) as session,
            session.request(request.method, request.config_dict[TARGET] + request.path_qs) as answer,
        ):
            return web.Response(body=await answer.read())

    found = train(mine, only=["METHOD-1", "REDIR-1"])
    assert (found.passed, found.missing) == (("METHOD-1",), ("REDIR-1",))


def test_a_proxy_that_raises_or_hangs_has_failed_and_raises_nothing() -> None:
    async def crash(request: web.Request) -> web.StreamResponse:
        raise RuntimeError("learning")

    async def hang(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    assert train(crash, only="METHOD-1").missing == ("METHOD-1",)
    found = train(hang, only=["METHOD-1", "FIELD-1"])
    assert found.missing == ("METHOD-1", "FIELD-1")
    assert found.results["FIELD-1"].why.startswith("nothing came in 2 s")


@pytest.mark.parametrize("wrong", [web.Application(), "a proxy"])
def test_what_is_no_proxy_is_refused_in_one_sentence(wrong: object) -> None:
    with pytest.raises(TypeError, match="Each check needs a proxy of its own"):
        train(wrong)


def test_an_unknown_topic_is_refused_with_the_list() -> None:
    with pytest.raises(
        ValueError, match="No check and no topic is called 'cookie'; the topics are: hop_by_hop"
    ):
        train(posted, only="cookie")
