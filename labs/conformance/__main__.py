"""python -m labs conformance: put the list to the proxies of the lab, or to any reverse proxy that runs."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from labs import gateway
from labs.conformance import nginx
from labs.conformance.registry import Check, select
from labs.conformance.report import dump, explain, matrix
from labs.conformance.result import Results
from labs.conformance.runner import run
from labs.conformance.sites import Open, Site, in_town, outside
from labs.conformance.stand import Stand
from labs.conformance.verdict import BROKEN, FAILED
from labs.servers import fronts

__all__ = ["main", "proxies"]

OPTIONS = {"patience": "answer_timeout", "idle": "idle_timeout", "body": "max_body", "prefix": "prefix"}


def _parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="python -m labs conformance", description=__doc__)
    whole.add_argument("url", nargs="?", help="A reverse proxy that runs; without it, those of the lab.")
    whole.add_argument(
        "--upstream-port", type=int, metavar="N", help="Where it looks for its origin, on 127.0.0.1."
    )
    whole.add_argument("--json", type=Path, metavar="FILE", help="Write all results there, with the bytes.")
    whole.add_argument(
        "--only", action="append", metavar="ID", help="One check or topic; may come several times."
    )
    whole.add_argument(
        "--proxy", action="append", metavar="NAME", help="One proxy of the lab; may come several times."
    )
    whole.add_argument("--why", action="store_true", help="Show the bytes of each check that did not pass.")
    return whole


def proxies() -> dict[str, Callable[[], contextlib.AbstractAsyncContextManager[Open]]]:
    """Return what the lab has to put the list to, by name; nginx only where it is installed."""
    known: dict[str, Callable[[], contextlib.AbstractAsyncContextManager[Open]]] = {
        "posted": lambda: _ready(in_town(lambda site: fronts.posted(site.target, site.connect))),
        "typical": lambda: _ready(in_town(lambda site: fronts.typical(site.target, site.connect))),
    }
    for leg in ("direct", "session"):
        known[f"gateway ({leg})"] = lambda leg=leg: _ready(_gateway(leg))  # type: ignore[misc]
    if (program := nginx.find()) is not None:
        known["nginx (bare)"] = lambda: nginx.nginx(program)
        known["nginx (tuned)"] = lambda: nginx.nginx(program, tuned=True)
    return known


@contextlib.asynccontextmanager
async def _ready(stand: Open) -> AsyncIterator[Open]:
    yield stand


def _gateway(leg: str) -> Open:
    def build(site: Site) -> Any:
        site.settings.update(site.check.needs)
        options = gateway.Options(leg=leg, **{OPTIONS[name]: it for name, it in site.settings.items()})
        return gateway.gateway(site.target, options, connector=site.connect, dial=site.dial)

    return in_town(build)


def _outside(url: str, upstream_port: int) -> Open:
    wrong = f"{url} is no address of a proxy: write http://host:port; the list speaks plain HTTP."
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:  # an unclosed bracket, a port that is none
        raise ValueError(wrong) from None
    if parts.scheme != "http" or not host or "@" in parts.netloc:
        raise ValueError(wrong)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(
            f"{url} has more than an address: write http://{parts.netloc}; each check has its path."
        )
    address, alone = (host, port or 80), asyncio.Lock()

    @contextlib.asynccontextmanager
    async def opened(check: Check) -> AsyncIterator[Stand]:
        async with alone, outside(url, address, upstream_port, host=parts.netloc) as stand:
            yield stand

    return opened


async def _run(known: argparse.Namespace) -> dict[str, Results]:
    if known.url:
        stand = _outside(known.url, known.upstream_port)
        return {known.url: await run(stand, only=known.only, at_once=1)}
    found: dict[str, Results] = {}
    for name, made in proxies().items():
        if known.proxy is None or not known.proxy.isdisjoint(_called(name)):
            async with made() as stand:
                found[name] = await run(stand, only=known.only)
    return found


def _called(name: str) -> set[str]:
    return {name, name.split(" ")[0]}  # "nginx" means both


def _must_be_possible(known: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    # Before anything runs: the list takes its time.
    if (known.url is None) != (known.upstream_port is None):
        parser.error("a URL and --upstream-port go together: the proxy must look for its origin there")
    if known.upstream_port is not None and not 1 <= known.upstream_port <= 65535:
        parser.error(f"--upstream-port is a number from 1 to 65535, not {known.upstream_port}")
    if known.url and known.proxy:
        parser.error("--proxy names a proxy of the lab: leave it out, or leave out the URL")
    names = proxies()
    if unknown := (known.proxy or set()).difference(*map(_called, names)):
        parser.error(f"no proxy of the lab is called {min(unknown)}; there are: {', '.join(names)}")
    if known.json and not known.json.absolute().parent.is_dir():
        parser.error(f"--json {known.json}: there is no such folder; make it first")


def main(argv: list[str] | None = None) -> int:
    """Print the matrix; return 1 where the list itself is broken, or a proxy given by URL failed a check."""
    parser = _parser()
    known = parser.parse_args(argv)
    known.proxy = set(known.proxy) if known.proxy else None
    _must_be_possible(known, parser)
    try:
        select(known.only)
        found = asyncio.run(_run(known))
    except (ValueError, OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    print(matrix(found))
    if known.why:
        for name, results in found.items():
            print(f"\n{name}\n\n{explain(results)}")
    if known.json:
        known.json.write_text(dump(found), "utf-8", newline="\n")
    bad = (BROKEN, FAILED) if known.url else (BROKEN,)
    return int(any(results.ids(verdict) for results in found.values() for verdict in bad))
