"""The exercises of lesson 15."""

from __future__ import annotations

from typing import Any

from aiohttp import ClientConnectorError, ClientError, ClientResponseError, ClientSession, ClientTimeout, web

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.servers import faults
from labs.town.town import Town

LESSON = "15_name_the_error"
PAGE = "the page\n"
MOVED = "Your receipt has a page of its own.\n"
WHY = {500: "The shelf fell.\n", 409: "There are no more shoes in your size.\n", 404: "No such shoe.\n"}
WHY |= {400: "How many shoes?\n"}
SHORT = ClientTimeout(total=None, sock_read=0.05)
MOST = 6  # orders, until the server ends a loop that has no end


async def _moved(request: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther("http://gone.test/receipt", text=MOVED)  # where nobody listens


async def _fails(request: web.Request) -> web.StreamResponse:
    return web.Response(status=500, text=WHY[500])


async def _page(request: web.Request) -> web.StreamResponse:
    return web.Response(text=PAGE)


def _say(answer: object) -> str:
    return repr(answer) if answer is None or isinstance(answer, str) else f"a {type(answer).__name__}"


_TELL = (
    "from aiohttp import ClientConnectorError, ClientError, ClientOSError\n\n"
    "async def tell(client, url):\n"
    "    try:\n"
    "        async with client.post(url, data=b'order', allow_redirects=False) as answer:\n"
    "            await answer.read()\n"
    "            return 'done'\n"
)


@exercise(
    "was-it-sent",
    lesson=LESSON,
    stars=1,
    minutes=7,
    hint="Two `except` clauses, the narrow one first: which class covers connecting, and only that?",
    wants="value",
    wrong={
        _TELL + "    except ClientError:\n        return 'not sent'": "it heard",
        _TELL + "    except (ClientError, TimeoutError):\n        return 'perhaps'\n"
        "    except ClientConnectorError:\n        return 'not sent'": "narrow one first",
        _TELL + "    except ClientOSError:\n        return 'not sent'\n"
        "    except (ClientError, TimeoutError):\n        return 'perhaps'": "reset-before-head",
        _TELL + "    except ClientConnectorError:\n        return 'not sent'\n"
        "    except ClientError:\n        return 'perhaps'": "raised TimeoutError",
        _TELL + "    except ClientConnectorError:\n        return 'not sent'": "raised ",
        _TELL.replace(", allow_redirects=False", "")
        + "    except ClientConnectorError:\n        return 'not sent'\n"
        "    except (ClientError, TimeoutError):\n        return 'perhaps'": "303",
        _TELL + "    except ClientConnectorError:\n        return 'not sent'\n"
        "    except Exception:\n        return 'perhaps'": "closed",
        _TELL + "    except ClientConnectorError:\n        return 'not sent'\n"
        "    except (ClientError, TimeoutError, ValueError):\n        return 'perhaps'": "cannot be sent",
        _TELL.replace("'done'", "'done' if answer.ok else 'perhaps'")
        + "    except ClientConnectorError:\n        return 'not sent'\n"
        "    except (ClientError, TimeoutError):\n        return 'perhaps'": "statuses do not matter",
        (_TELL + "    except (ClientError, TimeoutError):\n        return 'perhaps'").replace(
            "b'order'", "b'x'"
        ): "not b'order'",
        (_TELL + "    except (ClientError, TimeoutError):\n        return 'perhaps'").replace(
            "client.post", "client.put"
        ): "heard PUT",
        "async def tell(client, url):\n    raise asyncio.CancelledError": "CancelledError",
    },
)
async def was_it_sent(tell: Any) -> Attempt:
    """Demand "done", "not sent" or "perhaps", each where it is true."""
    wanted = {"good": "done", "refused": "not sent", "unknown": "not sent", "close-before-head": "perhaps"}
    wanted |= {"reset-before-head": "perhaps", "close-in-body": "perhaps", "stall-before-head": "perhaps"}
    wanted |= {"status 500": "done"}
    trace = Trace((), ())
    for name in (*wanted, "total"):
        right = wanted.get(name, "perhaps")
        trace, said, raised = await _tell(tell, name)
        if raised:
            catch = ": catch that, too" if name not in ("good", "status 500") else ""
            return not_yet(f"With {name} it raised {raised}{catch}.", trace)
        if said == right:
            if name == "good" and (words := _ordered(trace)):
                return not_yet(words, trace)
            continue
        heard = "it heard the order" if trace.requests() else "it heard nothing"
        words = (
            f"With {name} it should return {right!r}, not {_say(said)}: ask what the server knows, {heard}."
        )
        if name == "status 500":
            words += " Here statuses do not matter."
        if right == "not sent" and said == "perhaps":
            words += " Python takes the first clause that fits: the narrow one first."
        return not_yet(words, trace)
    trace, said, raised = await _tell(tell, "moved")
    if raised or said not in ("done", "perhaps"):
        came = f"it raised {raised}" if raised else f"it returned {_say(said)}"
        return not_yet(
            f"The server heard the order, and answered 303 to a host that refuses, and {came}: "
            "do not follow a redirect.",
            trace,
        )
    trace, said, raised = await _tell(tell, "closed")
    if not raised:
        return not_yet(
            f"The session was closed, which no network did, and it returned {_say(said)}: let that out."
        )
    trace, said, raised = await _tell(tell, "unsendable")
    if not raised:
        return not_yet(
            "The client has a field that cannot be sent, which no network did, and it returned "
            f"{_say(said)}: let that out."
        )
    return yes(trace)


def _ordered(trace: Trace) -> str:
    """Say what is wrong with the first request; it should be a POST of the body `order`."""
    for it in trace.requests()[:1]:
        if it.method != "POST":
            return f"The server heard {it.method}: post the order."
        return "" if it.body == b"order" else f"The server heard the body {it.body!r:.40}, and not b'order'."
    return "The server heard nothing: post the order."


async def _tell(tell: Any, name: str) -> tuple[Trace, object, str]:
    said, raised = None, ""
    silent = name in ("stall-before-head", "total")
    fault = "stall-before-head" if name == "total" else name
    async with Town() as town:
        good = {"moved": _moved, "status 500": _fails}.get(name, _page)
        await town.open("origin.test", faults.make(fault) if fault in faults.FAULTS else good)
        await town.open("gone.test", _page)
        await town.close("gone.test")
        if name == "refused":
            await town.close("origin.test")
        host = "nobody.test" if name == "unknown" else "origin.test"
        limits = (
            ClientTimeout(total=0.05) if name == "total" else SHORT if silent else ClientTimeout(total=None)
        )
        fields = {"X-Id": "a\0b"} if name == "unsendable" else {}
        async with ClientSession(
            connector=town.connector("client"), timeout=limits, headers=fields
        ) as client:
            if name == "closed":
                await client.close()
            try:
                said = await tell(client, f"http://{host}/order")
            except Exception as error:
                raised = type(error).__name__
    return town.trace, said, raised


@exercise(
    "say-why",
    lesson=LESSON,
    stars=2,
    minutes=8,
    hint="Read the body while the answer is open, then raise an exception that has it.",
    wants="value",
    wrong={
        "async def order(client, url):\n"
        "    async with client.post(url, data=b'order') as answer:\n"
        "        return await answer.text()": "raised nothing",
        "async def order(client, url):\n"
        "    async with client.post(url, data=b'order') as answer:\n"
        "        answer.raise_for_status()\n"
        "        return await answer.text()": "why",
        "async def order(client, url):\n"
        "    answer = await client.post(url, data=b'order')\n"
        "    try:\n"
        "        answer.raise_for_status()\n"
        "    except Exception:\n"
        "        raise RuntimeError(await answer.text())\n"
        "    return await answer.text()": "lost",
        "async def order(client, url):\n"
        "    async with client.post(url, data=b'order') as answer:\n"
        "        raise RuntimeError(await answer.text())": "200",
        "async def order(client, url):\n"
        "    async with client.post(url, data=b'order') as answer:\n"
        "        if answer.status >= 500:\n"
        "            raise RuntimeError(await answer.text())\n"
        "        return await answer.text()": "409",
        "async def order(client, url):\n"
        "    async with client.post(url, data=b'order') as answer:\n"
        "        if answer.status in (409, 500):\n"
        "            raise RuntimeError(await answer.text())\n"
        "        return await answer.text()": "404",
        "async def order(client, url):\n"
        "    async with client.post(url, data=b'order') as answer:\n"
        "        if answer.status > 400:\n"
        "            raise RuntimeError(await answer.text())\n"
        "        return await answer.text()": "400",
        "async def order(client, url):\n"
        "    async with client.post(url, data=b'order') as answer:\n"
        "        if answer.status != 200:\n"
        "            raise RuntimeError(await answer.text())\n"
        "        return await answer.text()": "201",
        "async def order(client, url):\n"
        "    async with client.post(url, data=b'order') as answer:\n"
        "        if not answer.ok:\n"
        "            raise RuntimeError('There are no more shoes in your size.')\n"
        "        return await answer.text()": "the text of RuntimeError does not",
        "async def order(client, url):\n"
        "    async with client.post(url) as answer:\n"
        "        if not answer.ok:\n"
        "            raise RuntimeError(await answer.text())\n"
        "        return await answer.text()": "not b'order'",
    },
)
async def say_why(order: Any) -> Attempt:
    """Demand the text of a good answer, and of a bad one an exception whose text has the body."""
    trace = Trace((), ())
    for status in (200, 201, 500, 409, 404, 400):
        trace, said, error = await _order(order, status)
        if status < 400:
            if error is not None:
                return not_yet(f"The status was {status}, and it raised {type(error).__name__}.", trace)
            if words := _ordered(trace):
                return not_yet(words, trace)
            if said != PAGE:
                return not_yet(
                    f"The status was {status}, and it did not return the text of the answer.", trace
                )
        elif error is None:
            return not_yet(f"The status was {status}, and it raised nothing.", trace)
        elif isinstance(error, ClientError) and not isinstance(error, ClientResponseError):
            return not_yet("The body was lost before you read it: stay inside `async with`.", trace)
        elif WHY[status].strip() not in str(error):
            return not_yet(
                f"The server said why it failed, and the text of {type(error).__name__} does not.", trace
            )
    return yes(trace)


async def _order(order: Any, status: int) -> tuple[Trace, object, Exception | None]:
    said, raised = None, None

    async def shop(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(status=status, text=WHY.get(status, PAGE))

    async with Town() as town:
        await town.open("origin.test", shop)
        async with ClientSession(connector=town.connector("client")) as client:
            try:
                said = await order(client, "http://origin.test/order")
            except Exception as error:
                raised = error
    return town.trace, said, raised


_AGAIN = (
    "from aiohttp import ClientConnectionError, ClientConnectorError, ClientError, ClientOSError\n\n"
    "async def order(client, url, wait):\n"
    "    {loop}:\n"
    "        try:\n"
    "            async with client.post(url, data=b'order', allow_redirects=False) as answer:\n"
    "                return await answer.text()\n"
    "        except {what}:\n"
    "            {then}\n"
)
_THREE = _AGAIN.format(
    loop="for n in range(3)",
    what="ClientConnectorError",
    then="if n == 2: raise\n            await wait()",
)


@exercise(
    "only-if-unsent",
    lesson=LESSON,
    stars=3,
    minutes=12,
    hint="Only a request that never left may be repeated. `raise` alone lets the exception go on.",
    wants="value",
    wrong={
        "async def order(client, url, wait):\n"
        "    async with client.post(url, data=b'order') as answer:\n"
        "        return await answer.text()": "first try",
        _AGAIN.format(loop="for _ in range(3)", what="ClientError", then="await wait()"): "heard the order",
        _AGAIN.format(
            loop="for n in range(3)", what="ClientOSError", then="await wait()"
        ): "reset-before-head",
        _AGAIN.format(loop="while True", what="ClientConnectorError", then="await wait()"): "no end",
        _AGAIN.format(
            loop="for _ in range(3)", what="ClientConnectorError", then="await wait()"
        ): "instead of the exception",
        _AGAIN.format(
            loop="for n in range(3)", what="ClientConnectorError", then="if n == 2: raise"
        ): "wait()",
        _AGAIN.format(
            loop="for n in range(2)",
            what="ClientConnectorError",
            then="if n == 1: raise\n            await wait()",
        ): "third try",
        _AGAIN.replace(", allow_redirects=False", "").format(
            loop="for n in range(3)",
            what="ClientConnectorError",
            then="if n == 2: raise\n            await wait()",
        ): "303",
        _THREE.replace(
            "return await", "return None if answer.status == 303 else await"
        ): "it returned None: return that text",
        _THREE.replace("return", "assert answer.status == 200\n                return"): "AssertionError",
        _THREE.replace(", allow_redirects=False", "")
        .replace("ConnectorError:", "ConnectorError as error:")
        .replace("if n == 2", "if n == 2 or 'gone' in str(error)"): "it raised ClientConnectorError",
        _AGAIN.format(
            loop="for n in range(3)",
            what="ClientConnectorError",
            then="await wait()\n            if n == 2: raise",
        ): "after the last try",
    },
)
async def try_again(order: Any) -> Attempt:
    """Demand three tries where nobody listens, with a wait between them, and one where somebody heard."""
    for opens in (1, 2):  # after which wait the server is there
        trace, said, error, _ = await _again(order, opens=opens)
        tries = trace.events().count("refused")
        if not tries:
            return not_yet("It never tried to send the order.", trace)
        if error is None and said == PAGE:
            if words := _ordered(trace):
                return not_yet(words, trace)
            continue
        if tries > opens:
            return not_yet("It tried again at once: `await wait()` between two tries.", trace)
        last = "only the first try failed" if opens == 1 else "the third try would have come through"
        return not_yet(f"The server was away for a moment, {last}, and the order was not placed.", trace)
    for name in ("close-before-head", "reset-before-head", "close-in-body", "garbage"):
        trace, said, error, _ = await _again(order, fault=name)
        heard = len(trace.requests())
        if heard != 1:
            return not_yet(
                f"With {name} the server heard the order {heard} times: it may be two pairs.", trace
            )
        if error is None:
            return not_yet(f"With {name} nobody knows whether the order is placed: let the error out.", trace)
    trace, said, error, _ = await _again(order, fault="moved")
    if (heard := len(trace.requests())) > 1:
        return not_yet(
            f"With a 303 to a host that refuses, the server heard the order {heard} times: "
            "do not follow a redirect.",
            trace,
        )
    if error is not None or said != MOVED:
        came = f"it returned {_say(said)}" if error is None else f"it raised {type(error).__name__}"
        return not_yet(
            f"The server heard the order, and answered 303 with a text, and {came}: "
            "return that text, and do not follow the redirect.",
            trace,
        )
    trace, said, error, waits = await _again(order)
    tries = trace.events().count("refused")
    if tries >= MOST:
        return not_yet("Nobody ever listened, and there was no end to the tries: three.", trace)
    if not isinstance(error, ClientConnectorError):
        came = f"it returned {_say(said)}" if error is None else f"{type(error).__name__} came"
        return not_yet(f"Nobody ever listened, and {came} instead of the exception.", trace)
    if tries != 3:
        return not_yet(f"Nobody ever listened, and it tried {tries} times, not three.", trace)
    if waits > 2:
        return not_yet("Nobody ever listened, and it waited after the last try: for what?", trace)
    return yes(trace)


async def _again(
    order: Any, *, opens: int = 0, fault: str = ""
) -> tuple[Trace, object, Exception | None, int]:
    said, raised, waits = None, None, 0
    async with Town() as town:
        good = _moved if fault == "moved" else _page
        await town.open("origin.test", faults.make(fault) if fault in faults.FAULTS else good)
        await town.open("gone.test", _page)
        await town.close("gone.test")
        if not fault:
            await town.close("origin.test")

        async def wait() -> None:
            nonlocal waits
            waits += 1
            if waits == opens:
                await town.open("origin.test", _page)
            if waits == MOST:
                raise RuntimeError("The lab ends a loop that has no end.")

        async with ClientSession(connector=town.connector("client")) as client:
            try:
                said = await order(client, "http://origin.test/order", wait)
            except Exception as error:
                raised = error
    return town.trace, said, raised, waits
