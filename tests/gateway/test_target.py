"""A target goes on byte for byte, under its prefix, and a Location comes back."""

import pytest

from labs.gateway import Options
from labs.gateway.options import origin_of
from labs.gateway.target import cookie_to, location_to
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


ORIGIN, DEEP = origin_of("http://o.test"), origin_of("http://o.test/base")


@pytest.mark.parametrize(
    ("value", "shop", "plain"),
    [  # under the prefix /shop, and without one
        (b"/x", b"/shop/x", b"/x"),
        (b"/", b"/shop/", b"/"),
        (b"/x?y#z", b"/shop/x?y#z", b"/x?y#z"),
        (b"/shop", b"/shop", b"/shop"),
        (b"/shop/x", b"/shop/x", b"/shop/x"),
        (b"/shop?x", b"/shop?x", b"/shop?x"),
        (b"/shop#x", b"/shop#x", b"/shop#x"),
        (b"/shopping", b"/shop/shopping", b"/shopping"),
        (b"/other/shop/x", b"/shop/other/shop/x", b"/other/shop/x"),
        (b"http://o.test/shop/x", b"https://p.test/shop/x", b"https://p.test/shop/x"),
        (b"http://o.test/x", b"https://p.test/shop/x", b"https://p.test/x"),
        (b"http://O.test:80/x", b"https://p.test/shop/x", b"https://p.test/x"),
        (b"HTTP://o.test:/x", b"https://p.test/shop/x", b"https://p.test/x"),
        (b"http://o.test", b"https://p.test/shop", b"https://p.test"),
        (b"http://o.test?x", b"https://p.test/shop/?x", b"https://p.test?x"),
        (b"http://o.test#x", b"https://p.test/shop/#x", b"https://p.test#x"),
        (b"//o.test/x", b"//p.test/shop/x", b"//p.test/x"),
        (b"x", b"x", b"x"),
        (b"../x", b"../x", b"../x"),
        (b"?x", b"?x", b"?x"),
        (b"#x", b"#x", b"#x"),
        (b"", b"", b""),
        (b"//other.test/x", b"//other.test/x", b"//other.test/x"),
        (b"/\\other.test/x", b"/\\other.test/x", b"/\\other.test/x"),
        (b"http://o.test:81/x", b"http://o.test:81/x", b"http://o.test:81/x"),
        (b"http://u@o.test/x", b"http://u@o.test/x", b"http://u@o.test/x"),
        (b"https://o.test/x", b"https://o.test/x", b"https://o.test/x"),
        (b"http:///x", b"http:///x", b"http:///x"),
        (b"mailto:a@o.test", b"mailto:a@o.test", b"mailto:a@o.test"),
    ],
)
def test_a_location_gets_its_prefix_once(value: bytes, shop: bytes, plain: bytes) -> None:
    assert location_to(value, ORIGIN, b"o.test", b"https://p.test", b"/shop") == shop
    assert location_to(value, ORIGIN, b"o.test", b"https://p.test", b"") == plain


@pytest.mark.parametrize(
    ("value", "shop", "plain"),
    [
        (b"/base", b"/shop", b"/"),
        (b"/base/x", b"/shop/x", b"/x"),
        (b"/base?x", b"/shop/?x", b"/?x"),
        (b"/base/shop/x", b"/shop/shop/x", b"/shop/x"),
        (b"/basement", b"/basement", b"/basement"),
        (b"/shop/x", b"/shop/x", b"/shop/x"),
        (b"http://o.test/x", b"http://o.test/x", b"http://o.test/x"),
        (b"http://o.test/base/x", b"https://p.test/shop/x", b"https://p.test/x"),
        (b"/base//other.test/x", b"/shop//other.test/x", b"/.//other.test/x"),
        (b"/base/\\other.test/x", b"/shop/\\other.test/x", b"/./\\other.test/x"),
    ],
)
def test_a_location_below_the_origins_own_path_leaves_it_there(
    value: bytes, shop: bytes, plain: bytes
) -> None:
    assert location_to(value, DEEP, b"o.test", b"https://p.test", b"/shop") == shop
    assert location_to(value, DEEP, b"o.test", b"https://p.test", b"") == plain


@pytest.mark.parametrize(
    ("value", "shop", "plain"),
    [
        (b"http://o.test/x", b"/shop/x", b"/x"),
        (b"//o.test/x", b"/shop/x", b"/x"),
        (b"http://o.test", b"/shop", b"/"),
        (b"http://o.test?x", b"/shop/?x", b"/?x"),
        (b"http://o.test#x", b"/shop/#x", b"/#x"),
        (b"http://o.test//other.test", b"/shop//other.test", b"/.//other.test"),
        (b"http://other.test/x", b"http://other.test/x", b"http://other.test/x"),
    ],
)
def test_where_nobody_named_a_host_a_location_names_none(value: bytes, shop: bytes, plain: bytes) -> None:
    """And what was a path stays one: //other.test alone would be another host."""
    assert location_to(value, ORIGIN, b"o.test", b"", b"/shop") == shop
    assert location_to(value, ORIGIN, b"o.test", b"", b"") == plain


def test_a_location_may_use_the_host_that_the_origin_was_sent() -> None:
    assert (
        location_to(b"http://p.test/x", ORIGIN, b"p.test", b"http://p.test", b"/shop")
        == b"http://p.test/shop/x"
    )
    port = origin_of("http://[::1]:8080")
    assert (
        location_to(b"http://[::1]:8080/x", port, b"[::1]:8080", b"http://p.test", b"") == b"http://p.test/x"
    )
    assert location_to(b"http://[::1]/x", port, b"[::1]:8080", b"http://p.test", b"") == b"http://[::1]/x"


