"""A target goes on byte for byte, under its prefix, and a Location comes back."""

import pytest

from labs.gateway import Options
from labs.gateway.options import origin_of
from labs.gateway.target import location_to
from tests.gateway.support import GET, LEGS, asking, saying, through


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("target", ["/a%2Fb%27?x=%2F&y=%zz", "//x", "/a/../b/./c", "/;p=1", "/" + "q" * 8000])
async def test_a_target_goes_on_byte_for_byte(leg: str, target: str) -> None:
    _, heard = await through(Options(leg=leg), asking(line=f"GET {target} HTTP/1.1"))
    assert heard and heard.target == target


@pytest.mark.parametrize(
    "target, want",
    [
        ("/shop/a?x", "/a?x"),
        ("/shop", "/"),
        ("/shop?", "/?"),
        ("/shopping", 404),
        ("/", 404),
        ("/shop/../admin", 400),
        ("/shop/a/%2e%2E/..%2fadmin", 400),
        ("/shop/..%5cadmin", 400),
        ("/shop/a/../b", "/a/../b"),
        ("/shop/a?/../../..", "/a?/../../.."),
    ],
)
async def test_nothing_leads_out_of_a_prefix(target: str, want: str | int) -> None:
    got, heard = await through(Options(prefix="/shop"), asking(line=f"GET {target} HTTP/1.1"))
    assert (heard.target if heard else got.status) == want


LOCATIONS = (
    ("http://origin.test/x?y#z", "http://front.test/x?y#z"),
    ("http://ORIGIN.test:80", "http://front.test"),
    ("//origin.test/x", "//front.test/x"),
    ("http://origin.test:81/x", "http://origin.test:81/x"),
    ("https://origin.test/x", "https://origin.test/x"),
    ("http://origin.test.evil/x", "http://origin.test.evil/x"),
    ("/x", "/x"),
    ("x?y", "x?y"),
    ("", ""),
)


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("given, want", LOCATIONS)
async def test_a_location_at_the_origin_is_made_public(leg: str, given: str, want: str) -> None:
    said = saying(f"Location: {given}", "Content-Length: 2", line="HTTP/1.1 302 Found", body=b"ok")
    got, _ = await through(Options(leg=leg), GET, said)
    assert (got.status, got.field("Location")) == (302, want)


def test_a_location_under_a_prefix_gets_it_back() -> None:
    origin = origin_of("http://o.test/base/")

    def to(value: bytes) -> bytes:
        return location_to(value, origin, b"o.test", b"https://p.test", b"/shop")

    assert to(b"http://o.test/base/x") == b"https://p.test/shop/x"
    assert to(b"/base/x") == b"/shop/x"
    assert to(b"/other") == b"/other"
    assert to(b"x") == b"x"
