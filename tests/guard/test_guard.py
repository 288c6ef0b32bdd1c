"""The guard turns every silent failure red, in a loop and in a Jupyter kernel, and leaves no hook behind."""

import asyncio
import concurrent.futures
import contextlib
import gc
import logging
import os
import socket
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import nbformat
import pytest
from aiohttp import ClientSession, web

from labs.course.kernel import execute
from labs.guard import guard as module
from labs.guard.guard import TRACEBACK, Clean, Guard, Unclean, forgiving
from labs.guard.leaks import CONNECTION, JOB, LOST_TASK, PROCESS, SOCKET, TASK, UNAWAITED, UNCLOSED
from labs.guard.logs import server_log
from labs.host.learner import STRICT
from labs.host.paths import ROOT
from labs.town.town import Town
from tests.support import forever, hello, turns

Lost: TypeAlias = Coroutine[Any, Any, None]
Job: TypeAlias = tuple[threading.Event, threading.Thread | None]
Program: TypeAlias = subprocess.Popen[bytes]
Closed: TypeAlias = ClientSession | asyncio.Server | socket.socket | asyncio.StreamWriter
Kept: TypeAlias = (
    Town | asyncio.Task[None] | Closed | Lost | Job | Program | asyncio.subprocess.Process | None
)
Misdeed: TypeAlias = Callable[[], Coroutine[Any, Any, Kept]]


