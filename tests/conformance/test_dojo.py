"""The dojo: what a learner sees of a proxy that is not ready yet."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession, web

from labs.conformance.dojo import CONNECT, TARGET, Report, try_proxy
from labs.servers.fronts import posted, typical
from tests.support import remains


def train(proxy: Any, only: Any = None) -> Report:
    async def go() -> Report:
        found = await try_proxy(proxy, only=only)
        assert remains() == []
        return found

    return asyncio.run(go())


def test_a_factory_sees_what_passes_and_the_bytes_of_what_does_not() -> None:
    found = train(posted, only=["codings", "redirects", "METHOD-3", "FIELD-4"])
    text = repr(found)
    assert text.startswith(f"{len(found.passed)} of {len(found.passed) + len(found.missing)} checks pass\n")
    assert "METHOD-3" in found.passed and "✓ methods    " in text
    assert {"CODE-1", "REDIR-1", "FIELD-4"} <= set(found.missing)
    assert "✗ CODE-1 (RFC 9110 section 7.7): a gzip body passes byte for byte" in text
    assert "hint: Do not decode: ClientSession(auto_decompress=False)" in text
    assert "GET / HTTP/1.1\\r\\n" in text and "client → proxy" in text
    assert "✗ CODE-4" not in text and "more: put right what is shown" in text
    assert found._repr_html_().startswith("<pre")


def test_a_handler_alone_finds_target_and_connector_in_its_application() -> None:
    async def mine(request: web.Request) -> web.StreamResponse:
        async with (
            ClientSession(connector=request.config_dict[CONNECT]()) as session,
            session.request(request.method, request.config_dict[TARGET] + request.path_qs) as answer,
        ):
            return web.Response(body=await answer.read())

    found = train(mine, only=["METHOD-1", "REDIR-1"])
    assert (found.passed, found.missing) == (("METHOD-1",), ("REDIR-1",))


def test_what_the_learner_repairs_turns_green() -> None:
    before, after = (train(proxy, only=["REDIR-1", "CODE-6"]) for proxy in (posted, typical))
    assert (before.passed, after.missing) == ((), ())
    assert repr(after) == "2 of 2 checks pass\n\n✓ codings     1 of  1\n✓ redirects   1 of  1"


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
