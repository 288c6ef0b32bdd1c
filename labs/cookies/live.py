"""Walk the cases in a town, by any client of the lab, and read from the recording what was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path

from labs.capture.message import octets
from labs.capture.trace import Trace
from labs.clients import registry
from labs.cookies import Case, cases, fields, servers, site, start
from labs.town.town import Town

__all__ = ["open_sites", "record", "recorded", "run", "sent", "traced", "walk"]

RECORDED = Path(__file__).with_name("recorded.json")
TOGETHER = 4  # curl is one process a case


async def open_sites(town: Town, chosen: Iterable[Case] | None = None) -> None:
    """Open every server that the cases visit, in one town, under the name and port of their URLs."""
    for host, port, tls in servers(chosen):
        plain = port == (443 if tls else 80)
        await town.open(host if plain else f"{host}:{port}", site, tls=tls)


async def walk(client: str, town: Town, chosen: Iterable[Case] | None = None) -> None:
    """Let a client walk the cases, in a session of its own for each. The sites must be open.

    Raise ClientMissing where the client is not on this machine.
    """
    walks = [start(it) for it in (cases().values() if chosen is None else chosen)]
    if client == "chromium":
        await registry.tour(town, walks)
        return
    turn = asyncio.Semaphore(TOGETHER if client == "curl" else 1)

    async def one(url: str) -> None:
        async with turn:
            await registry.ask(client, town, url, follow=True, cookies=True)

    with town.guest(client):
        await asyncio.gather(*map(one, walks))


def sent(trace: Trace) -> dict[str, str | None]:
    """Read by case id what the last request of each walk carried: "" for no Cookie, None for no request."""
    heard = ((it.target, it.field("Cookie")) for it in trace.requests())
    return fields((target, _octets(field)) for target, field in heard)


def _octets(field: str | None) -> str | None:
    return None if field is None else octets(field).decode("utf-8", "backslashreplace")


async def traced(client: str, chosen: Iterable[Case] | None = None) -> Trace:
    """Run cases by a client in a town of their own; return the recording."""
    chosen = tuple(cases().values() if chosen is None else chosen)
    async with Town() as town:
        await open_sites(town, chosen)
        await walk(client, town, chosen)
    return town.trace


async def run(client: str, chosen: Iterable[Case] | None = None) -> dict[str, str | None]:
    """Run cases by a client in a town of their own; return what was sent, by case id."""
    return sent(await traced(client, chosen))


def recorded() -> dict[str, dict[str, str | None]]:
    """Return what curl and Chromium sent where the lab was made, by client and version, and by case id."""
    found: dict[str, dict[str, str | None]] = json.loads(RECORDED.read_text("utf-8"))
    return found


async def record(*names: str) -> None:
    """Run all cases by clients that are here, and write down what they sent: the source of `recorded`."""
    found = {f"{it} {registry.present()[it]}": await run(it) for it in names}
    RECORDED.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
