"""Measure proxies side by side, interleaved in one run: ratios to the usual aiohttp proxy, never asserted."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import math
import os
import platform
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NoReturn

import aiohttp

from labs.bench.measures import Measured, blamed, burst, close, crowd, down, drip, idle, opened, slow, up
from labs.bench.processes import FRONTS, ProcessFailed, installed, started
from labs.bench.report import BASE, Findings, chart, table
from labs.instruments.timing import SEED

__all__ = ["main", "measure"]

LANES = 32  # keep-alive connections


async def _interleaved(
    sides: Sequence[Measured],
    rounds: int,
    call: Callable[[Measured], Awaitable[dict[str, float]]],
    found: Findings,
) -> None:
    """Call each side once a round, in shuffled order; who cannot do it is left out, with a note."""
    order, dice = list(sides), random.Random(SEED)
    values: dict[str, dict[str, list[float]]] = {}
    for number in range(rounds + 1):  # the first is a warm-up
        dice.shuffle(order)
        for side in tuple(order):
            try:
                with blamed(side):
                    got = await call(side)
            except ProcessFailed as failure:
                found.notes.append(str(failure) + ".")
                order.remove(side)
                for lists in values.values():
                    lists.pop(side.name, None)
                continue
            for measure, value in got.items() if number or rounds == 1 else ():
                values.setdefault(measure, {}).setdefault(side.name, []).append(value)
    names = [side.name for side in sides]
    for measure, lists in values.items():
        found.values[measure] = {name: lists[name] for name in names if name in lists}


async def measure(names: Sequence[str], *, rounds: int, size: int, held: int) -> Findings:
    """Measure `names` (of "direct" and FRONTS) and return all. Raise ProcessFailed where one cannot start."""
    found = Findings(rounds=rounds, size=size, idle=held, machine=_machine())
    short = rounds < 10
    with contextlib.ExitStack() as stack:
        process, origin = stack.enter_context(started("origin"))
        sides = [Measured("direct", process.pid, origin, origin)] if "direct" in names else []
        for name in names:
            if name != "direct":
                process, address = stack.enter_context(started(name, f"http://{origin[0]}:{origin[1]}"))
                sides.append(Measured(name, process.pid, address, origin))
        stack.callback(lambda: close(client for side in sides for client in side.clients))
        for side in sides:
            with blamed(side):
                for _ in range(LANES):
                    side.clients.append(await opened(side))
                for _ in range(1 if short else 5):
                    took = (await burst(side))["request"] * LANES
            side.times = max(2, round((0.01 if short else 0.2) / took))
        gc.collect()
        gc.freeze()
        stack.callback(gc.unfreeze)
        await _interleaved(sides, rounds, burst, found)
        for side in sides:
            close(side.clients)
            side.clients.clear()
        await _interleaved(sides, max(2, rounds // 3), drip, found)
        proxies = [it for it in sides if it.name not in ("direct", "redirect")]  # who else holds anything
        await _interleaved(proxies, 1, lambda side: slow(side, size, 0.1 if short else 2.0), found)
        await _interleaved([it for it in sides if it.name != "direct"], 1, lambda it: idle(it, held), found)
        bulk = max(2, rounds // 5)
        await _interleaved(sides, bulk, lambda side: down(side, size), found)
        await _interleaved(
            [it for it in sides if it.name != "redirect"], bulk, lambda side: up(side, size), found
        )
        whole = found.values.get("up", {})  # who loses one body loses a hundred
        able = [it for it in proxies if it.name in whole]
        await _interleaved(able, 1, lambda side: crowd(side, size), found)
    return found


def _machine() -> str:
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    versions = f"Python {platform.python_version()}, aiohttp {aiohttp.__version__}"
    return f"{versions}, {platform.system()}, {os.cpu_count()} cores{load}"


def _room() -> None:
    # 1 000 idle connections need more than the 1 024 files that many systems begin with. Children inherit it.
    if sys.platform != "win32":  # which has no such limit
        import resource

        with contextlib.suppress(ValueError, OSError):
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _ended(*_: object) -> NoReturn:
    raise SystemExit(143)  # so that every process is killed on the way out


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the report, and write what was asked for. Return 0, or 1 after one sentence."""
    parser = argparse.ArgumentParser(prog="python -m labs bench proxies", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="of small requests; big bodies get a fifth")
    parser.add_argument(
        "--size", type=float, default=1024, metavar="MIB", help="of a big body (default: 1024)"
    )
    parser.add_argument("--idle", type=int, default=1000, help="idle connections (default: 1000)")
    parser.add_argument(
        "--only", action="append", metavar="NAME", choices=["direct", *FRONTS], help="repeatable"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="every value")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="as PNG")
    told = parser.parse_args(argv)
    if told.rounds < 2 or not 0 < told.size < math.inf or told.idle < 1:
        parser.error("--rounds must be 2 or more, --size and --idle more than 0.")
    for file in filter(None, (told.json, told.figure)):
        if not file.absolute().parent.is_dir():
            parser.error(f"{file}: there is no such folder; make it first.")
    missing = {name: why for name, why in installed().items() if why}
    wanted = [name for name in ("direct", *FRONTS) if not told.only or name in (*told.only, BASE)]
    _room()
    before = signal.signal(signal.SIGTERM, _ended)
    try:
        names = [name for name in wanted if name not in missing]
        size = max(int(told.size * (1 << 20)), 1 << 10)
        found = asyncio.run(measure(names, rounds=told.rounds, size=size, held=told.idle))
    except (ProcessFailed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)
    found.notes += [f"{name} is left out: {why}." for name, why in missing.items() if name in wanted]
    print(table(found))
    if told.json:
        told.json.write_text(json.dumps(found.record(), indent=1) + "\n", "utf-8", newline="\n")
    if told.figure:
        figure = chart(found)
        figure.save(told.figure)
        print(f"\n{figure.alt}")
    return 0
