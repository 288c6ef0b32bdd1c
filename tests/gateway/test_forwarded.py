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


FORWARDING = ("For", "Host", "Proto", "Port", "Prefix", "Ssl", "Server", "By", "Scheme")
HYPHENS = ("X-Real-IP", *(f"X-Forwarded-{name}" for name in FORWARDING))
TWINS = (  # what a WSGI origin cannot tell from a field that is made, read or taken out here
    *(name.replace("-", "_") for name in HYPHENS),
    "X_Forwarded-For",
    "x-forwarded_for",
    "X_REAL_IP",
    "Max_Forwards",
    "Proxy_Authorization",
    "Proxy_Connection",
    "Keep_Alive",
    "Content_Length",
    "Transfer_Encoding",
)
OURS = {"x-forwarded-for": "127.0.0.1", "x-forwarded-host": "front.test", "x-forwarded-proto": "http"}


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("name", [*HYPHENS, *TWINS, "forwarded", "X-FORWARDED-FOR", "x-real-ip"])
async def test_who_asked_is_said_by_nobody_else(leg: str, name: str, parser: str) -> None:
    _, heard = await through(Options(leg=leg), asking(f"{name}: 6.6.6.6", f"{name}: 7", "My_Own: stays"))
    assert heard and heard.field("My_Own") == "stays"
    read = {name.lower().replace("_", "-"): heard.all(name) for name, _ in heard.fields}
    for spelt in ("x-real-ip", *(it.lower() for it in HYPHENS)):
        assert read.get(spelt) == ((OURS[spelt],) if spelt in OURS else None)
    assert b"6.6.6.6" not in heard.raw


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("name", [*HYPHENS, *TWINS])
async def test_who_is_trusted_is_heard_but_not_with_an_underscore(leg: str, name: str) -> None:
    _, heard = await through(Options(leg=leg, trust_forwarded=True), asking(f"{name}: 6.6.6.6"))
    assert heard and (b"6.6.6.6" in heard.raw) is ("_" not in name)


@pytest.mark.parametrize("leg", LEGS)
async def test_what_is_empty_becomes_no_empty_member_of_a_list(leg: str) -> None:
    empty = ("X-Forwarded-For:", "X-Forwarded-Host:", "X-Forwarded-Proto: ", "Forwarded:", "Via:")
    options = Options(leg=leg, trust_forwarded=True, name="me")
    _, heard = await through(options, asking(*empty, "X-Forwarded-For: 6", "X-Forwarded-For:"))
    assert heard and heard.all("X-Forwarded-For") == ("6, 127.0.0.1",)
    assert (heard.all("X-Forwarded-Host"), heard.all("X-Forwarded-Proto")) == (("front.test",), ("http",))
    assert heard.all("Forwarded") == ("for=127.0.0.1;host=front.test;proto=http",)
    assert heard.all("Via") == ("1.1 me",)


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize(
    ("host", "written"),
    [
        ("a.test", "a.test"),
        ("a.test:80", '"a.test:80"'),
        ("[::1]:80", '"[::1]:80"'),
        ("a;b=c,d", '"a;b=c,d"'),
        ("%41", "%41"),
    ],
)
async def test_a_host_cannot_leave_its_place_in_forwarded(leg: str, host: str, written: str) -> None:
    for asked in (
        f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n",
        f"GET http://{host}/ HTTP/1.1\r\nHost: b\r\n\r\n",
    ):
        got, heard = await through(Options(leg=leg), asked.encode())
        if got.status == 200 or asked.startswith("GET / "):  # aiohttp's parser takes fewer hosts in a target
            assert heard and heard.all("Forwarded") == (f"for=127.0.0.1;host={written};proto=http",)
        else:
            assert (got.status, heard) == (400, None)
