"""Windows, macOS, newer Pythons: what only some of them have is asked for before it is used."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.course import lesson
from labs.host import paths

MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "termios"}
NAMES = {
    "asyncio": {
        "get_event_loop_policy",  # deprecated since Python 3.14, as the next
        "iscoroutinefunction",
        "open_unix_connection",
        "set_event_loop_policy",
        "start_unix_server",
    },
    "os": {
        "fork",
        "getloadavg",
        "geteuid",
        "getpgid",
        "getuid",
        "kill",
        "killpg",
        "mkfifo",
        "setsid",
        "uname",
    },
    "select": {"epoll", "kqueue", "poll"},
    "signal": {"SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2", "setitimer"},
    "socket": {"AF_UNIX", "SO_REUSEPORT", "sethostname"},
}
METHODS = {"add_signal_handler", "create_unix_connection", "create_unix_server"}
ASKS = re.compile(r"hasattr|sys\.platform|os\.name|shutil\.which|SHARED")
CATCHES = re.compile(r"ImportError|AttributeError|NotImplementedError")
ROOT = paths.ROOT
FILES = [*sorted((ROOT / "labs").rglob("*.py")), *lesson.sources()]


def found(text: str) -> Iterator[str]:
    """Go through what Windows or macOS lacks and nothing around it asks for."""
    tree = ast.parse(text)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [it.name for it in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            used = next((name for name in names if name in MODULES), "")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = node.value.id
            known = node.attr in NAMES.get(owner, ()) or node.attr in METHODS
            used = f"{owner}.{node.attr}" if known else ""
        else:
            continue
        if used and not _asked(node, parents):
            yield f"line {node.lineno}: {used}"


def _asked(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    while (parent := parents.get(node)) is not None:
        if isinstance(parent, ast.If | ast.IfExp) and ASKS.search(ast.unparse(parent.test)):
            return True
        if isinstance(parent, ast.Try) and any(
            it.type and CATCHES.search(ast.unparse(it.type)) for it in parent.handlers
        ):
            return True
        if isinstance(parent, ast.With) and any(
            CATCHES.search(ast.unparse(it.context_expr)) for it in parent.items
        ):
            return True
        node = parent
    return False


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_what_some_systems_lack_is_asked_for_first(file: Path) -> None:
    assert not list(found(file.read_text("utf-8")))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import os\nos.fork()", ["line 2: os.fork"]),
        ("import resource", ["line 1: resource"]),
        ("asyncio.iscoroutinefunction(f)", ["line 1: asyncio.iscoroutinefunction"]),
        ("from resource import getrlimit", ["line 1: resource"]),
        ("if hasattr(os, 'fork'):\n    os.fork()", []),
        ("with suppress(ImportError):\n    import resource", []),
        ("try:\n    loop.add_signal_handler(1, f)\nexcept NotImplementedError:\n    pass", []),
        (
            "try:\n    loop.add_signal_handler(1, f)\nexcept ValueError:\n    pass",
            ["line 2: loop.add_signal_handler"],
        ),
    ],
)
def test_the_check_can_fail(text: str, words: list[str]) -> None:
    assert list(found(text)) == words


def test_the_workflow_runs_what_the_project_promises() -> None:
    text = (ROOT / ".github" / "workflows" / "test.yml").read_text("utf-8")
    for name in ("ubuntu-latest", "macos-latest", "windows-latest", '"3.11"', "cron:", "--upgrade aiohttp"):
        assert name in text


def unpinned(text: str) -> list[str]:
    """Return the actions of a workflow that are named by a tag, which can move, and not by a hash."""
    used = re.findall(r"uses: *(.*)", text)
    return [it for it in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", it)]


def test_actions_are_pinned_by_hash() -> None:
    for file in (ROOT / ".github" / "workflows").glob("*.yml"):
        assert unpinned(file.read_text("utf-8")) == [], file.name


def test_an_action_by_its_tag_is_found() -> None:
    text = f"- uses: actions/checkout@v5\n- uses: actions/checkout@{'0' * 40} # v5.0.0"
    assert unpinned(text) == ["actions/checkout@v5"]
