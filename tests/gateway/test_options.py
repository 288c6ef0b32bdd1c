"""An option or an origin that makes no sense is one sentence."""

from typing import Any

import pytest

from labs.gateway import Options
from labs.gateway.options import origin_of


@pytest.mark.parametrize(
    "options", [{"leg": "x"}, {"prefix": "shop"}, {"public": "a"}, {"max_requests": 0}, {"idle_timeout": 0}]
)
def test_an_option_that_makes_no_sense_is_one_sentence(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Options(**options)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:80", "ftp://a", "http://", "http://a:x", "http://a b", "http://u@a", "http://a/?q"]
)
def test_an_origin_that_is_none_is_one_sentence(url: str) -> None:
    with pytest.raises(ValueError, match="The origin is a URL"):
        origin_of(url)
