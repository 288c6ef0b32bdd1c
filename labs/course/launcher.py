"""The learner's desk: make `labs` importable, open JupyterLab on copies of the lessons."""

import argparse
import json
import os
import shlex
import subprocess
import sys
import sysconfig
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path

from labs.course import copies
from labs.host.learner import PROGRESS
from labs.host.paths import NOTEBOOKS, ROOT

FIRST = "00_start_here.ipynb"
# No popup that offers news from the web over the first lesson, and no line of code that leaves the page.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    "@jupyterlab/notebook-extension:tracker": {"codeCellConfig": {"lineWrap": True}},
}


def link(site: Path | None = None) -> str:
    """Write a .pth file, so that every program of this environment can `import labs`, and say what was done.

    What this package starts finds it without that; an editor that starts a kernel of its own does not.
    Source: https://docs.python.org/3/library/site.html
    """
    if site is None and sys.prefix == sys.base_prefix:
        return "This is no virtual environment: nothing was written, `python -m labs lab` works all the same."
    file = (site or Path(sysconfig.get_path("purelib"))) / "aiohttp_side_by_side.pth"
    if not file.exists() or file.read_text("utf-8").strip() != str(ROOT):
        file.write_text(f"{ROOT}\n", "utf-8")
    if site is None:
        settings = Path(sys.prefix) / "share/jupyter/lab/settings/overrides.json"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(json.dumps(SETTINGS, indent=1), "utf-8")
    return f"Every program of this environment can now import labs from {ROOT}."


def command(
    *extra: str,
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    home: Path = copies.HOME,
) -> list[str]:
    """Make the command that starts JupyterLab on the learner's copies, also as root or without a browser.

    Where there are none, because a disk takes nothing, it opens on the lessons themselves.
    """
    root = home if (home / FIRST).exists() else NOTEBOOKS
    first = f"/lab/tree/{FIRST}" if (root / FIRST).exists() else "/lab"
    line = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url={first}",
        "--LabApp.news_url=None",
        "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        line.append("--allow-root")
    if not browser(environ, platform):
        line.append("--no-browser")
    given = {option.partition("=")[0] for option in extra}  # what is said twice is an error to JupyterLab
    return [*(option for option in line if option.partition("=")[0] not in given), *extra]


def browser(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Say whether a browser with a window can be opened here."""
    if environ.get("BROWSER"):
        return True
    if platform not in ("win32", "darwin") and not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return False  # what is left there are browsers for terminals
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def open_lab(extra: Sequence[str] = ()) -> int:
    """Open JupyterLab at the first lesson and return its exit status when it ends."""
    from labs.course.kernel import environment

    for sentence in copies.hand_out():
        print(sentence, flush=True)
    line = command(*extra)
    if "--no-browser" in line:
        print(
            "No browser here: open the address with ?token= that JupyterLab prints next. Ctrl-C ends it.",
            flush=True,
        )
    link()
    around = {**environment(), PROGRESS: str(copies.HOME / copies.DONE)}
    if os.name == "posix":  # JupyterLab takes the place of this process, so that Ctrl-C and kill reach it
        os.chdir(ROOT)
        os.execve(line[0], line, around)
    print(shlex.join(line), flush=True)
    return subprocess.run(line, cwd=ROOT, env=around, check=False).returncode


def lab_command(argv: Sequence[str]) -> int:
    """Open JupyterLab at the first lesson; what follows goes to JupyterLab."""
    parser = argparse.ArgumentParser(prog="python -m labs lab", description=lab_command.__doc__)
    return open_lab([word for word in parser.parse_known_args(argv)[1] if word != "--"])


def link_command(argv: Sequence[str]) -> int:
    """Let every program of this virtual environment import labs."""
    argparse.ArgumentParser(prog="python -m labs link", description=link_command.__doc__).parse_args(argv)
    print(link())
    return 0


def fresh_command(argv: Sequence[str]) -> int:
    """Give a new copy of one lesson; what was written in the old one is kept beside it."""
    from labs.course import lesson

    parser = argparse.ArgumentParser(prog="python -m labs fresh", description=fresh_command.__doc__)
    parser.add_argument("lesson", help="its number, such as 01")
    stem = lesson.find(parser.parse_args(argv).lesson).stem
    try:
        print(copies.fresh(stem))
    except OSError as error:
        print(f"{copies.HOME} cannot be written: {error.strerror or error}.", file=sys.stderr)
        return 1
    return 0
