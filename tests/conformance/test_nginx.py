"""nginx under test: started, asked and ended."""

import asyncio
from pathlib import Path

import pytest

from labs.conformance import Results, nginx
from labs.conformance.runner import run
from tests.support import remains


@pytest.mark.skipif(not nginx.find(), reason="nginx is not installed")
@pytest.mark.parametrize("tuned", [False, True])
def test_nginx_is_started_asked_and_ended(tuned: bool) -> None:
    async def go() -> Results:
        async with nginx.nginx(nginx.find() or "", tuned=tuned, lanes=2) as stand:
            results = await run(stand, only=["TARGET-1", "FORWARD-2", "HOP-3", "LIMIT-5", "STOP-1"])
        assert remains() == []
        return results

    results = asyncio.run(go())
    assert {"TARGET-1", "LIMIT-5"} <= set(results.ids("passed"))
    assert ("FORWARD-2" in results.ids("passed")) is tuned
    assert (results.ids("failed")[0], results.ids("not applicable")) == ("HOP-3", ("STOP-1",))


def test_nginx_that_does_not_start_says_why(tmp_path: Path) -> None:
    async def go() -> None:
        async with nginx.nginx("false"):
            pass

    with pytest.raises(RuntimeError, match="nginx did not start"):
        asyncio.run(go())
