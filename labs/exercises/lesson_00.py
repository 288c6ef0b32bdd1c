"""The exercise of lesson 00."""

from __future__ import annotations

from typing import Any

from aiohttp import ClientError, ClientSession

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.town.town import Town

LESSON = "00_start_here"
TEAPOT = 418


async def _ask(front: Any) -> Trace:
    async with Town() as town:
        await town.open("origin.test", front)
        async with ClientSession(connector=town.connector("client")) as client:
            try:
                async with client.get("http://origin.test/coffee") as answer:
                    await answer.read()
            except ClientError:
                pass  # the trace tells what came
    return town.trace


@exercise(
    "be-a-teapot",
    lesson=LESSON,
    stars=1,
    minutes=2,
    hint="`web.Response(...)` takes `status=`.",
    wrong={
        "async def front(request):\n    return web.Response(text='418')": "status=418",
        "async def front(request):\n    return web.Response(418)": "Your handler raised TypeError",
        "async def front(request):\n    return 418": "returned 418",
        "async def front(request):\n    web.Response(status=418)": "returned None",
        "async def front(request):\n    return web.Response(reason='418')": "reason",
        "async def front(request):\n    raise web.HTTPFound('/418')": "redirect",
        "def front(request):\n    return web.Response(status=418)": "async def",
        "async def front(request):\n    return web.Response(status=999999)": "no answer of HTTP",
        "async def front(request):\n    return 'short', 418": "returned a tuple",
    },
)
async def be_a_teapot(front: Any) -> Attempt:
    """Demand that the client hears status 418."""
    trace = await _ask(front)
    answers = trace.answers(whom="client")
    if not answers:
        return not_yet("The client heard no answer.", trace)
    first = answers[0]
    if first.status == TEAPOT:
        return yes(trace)
    if not first.status:
        return not_yet(
            "What your handler sent is no answer of HTTP: its status must have three digits.", trace
        )
    heard = f"The client heard {first.status}"
    if 300 <= first.status < 400:
        return not_yet(f"{heard}, a redirect: the first answer must have status 418.", trace)
    if "418" in first.reason:
        return not_yet(f"{heard}, and 418 as the reason, the words behind it: write `status=418`.", trace)
    return not_yet(f"{heard}: a response says its status with `status=418`.", trace)
