"""An option or an origin that makes no sense is one sentence."""

from typing import Any

import pytest

from labs.gateway import Options
from labs.gateway.options import origin_of


@pytest.mark.parametrize(
    "options",
    [
        {"leg": "x"},
        {"prefix": "shop"},
        {"prefix": "/"},
        {"prefix": "/shop/"},
        {"prefix": "/shop/../x"},
        {"prefix": "/shop?"},
        {"prefix": "/sh op"},
        {"public": "a"},
        {"public": "http://"},
        {"public": "http://u@a"},
        {"public": "http://a:x"},
        {"public": "http://a/b"},
        {"name": "a b"},
        {"upgrades": ("web socket",)},
        {"upgrades": ("",)},
        {"upgrades": "websocket"},
        {"max_requests": 0},
        {"max_field": 0},
        {"max_field": 1.5},
        {"max_field": 1 << 31},
        {"max_fields": True},
        {"max_body": -1},
        {"max_head": None},
        {"idle_timeout": 0},
        {"idle_timeout": -1},
        {"idle_timeout": float("nan")},
        {"answer_timeout": float("inf")},
        {"connect_timeout": "5"},
        {"linger": 0},
    ],
    ids=str,
)
def test_an_option_that_makes_no_sense_is_one_sentence(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=rf"^{next(iter(options))} [^.]*(\.[^ ][^.]*)*\.$"):
        Options(**options)


def test_an_option_that_makes_sense_is_taken() -> None:
    Options(prefix="/a.b/c~d", public="https://[::1]:8443", upgrades=(), max_body=0, max_idle=0)
    Options(upgrades=("websocket", "HTTP/2.0"), max_body=1 << 40, idle_timeout=1, name="a")


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:80",
        "ftp://a",
        "http://",
        "http://:80",
        "http://a:x",
        "http://a:0",
        "http://a:99999",
        "http://[::1",
        "http://[::g]",
        "http://a b",
        'http://a"b',
        "http://u@a",
        "http://a/?q",
    ],
)
def test_an_origin_that_is_none_is_one_sentence(url: str) -> None:
    with pytest.raises(ValueError, match="The origin is a URL"):
        origin_of(url)
