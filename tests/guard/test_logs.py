"""A journal holds back what a server logs, and only while it is kept."""

import logging
import warnings

import pytest
from aiohttp import ClientSession, web
from aiohttp.typedefs import Handler

from labs.guard.guard import LOGGERS
from labs.guard.logs import quiet, server_log
from labs.town.town import Town


async def crashes(request: web.Request) -> web.Response:
    raise KeyError("the secret")


async def returns(request: web.Request) -> web.Response:
    return web.HTTPGone()


async def waits(request: web.Request) -> web.Response:
    raise TimeoutError


async def asked(handler: Handler) -> int:
    async with Town() as town:
        await town.open("shop.test", handler)
        connector, url = town.connector("client"), "http://shop.test/"
        async with ClientSession(connector=connector) as client, client.get(url) as answer:
            return answer.status


@pytest.mark.parametrize(
    ("handler", "status", "raised", "warned"),
    [
        (crashes, 500, ["KeyError"], []),
        (waits, 504, ["no exception"], []),
        (returns, 410, [], ["DeprecationWarning"]),
    ],
)
async def test_what_the_server_writes_stands_in_the_journal_and_nowhere_else(
    handler: Handler,
    status: int,
    raised: list[str],
    warned: list[str],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with server_log() as log:
        assert await asked(handler) == status
    assert (log.raised, log.warned) == (raised, warned)
    assert ("the secret" in log.text) == (handler is crashes)
    assert ("Traceback" in log.text) == (handler is crashes)
    assert not caplog.records and capfd.readouterr() == ("", "")


def test_less_than_an_error_is_held_back_and_not_written_down() -> None:
    with server_log() as log:
        logging.getLogger("asyncio").warning("Executing took 0.2 seconds")
    assert log.raised == [] and log.text == ""


def test_after_the_journal_all_is_as_before(caplog: pytest.LogCaptureFixture) -> None:
    filters = warnings.filters[:]
    with pytest.raises(ZeroDivisionError), server_log():
        1 / 0  # noqa: B018
    assert warnings.filters[: len(filters)] == filters
    assert not any(logging.getLogger(name).filters for name in LOGGERS)
    logging.getLogger("aiohttp.server").error("heard again")
    assert caplog.messages == ["heard again"]


def test_what_is_quieted_is_heard_by_nobody_and_afterwards_again(caplog: pytest.LogCaptureFixture) -> None:
    names = (*LOGGERS, "labs.gateway")
    with pytest.raises(ZeroDivisionError), quiet("labs.gateway"):
        for name in names:
            logging.getLogger(name).error("unheard")
        1 / 0  # noqa: B018
    assert not caplog.messages and not any(logging.getLogger(name).filters for name in names)
    for name in names:
        logging.getLogger(name).error("heard")
    assert caplog.messages == ["heard"] * len(names)
