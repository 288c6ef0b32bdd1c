"""JupyterLab is started in a way that this machine can follow, and labs can be imported."""

import os
from pathlib import Path

import pytest

from labs.course import copies, launcher
from labs.host import paths


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


def test_it_opens_the_learners_copies_or_else_the_lessons(tmp_path: Path) -> None:
    assert f"--ServerApp.root_dir={paths.NOTEBOOKS}" in launcher.command(home=tmp_path)
    (tmp_path / launcher.FIRST).write_text("{}", "utf-8")
    line = launcher.command(home=tmp_path)
    assert f"--ServerApp.root_dir={tmp_path}" in line
    assert f"--LabApp.default_url=/lab/tree/{launcher.FIRST}" in line
    assert (paths.NOTEBOOKS / launcher.FIRST).exists()


def test_a_fresh_copy_is_asked_for_by_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(copies, "fresh", lambda stem: f"{stem} it is.")
    assert launcher.fresh_command(["01"]) == 0
    assert capsys.readouterr().out == "01_who_makes_the_second_request it is.\n"

    def full(stem: str) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copies, "fresh", full)
    assert launcher.fresh_command(["01"]) == 1
    assert "cannot be written: No space left on device." in capsys.readouterr().err