async def fail() -> None:
    raise LookupError("lost")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for what will not end."""
    monkeypatch.setattr(module, "PATIENCE", 0.01)


# ── the misdeeds: each returns what a notebook's variable would hold, or nothing ────────────────────────


async def lose_a_task() -> None:
    asyncio.create_task(fail())
    await turns(2)


async def keep_a_lost_task() -> asyncio.Task[None]:
    task = asyncio.create_task(fail())
    await turns(2)
    return task


async def forget_to_await() -> None:
    fail()  # type: ignore[unused-coroutine]


async def keep_a_coroutine() -> Lost:
    return fail()


async def forget_a_session() -> None:
    ClientSession()


async def keep_a_session() -> ClientSession:
    return ClientSession()


async def break_a_handler() -> None:
    async def broken(request: web.Request) -> web.Response:
        raise LookupError("broken")

    async with Town() as town, ClientSession(connector=town.connector("client")) as client:
        await town.open("origin.test", broken)
        async with client.get("http://origin.test/") as answer:
            assert answer.status == 500


async def leave_a_task() -> asyncio.Task[None]:
    return asyncio.create_task(forever())


async def leave_a_task_to_the_collector() -> None:
    asyncio.create_task(forever())
    await turns(2)


async def leave_a_socket() -> asyncio.Server:
    return await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)


async def leave_a_plain_socket() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


async def leave_a_connection() -> socket.socket:
    one, other = socket.socketpair()
    other.close()
    return one


async def leave_an_address() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.1", 9))
    return sock


async def leave_a_stream() -> asyncio.StreamWriter:
    one, other = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=one)
    other.close()
    return writer


WAITS = [sys.executable, "-S", "-c", "input()"]  # until the end of its input


async def leave_a_program() -> Program:
    return subprocess.Popen(WAITS, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: ASYNC220


async def leave_a_program_to_the_collector() -> None:
    subprocess.Popen(WAITS, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: ASYNC220


async def leave_a_program_of_asyncio() -> asyncio.subprocess.Process:
    end, other = os.pipe()
    try:
        made = await asyncio.create_subprocess_exec(*WAITS, stdin=end, stderr=subprocess.DEVNULL)
    finally:
        os.close(end)
    vars(made)["input"] = other
    return made


async def leave_a_job() -> Job:
    event = threading.Event()
    asyncio.get_running_loop().run_in_executor(None, event.wait)
    return event, None


async def leave_a_job_that_was_given_up() -> Job:
    event = threading.Event()
    waiting = asyncio.create_task(asyncio.to_thread(event.wait))
    await turns(2)
    waiting.cancel()
    await asyncio.wait({waiting})
    return event, None


async def leave_a_thread() -> Job:
    event = threading.Event()
    thread = threading.Thread(target=event.wait, daemon=True)
    thread.start()
    return event, thread


async def leave_a_town() -> Town:
    town = Town()
    await town.__aenter__()
    return town


MISDEEDS: list[tuple[str, Misdeed, str]] = [
    (LOST_TASK, lose_a_task, r"LookupError\('lost'\)"),
    (LOST_TASK, keep_a_lost_task, r"LookupError\('lost'\): await the task, or catch it"),
    (UNAWAITED, forget_to_await, "coroutine 'fail' was never awaited: write `await` before the call"),
    (UNAWAITED, keep_a_coroutine, "fail was never awaited: write `await` before the call"),
    (UNCLOSED, forget_a_session, "Unclosed client session: use `async with"),
    (UNCLOSED, keep_a_session, "a client session is still open: use `async with"),
    (TRACEBACK, break_a_handler, r"Error handling request from .*LookupError\('broken'\)"),
    (TASK, leave_a_task, r"Task-\d+ \(forever\) still runs: await it or cancel it"),
    (TASK, leave_a_task_to_the_collector, r"Task was destroyed but it is pending! \(forever\) Keep it"),
    (SOCKET, leave_a_socket, "still listens: open servers in `async with Town"),
    (SOCKET, leave_a_plain_socket, "still listens: open servers in `async with Town"),
    (CONNECTION, leave_a_connection, "one from .* is still open: close it, or leave its block"),
    (CONNECTION, leave_an_address, r"one from .* to \('127.0.0.1', 9\) is still open"),
    (CONNECTION, leave_a_stream, "is still open: close it"),
    (
        PROCESS,
        leave_a_program,
        r"nobody has waited for the end of \[.*'input\(\)'\]: end it, and wait for it",
    ),
    (PROCESS, leave_a_program_to_the_collector, r"subprocess \d+ is still running: end it, and wait for it"),
    (PROCESS, leave_a_program_of_asyncio, "nobody has waited for the end of "),
    (JOB, leave_a_job, "a job of an executor still runs: await it, or let it end"),
    (JOB, leave_a_job_that_was_given_up, "a job of an executor still runs"),
    (JOB, leave_a_thread, "Thread-.* still runs: join it"),
    (SOCKET, leave_a_town, "a town is still open: leave its `async with` block"),
]


async def mend(kept: Kept) -> None:
    """Put away what a misdeed left."""
    if isinstance(kept, Town):
        await kept.__aexit__(None, None, None)
    elif isinstance(kept, asyncio.Task):
        kept.cancel()
        await asyncio.wait({kept})
    elif isinstance(kept, ClientSession):
        await kept.close()
    elif isinstance(kept, tuple):
        kept[0].set()
        if kept[1]:
            kept[1].join()
    elif isinstance(kept, subprocess.Popen):
        kept.communicate()
    elif isinstance(kept, asyncio.subprocess.Process):
        os.close(vars(kept)["input"])
        await kept.wait()
    elif kept is not None:
        kept.close()


@pytest.mark.parametrize(("kind", "misdeed", "words"), MISDEEDS, ids=[it.__name__ for _, it, _ in MISDEEDS])
async def test_each_kind_turns_it_red(kind: str, misdeed: Misdeed, words: str) -> None:
    guard = Guard()
    kept = await misdeed()
    with pytest.raises(Unclean, match=words) as caught:
        await guard.clean()
    await mend(kept)
    lines = str(caught.value).splitlines()
    assert lines[0] == "The lesson left this behind:"
    assert len(lines) == 2 and lines[1].startswith(f"- {kind}: "), lines


@pytest.mark.parametrize(("kind", "misdeed", "words"), MISDEEDS, ids=[it.__name__ for _, it, _ in MISDEEDS])
async def test_what_is_forgiven_is_no_finding_and_what_is_left_of_it_is_one(
    kind: str, misdeed: Misdeed, words: str
) -> None:
    guard = Guard()
    with forgiving():
        kept = await misdeed()
    if kept is None:
        assert str(await guard.clean()).startswith("clean: 0 lost task exceptions, 0 unawaited")
    else:
        with pytest.raises(Unclean, match=words) as caught:
            await guard.clean()
        assert str(caught.value).count("\n- ") == 1
        await mend(kept)
    guard = Guard()  # and what was forgiven is not forgiven for good
    kept = await misdeed()
    with pytest.raises(Unclean, match=f"- {kind}: .*{words}"):
        await guard.clean()
    await mend(kept)
    del kept


async def test_a_clean_lesson_is_clean() -> None:
    with warnings.catch_warnings(record=True) as seen:
        # As in a kernel: aiohttp warns of the large body, and nobody shows it.
        warnings.simplefilter("ignore")
        guard = Guard()
        async with Town() as town, ClientSession(connector=town.connector("client")) as client:
            await town.open("origin.test", hello)
            await town.open("raw.test", asyncio.Protocol)
            async with client.get("http://origin.test/") as answer:
                assert await answer.text() == "hello"
            async with client.post(
                "http://origin.test/", data=bytes(2 << 20), raise_for_status=False
            ) as answer:
                await answer.read()
        with pytest.raises(LookupError):
            await fail()
        task = asyncio.create_task(fail())
        with contextlib.suppress(LookupError):
            await task
        left = asyncio.create_task(forever())
        left.cancel()
        assert repr(await guard.clean()) == (
            "clean: 0 lost task exceptions, 0 unawaited coroutines, 0 unclosed sessions, "
            "0 handler tracebacks, 0 tasks, 0 open sockets, 0 subprocesses, 0 threads"
        )
    assert seen == []


async def test_what_was_there_before_is_not_the_lessons() -> None:
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        asyncio.get_running_loop().set_exception_handler(None)  # the plugin's would raise what is lost here
        others = (leave_a_town, break_a_handler, leave_a_program_to_the_collector)
        kept = [await it() for _, it, _ in MISDEEDS if it not in others]
        session = ClientSession()
        vars(session)["itself"] = session  # a cycle: it waits for the collector
        del session
        with pytest.warns(ResourceWarning, match="Unclosed client session"):
            gc.collect()
        guard = Guard()
        await guard.clean()
        for it in kept:
            await mend(it)


async def test_a_misdeed_that_was_mended_is_clean() -> None:
    guard = Guard()
    for _, misdeed, _ in MISDEEDS:
        if misdeed.__name__.startswith(("keep_a_coroutine", "keep_a_session", "leave_")):
            await mend(await misdeed())
    with contextlib.suppress(Unclean):  # of those that were left to the collector
        await guard.clean()
    guard = Guard()
    for _, misdeed, _ in MISDEEDS:
        if misdeed.__name__.startswith("leave_") and "collector" not in misdeed.__name__:
            await mend(await misdeed())
    await guard.clean()


async def test_a_lesson_may_use_threads_programs_and_connections() -> None:
    guard = Guard()
    async with Town() as town:
        await town.open("origin.test", hello)
        await town.open("secret.test", hello, tls=True)
        trust = town.ca.client_context()
        async with ClientSession(connector=town.connector("client", ssl=trust)) as client:
            for url in ("http://origin.test/", "https://secret.test/"):
                async with client.get(url) as answer:
                    assert await answer.text() == "hello"
        with town.guest("guest"):
            for _ in range(3):
                await asyncio.to_thread(socket.create_connection(town.address("origin.test")).close)
        await asyncio.to_thread(subprocess.run, [sys.executable, "-S", "-c", ""], check=True)
        made = await asyncio.create_subprocess_exec(sys.executable, "-S", "-c", "")
        await made.wait()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            assert pool.submit(sum, [1, 2]).result() == 3
    assert "0 open sockets, 0 subprocesses, 0 threads" in repr(await guard.clean())


async def test_what_is_just_ending_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 30.0)  # a net: it ends when the thread does
    guard = Guard()
    event, _ = await leave_a_job()
    asyncio.get_running_loop().call_later(0, event.set)
    await guard.clean()


@pytest.mark.parametrize(
    "kind", [LOST_TASK, UNAWAITED, UNCLOSED, TRACEBACK, TASK, SOCKET, CONNECTION, PROCESS, JOB]
)
def test_what_was_counted_is_printed(kind: str) -> None:
    words = repr(Clean({kind: 7}))
    assert words.count("7 ") == 1 and words.count(" 0 ") == len(module.COUNTED) - 1
    assert words.replace("7 ", "0 ") == repr(Clean({}))


async def test_clean_says_the_same_again() -> None:
    guard = Guard()
    with server_log() as log:
        await break_a_handler()
    assert log.raised == ["LookupError"]
    for _ in range(2):  # a learner runs the cell twice
        await guard.clean()
    guard = Guard()
    await break_a_handler()
    told = set()
    for _ in range(2):
        with pytest.raises(Unclean) as caught:
            await guard.clean()
        told.add(str(caught.value))
    assert len(told) == 1


# ── hooks ───────────────────────────────────────────────────────────────────────────────────────────────


def hooks() -> tuple[object, ...]:
    """Return everything that a guard replaces."""
    handlers = {name: logging.getLogger(name).handlers[:] for name in module.LOGGERS}
    loop = asyncio.get_running_loop()
    return loop.get_exception_handler(), warnings.showwarning, warnings.filters[:], handlers


@pytest.mark.parametrize("how", ["clean", "unclean", "dismissed", "relieved", "relieved and asked"])
async def test_the_hooks_are_restored_exactly(how: str) -> None:
    def mine(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        pass

    asyncio.get_running_loop().set_exception_handler(mine)
    before = hooks()
    guard = Guard()
    assert all(was != now for was, now in zip(before, hooks(), strict=True))
    if how == "clean":
        await guard.clean()
    elif how == "unclean":
        await break_a_handler()
        with pytest.raises(Unclean):
            await guard.clean()
    elif how == "dismissed":
        guard.dismiss()
    else:
        second = Guard()
        guards = hooks()
        if how == "relieved and asked":
            await guard.clean()
            assert hooks() == guards, "the first guard took the second one's hooks"
        await break_a_handler()
        await turns(1)
        with pytest.raises(Unclean, match=TRACEBACK):
            await second.clean()
    assert hooks() == before
    assert module._standing is None


async def test_a_second_guard_does_not_answer_for_the_first() -> None:
    Guard()
    await break_a_handler()
    await lose_a_task()
    gc.collect()
    assert await Guard().clean()


def test_a_guard_of_a_loop_that_has_ended_is_relieved() -> None:
    async def one() -> None:
        Guard()

    async def other() -> None:
        await Guard().clean()

    before = warnings.showwarning, warnings.filters[:]
    asyncio.run(one())
    asyncio.run(other())
    assert (warnings.showwarning, warnings.filters[:]) == before


def test_a_guard_needs_a_loop() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        Guard()
    assert module._standing is None
    test_a_guard_of_a_loop_that_has_ended_is_relieved()


async def test_other_warnings_pass() -> None:
    show = warnings.showwarning
    seen: list[tuple[Any, ...]] = []
    try:
        guard = Guard()
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            warnings.showwarning = guard._on_warning
            guard._before = (None, lambda *args: seen.append(args))
            warnings.warn("something else", UserWarning, stacklevel=1)
            warnings.warn("Sending a large body", ResourceWarning, stacklevel=1)
        guard._before = (None, warnings.showwarning)
        assert [str(it[0]) for it in seen] == ["something else", "Sending a large body"]
        guard.dismiss()
        assert guard._found == []
    finally:
        warnings.showwarning = show


# ── forgiving ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_learners_attempt_is_forgiven() -> None:
    guard = Guard()
    with forgiving():
        await break_a_handler()
        await lose_a_task()
        await forget_to_await()
        session = ClientSession()
        vars(session)["itself"] = session  # a cycle: it waits for the collector
        del session
    await guard.clean()
    guard = Guard()
    with pytest.raises(LookupError), forgiving():
        await lose_a_task()
        await forget_a_session()
        raise LookupError
    await guard.clean()
    assert module._forgiven == 0
    guard = Guard()
    with forgiving():
        with forgiving():
            await break_a_handler()
            session = ClientSession()
            vars(session)["itself"] = session  # collected by the outer block, which forgives it, too
            del session
        await break_a_handler()
    await break_a_handler()
    with pytest.raises(Unclean) as caught:
        await guard.clean()
    assert str(caught.value).count(TRACEBACK) == 1


# ── in a Jupyter kernel ─────────────────────────────────────────────────────────────────────────────────

CELLS = {
    "clean": """
        async with Town() as town, ClientSession(connector=town.connector("client")) as client:
            await town.open("origin.test", broken if False else hello)
            async with client.get("http://origin.test/") as answer:
                print(await answer.text())
        """,
    "lost": "asyncio.create_task(fail())",
    "lost, kept": "task = asyncio.create_task(fail())\nawait asyncio.sleep(0)",
    "unawaited": "fail()\nprint()",
    "unawaited, kept": "coroutine = fail()",
    "unawaited, the value of its cell": "fail()",
    "unclosed": "ClientSession()\nprint()",
    "unclosed, kept": "session = ClientSession()",
    "unclosed, the value of its cell": "ClientSession()",
    "traceback": """
        async with Town() as town, ClientSession(connector=town.connector("client")) as client:
            await town.open("origin.test", broken)
            async with client.get("http://origin.test/") as answer:
                await answer.read()
        """,
    "task": "task = asyncio.create_task(forever())",
    "task without a variable": "asyncio.create_task(forever());",
    "socket": "server = await asyncio.start_server(print, '127.0.0.1', 0)",
    "connection": "one, other = socket.socketpair()\nother.close()",
    "program": "program = subprocess.Popen([sys.executable, '-S', '-c', 'input()'], stdin=subprocess.PIPE)",
    "job": "event = threading.Event()\nasyncio.get_running_loop().run_in_executor(None, event.wait);",
    "thread": "threading.Thread(target=event.wait).start()",
    "clean again": "event.set()\nprogram.communicate()\none.close()",
}
KIND_OF = {
    "lost": LOST_TASK,
    "unawaited": UNAWAITED,
    "unclosed": UNCLOSED,
    "traceback": TRACEBACK,
    "task": TASK,
    "socket": SOCKET,
    "connection": CONNECTION,
    "program": PROCESS,
    "job": JOB,
    "thread": JOB,
}
PREPARE = """
    import asyncio, socket, subprocess, sys, threading
    from aiohttp import ClientSession, web
    from labs.guard.guard import Guard
    from labs.town.town import Town
    async def hello(request): return web.Response(text="hello")
    async def broken(request): raise LookupError("broken")
    async def fail(): raise LookupError("lost")
    async def forever(): await asyncio.Event().wait()
    """


def cells_of(source: str) -> list[str]:
    """Cells as a lesson has them: the guard first, the misdeed, a cell between, the guard's word last."""
    say = "try:\n    print(await guard.clean())\nexcept Exception as error:\n    print(error)"
    return ["guard = Guard()", source, "await asyncio.sleep(0)", say]