@pytest.mark.parametrize(
    ("value", "shop", "deep", "deep_shop"),
    [  # under /shop; of an origin with the path /base; with both
        (b"a=1; Path=/", b"a=1; Path=/shop", b"a=1; Path=/", b"a=1; Path=/shop"),
        (b"a=1; path=/x", b"a=1; path=/shop/x", b"a=1; path=/x", b"a=1; path=/x"),
        (b"a=1; PATH=/shop/x", b"a=1; PATH=/shop/x", b"a=1; PATH=/shop/x", b"a=1; PATH=/shop/x"),
        (b"a=1; Path=/shop", b"a=1; Path=/shop", b"a=1; Path=/shop", b"a=1; Path=/shop"),
        (b"a=1; Path=/shop/", b"a=1; Path=/shop/", b"a=1; Path=/shop/", b"a=1; Path=/shop/"),
        (b"a=1; Path=/shopping", b"a=1; Path=/shop/shopping", b"a=1; Path=/shopping", b"a=1; Path=/shopping"),
        (b"a=1; Path=/base", b"a=1; Path=/shop/base", b"a=1; Path=/", b"a=1; Path=/shop"),
        (b"a=1; Path=/base/x", b"a=1; Path=/shop/base/x", b"a=1; Path=/x", b"a=1; Path=/shop/x"),
        (b"a=1;Path=/;Secure", b"a=1;Path=/shop;Secure", b"a=1;Path=/;Secure", b"a=1;Path=/shop;Secure"),
        (b'a=1; Path="/"', b'a=1; Path="/shop"', b'a=1; Path="/"', b'a=1; Path="/shop"'),
        (b"a=1; Path=", b"a=1; Path=", b"a=1; Path=", b"a=1; Path="),
        (b"a=1; Path", b"a=1; Path", b"a=1; Path", b"a=1; Path"),
        (b"a=1; Path=x", b"a=1; Path=x", b"a=1; Path=x", b"a=1; Path=x"),
        (b"a=1", b"a=1", b"a=1", b"a=1"),
        (
            b"Path=/; Domain=o.test",
            b"Path=/; Domain=o.test",
            b"Path=/; Domain=o.test",
            b"Path=/; Domain=o.test",
        ),
        (
            b'a="; Path=/x"; Path=/',
            b'a="; Path=/x"; Path=/shop',
            b'a="; Path=/x"; Path=/',
            b'a="; Path=/x"; Path=/shop',
        ),
        (
            b"a=1; Path=/; Path=/x",
            b"a=1; Path=/shop; Path=/shop/x",
            b"a=1; Path=/; Path=/x",
            b"a=1; Path=/shop; Path=/x",
        ),
    ],
)
def test_a_cookie_comes_back_to_where_the_origin_seems_to_stand(
    value: bytes, shop: bytes, deep: bytes, deep_shop: bytes
) -> None:
    assert cookie_to(value, {}, {}, "", "/shop") == shop
    assert cookie_to(value, {}, {}, "/base", "") == deep
    assert cookie_to(value, {}, {}, "/base", "/shop") == deep_shop
    assert cookie_to(value, {}, {}) == value


def test_the_tables_come_before_the_prefix() -> None:
    tables = {"o.test": "p.test", ".old.test": ""}, {"/": "/all", "/gone": "", "/x": "/x"}

    def to(value: bytes) -> bytes:
        return cookie_to(value, *tables, "", "/shop")

    assert to(b"a=1; Path=/") == b"a=1; Path=/all"
    assert to(b"a=1; Path=/gone; Secure") == b"a=1; Secure"
    assert to(b"a=1; Path=/x") == b"a=1; Path=/x"
    assert to(b"a=1; Path=/y") == b"a=1; Path=/shop/y"
    assert to(b"a=1; Domain=.O.test; Path=/y") == b"a=1; Domain=p.test; Path=/shop/y"
    assert to(b'a=1; domain="o.test"') == b'a=1; domain="p.test"'
    assert to(b"a=1; Domain=old.test") == b"a=1"
    assert to(b"a=1; Domain=other.test") == b"a=1; Domain=other.test"


@pytest.mark.parametrize("leg", LEGS)
async def test_a_login_under_a_prefix_does_not_loop(leg: str) -> None:
    fields = ("Set-Cookie: a=1; Path=/", "Set-Cookie: b=2; Path=/shop/x", "Location: /shop/in")
    said = saying(*fields, "Content-Location: /y", "Content-Length: 2", line="HTTP/1.1 302 Found", body=b"ok")
    got, heard = await through(
        Options(leg=leg, prefix="/shop"), asking(line="GET /shop/login HTTP/1.1"), said
    )
    assert heard and heard.target == "/login"
    assert got.all("Set-Cookie") == ("a=1; Path=/shop", "b=2; Path=/shop/x")
    assert (got.field("Location"), got.field("Content-Location")) == ("/shop/in", "/shop/y")


@pytest.mark.parametrize("leg", LEGS)
async def test_the_whole_server_is_not_under_a_prefix(leg: str) -> None:
    asked = asking(line="OPTIONS * HTTP/1.1")
    got, heard = await through(Options(leg=leg, prefix="/shop"), asked)
    assert (got.status, heard) == (404, None)
