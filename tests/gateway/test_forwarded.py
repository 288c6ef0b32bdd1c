"""On whose behalf: the fields that say who asked, and where a loop ends."""

import pytest

from labs.gateway import Options
from tests.gateway.support import GET, LEGS, asking, through


@pytest.mark.parametrize("leg", LEGS)
async def test_nothing_is_invented_in_a_request_but_who_asked(leg: str) -> None:
    _, heard = await through(Options(leg=leg), GET)
    assert heard
    names = ["Host", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via"]
    assert [name for name, _ in heard.fields] == names
    assert heard.field("Host") == "origin.test"
    assert heard.field("Forwarded") == "for=127.0.0.1;host=front.test;proto=http"


async def test_who_asked_is_replaced_or_appended_to() -> None:
    names = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded")
    told = ("X-Forwarded-For: 6.6.6.6", "X-Forwarded-Host: e", "X-Forwarded-Proto: https", "Forwarded: for=x")
    _, heard = await through(Options(), asking(*told))
    assert heard and [heard.all(name) for name in names] == [
        ("127.0.0.1",),
        ("front.test",),
        ("http",),
        ("for=127.0.0.1;host=front.test;proto=http",),
    ]
    _, heard = await through(Options(trust_forwarded=True, preserve_host=True), asking(*told))
    assert heard and [heard.all(name) for name in names] == [
        ("6.6.6.6, 127.0.0.1",),
        ("e",),
        ("https",),
        ("for=x, for=127.0.0.1;host=front.test;proto=http",),
    ]
    assert heard.field("Host") == "front.test"


@pytest.mark.parametrize("leg", LEGS)
async def test_a_loop_is_508_and_another_via_goes_on(leg: str) -> None:
    options = Options(leg=leg, name="me")
    got, heard = await through(options, asking("Via: 1.0 other, 1.1 ME (here)"))
    assert (got.status, heard) == (508, None)
    _, heard = await through(options, asking("Via: 1.0 other", "Via: 1.1 men"))
    assert heard and heard.all("Via") == ("1.0 other, 1.1 men, 1.1 me",)
