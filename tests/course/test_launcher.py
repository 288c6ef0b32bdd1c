"""JupyterLab is started in a way that this machine can follow, and labs can be imported."""

import os
from pathlib import Path

import pytest

from labs import paths
from labs.course import launcher


def test_link_writes_one_path_once(tmp_path: Path) -> None:
    launcher.link(tmp_path)
    launcher.link(tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.suffix == ".pth" and file.read_text("utf-8") == f"{paths.ROOT}\n"


@pytest.mark.parametrize(
    ("environ", "platform", "there"),
    [({}, "linux", False), ({"BROWSER": "firefox"}, "linux", True), ({"DISPLAY": ""}, "linux", False)],
)
def test_a_browser_needs_a_display(environ: dict[str, str], platform: str, there: bool) -> None:
    assert launcher.browser(environ, platform) is there
    assert ("--no-browser" in launcher.command(environ=environ, platform=platform)) is not there


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="root is a word of Linux and macOS")
@pytest.mark.parametrize(("user", "said"), [(0, True), (1000, False)])
def test_jupyterlab_is_told_when_root_starts_it(
    monkeypatch: pytest.MonkeyPatch, user: int, said: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert ("--allow-root" in launcher.command()) is said
    assert launcher.command("--ip=::1")[-1] == "--ip=::1"
