"""A learner interrupts a cell, or runs it again: the kernel stops at once, and nothing stays open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from labs.course import kernel

SECONDS = 120  # a net: a busy computer does not reach it

WAITING = """
import asyncio
from aiohttp import ClientSession
from labs.guard.guard import Guard
from labs.town.town import Town
guard = Guard()

async def never(request):
    print("in the handler", flush=True)
    await asyncio.Event().wait()

async with Town() as town:
    await town.open("origin.test", never)
    async with ClientSession(connector=town.connector("client")) as client:
        await client.get("http://origin.test/page")
"""
AFTER = "print(await guard.clean(), [it.message.target for it in town.trace.said if it.message])"


class Kernel(NamedTuple):
    manager: KernelManager
    client: BlockingKernelClient


@pytest.fixture(scope="module")
def started() -> Iterator[Kernel]:
    """Start a kernel as a lesson has one."""
    kernel.choose_ports()
    manager, client = start_new_kernel(kernel_name="python3", env=kernel.environment())
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def said(started: Kernel, code: str, *, interrupt_at: str = "") -> str:
    """Run a cell, interrupt it once it has printed `interrupt_at`, and return all it printed or raised."""
    request = started.client.execute(code)
    text = ""
    while True:
        message = started.client.get_iopub_msg(timeout=SECONDS)
        if message["parent_header"].get("msg_id") != request:
            continue
        content = message["content"]
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            return text
        text += content.get("text", "") or content.get("ename", "")
        if interrupt_at and interrupt_at in text:
            interrupt_at = ""
            started.manager.interrupt_kernel()


def test_an_interrupted_lesson_leaves_nothing_open_and_runs_again(started: Kernel) -> None:
    for _ in range(2):  # the second time, the same cell runs in the kernel of the first
        told = said(started, WAITING, interrupt_at="in the handler")
        assert "CancelledError" in told or "KeyboardInterrupt" in told
        assert said(started, AFTER).startswith("clean: 0 lost task exceptions")


def test_a_cell_out_of_order_says_what_to_do(started: Kernel) -> None:
    said(started, "from labs.town.town import Town\nasync with Town() as town:\n    pass")
    told = said(started, "try:\n    town.connector('client')\nexcept Exception as error:\n    print(error)")
    assert told == "This town is closed: run the cell that opens it again, and use it inside its block.\n"