@pytest.fixture(scope="module")
def kernel() -> dict[str, str]:
    """Execute four cells for every misdeed, all in one kernel; give what each guard said."""
    sources = [textwrap.dedent(PREPARE)]
    for source in CELLS.values():
        sources += cells_of(textwrap.dedent(source))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(it) for it in sources])
    execute(notebook, ROOT, "the guard")
    last = notebook.cells[4::4]
    assert all([it.output_type for it in cell.outputs] == ["stream"] for cell in last), last
    others = [it for cell in notebook.cells for it in cell.outputs if it.get("name") == "stderr"]
    assert others == [], "the guard listens, so nothing is said on stderr"
    return {name: cell.outputs[0].text for name, cell in zip(CELLS, last, strict=True)}


@pytest.mark.parametrize("name", CELLS)
def test_in_a_kernel(kernel: dict[str, str], name: str) -> None:
    kind = KIND_OF.get(name.replace(",", " ").split()[0])
    if kind is None:
        assert kernel[name] == (
            "clean: 0 lost task exceptions, 0 unawaited coroutines, 0 unclosed sessions, "
            "0 handler tracebacks, 0 tasks, 0 open sockets, 0 subprocesses, 0 threads\n"
        )
    else:
        assert kernel[name].startswith(f"The lesson left this behind:\n- {kind}: "), kernel[name]
        assert kernel[name].count("\n") == 2, kernel[name]


def test_every_kind_is_tried_in_a_kernel() -> None:
    tried = {KIND_OF.get(name.replace(",", " ").split()[0]) for name in CELLS}
    assert tried == {*(it for kinds in module.COUNTED.values() for it in kinds), None}


async def test_a_learner_is_shown_what_was_left_and_how_often(monkeypatch: pytest.MonkeyPatch) -> None:
    async def trouble() -> Guard:
        guard = Guard()
        for _ in range(2):
            logging.getLogger("aiohttp.server").error("Error handling request", exc_info=OSError("mine"))
        return guard

    with pytest.raises(Unclean, match="The lesson left this behind"):
        await (await trouble()).clean()
    monkeypatch.setenv(STRICT, "0")
    assert repr(await (await trouble()).clean()) == (
        "The lesson left this behind:\n- handler traceback: Error handling request: OSError('mine') (2 times)"
    )
    assert repr(await Guard().clean()).startswith("clean: 0 ")
