"""Each failure stands where its name says, and what came of it is counted."""

import pytest
from aiohttp import (
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientSession,
    ServerDisconnectedError,
)

from labs.capture.notes import noted
from labs.capture.recording import Event
from labs.capture.said import Said
from labs.capture.trace import Trace
from labs.instruments import failures
from labs.instruments.failures import EVERY, heard, stand, table, view
from labs.servers.faults import FAULTS
from labs.town.town import Town

CALL = Said("client", "origin", None, "refused", 0, 0, 0.0)
BARE = Trace((CALL,), ("client", "origin"))


async def ask(town: Town, name: str) -> str:
    url, gate = await stand(town, name)
    assert gate.is_open
    async with ClientSession(connector=town.connector("client", ssl=town.ca.client_context())) as client:
        try:
            async with client.get(url) as answer:
                return await answer.text()
        except ClientConnectorError as error:
            return type(error).__name__


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unknown-name", "ClientConnectorDNSError"),
        ("refused", "ClientConnectorError"),
        ("not-tls", ClientConnectorSSLError.__name__),
        ("wrong-name", "hello\n"),  # whose name is wrong is the client's to say
        ("unknown-ca", "hello\n"),  # and whom it trusts, too
    ],
)
async def test_before_there_is_anybody(name: str, said: str) -> None:
    async with Town() as town:
        assert await ask(town, name) == said
        assert heard(name, town.trace) == (said == "hello\n")


async def test_a_certificate_is_good_for_the_name_of_its_failure_only() -> None:
    async with Town() as town:
        url, _ = await stand(town, "wrong-name")
        async with ClientSession(connector=town.connector("client", ssl=town.ca.client_context())) as client:
            with pytest.raises(ClientConnectorCertificateError):
                await client.get(url, server_hostname="other.test")


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_stands_at_its_name_and_its_gate_waits_for_the_head(name: str) -> None:
    async with Town() as town:
        url, gate = await stand(town, name)
        assert url == f"http://{name}.test/order"
        assert gate.is_open is not FAULTS[name].after_head
        assert list(town.names()) == [f"{name}.test:80"]
        assert not [it for it in town.recording.pieces if it.kind is Event.OPENED]


async def test_a_name_that_is_no_failure_says_which_there_are() -> None:
    async with Town() as town:
        with pytest.raises(ValueError, match="no failure of the lab: choose one of unknown-name, "):
            await stand(town, "crash")


NOTES = {name: "nothing" if name == "slow" else "SomeError" for name in EVERY}


def test_the_table_has_every_failure_under_its_phase() -> None:
    lines = table({"GET": noted(BARE, NOTES), "POST": noted(BARE, NOTES)}).splitlines()
    assert lines[0].split() == ["GET", "raises", "sent", "POST", "raises", "sent"]
    assert [it.split()[0] for it in lines if it.startswith("  ")][1:] == list(EVERY)
    assert lines[1] == "before there is anybody to speak to" and "in the body" in lines
    second = lines.index("at a second connection")
    assert [it.split()[0] for it in lines[second + 1 : second + 3]] == ["redirect-refused", "retry-refused"]
    assert next(it for it in lines if it.startswith("  slow")).split() == [
        "slow",
        "nothing",
        "never",
        "nothing",
        "never",
    ]


def test_the_map_has_a_cell_for_every_end_that_is_a_fault() -> None:
    grid = view({"GET": noted(BARE, NOTES)})
    ends = [name for name in FAULTS if name.partition("-")[0] in failures.ENDS]
    assert len(grid.cells) == len(ends) == 29
    assert set(grid.cells.values()) == {"?"} and grid.key["?"] == "raises another exception"
    assert not grid.marked


def test_the_map_says_what_is_raised() -> None:
    letters = {"ServerDisconnectedError": "D", "ClientOSError": "O", "SocketTimeoutError": "T"}
    for raised, letter in {**letters, "ClientPayloadError": "P", "nothing": "–"}.items():
        grid = view({"GET": noted(BARE, dict.fromkeys(EVERY, raised))})
        assert set(grid.cells.values()) == {letter}
        assert grid.key[letter] == f"raises {raised}" and "?" not in grid.key


@pytest.mark.parametrize(("name", "end"), [("close-before-head", "close"), ("reset-at-once", "reset")])
async def test_table_and_map_tell_once_from_twice(name: str, end: str) -> None:
    async with Town() as town:
        url, _ = await stand(town, name)
        async with ClientSession(connector=town.connector("client")) as client:
            for often in ("once", "TWICE"):
                with pytest.raises(ClientConnectionError):
                    await client.post(url)
                trace = noted(town.trace, NOTES)
                place = name.removeprefix(f"{end}-")
                assert (("POST", place, end) in view({"POST": trace}).marked) is (often == "TWICE")
                line = next(it for it in table({"POST": trace}).splitlines() if it.startswith(f"  {name}"))
                assert line.split() == [name, "SomeError", often]


@pytest.mark.parametrize(
    ("name", "method", "raised"),
    [
        ("redirect-refused", "GET", ClientConnectorError),
        ("redirect-refused", "POST", ClientConnectorError),
        ("retry-refused", "GET", ClientConnectorError),
        ("retry-refused", "POST", ServerDisconnectedError),
    ],
)
async def test_a_second_connection_is_refused_when_the_first_was_heard(
    name: str, method: str, raised: type[Exception]
) -> None:
    async with Town() as town:
        url, gate = await stand(town, name)
        assert gate.is_open
        async with ClientSession(connector=town.connector("client")) as client:
            with pytest.raises(raised) as caught:
                await client.request(method, url, data=b"order" if method == "POST" else None)
            assert type(caught.value) is raised
        assert heard(name, town.trace) == 1
        assert town.trace.events().count("refused") == (raised is ClientConnectorError)
