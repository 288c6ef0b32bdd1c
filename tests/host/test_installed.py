"""Programs are found under every name they have, and by everybody who needs them."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell

from labs.clients import registry
from labs.course import doctor, lesson
from labs.host import installed


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a PATH of one empty folder, on a machine that has nothing elsewhere."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(installed, "PLACES", {})
    return tmp_path


def put(folder: Path, name: str) -> Path:
    """Put a program there that says its version, or on Windows one that is never started."""
    file = folder / (f"{name}.exe" if sys.platform == "win32" else name)
    file.write_text("#!/bin/sh\necho Chrome 1.2.3\n", "utf-8")
    file.chmod(0o755)
    return file


def who_finds_chromium() -> dict[str, bool]:
    """Say who finds it: the clients, a lesson, and the doctor."""
    told = {it.what: it.ok for it in doctor.examine()}
    return {
        "clients": registry.present()["chromium"] != "",
        "lesson": lesson.missing(new_code_cell("1", metadata={"tags": ["needs-chromium"]})) == "",
        "doctor": told["chromium"] is True,
    }


@pytest.mark.parametrize(
    "name",
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge"],
)
def test_a_browser_of_any_name_is_found_by_all_who_need_one(path: Path, name: str) -> None:
    assert set(who_finds_chromium().values()) == {False}
    file = put(path, name)
    assert installed.find("chromium") == os.path.join(path, file.name)
    assert who_finds_chromium() == {"clients": True, "lesson": True, "doctor": True}


def test_the_usual_name_is_asked_first(path: Path) -> None:
    put(path, "google-chrome")
    file = put(path, "chromium")
    assert installed.find("chromium") == str(file)


def test_a_browser_that_is_on_no_path_is_found_where_systems_install_it(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "Programs"
    folder.mkdir()
    monkeypatch.setattr(installed, "PLACES", {"chromium": (str(tmp_path / "no"), str(folder / "chrome"))})
    assert installed.find("chromium") is None
    (folder / "chrome").touch()
    assert installed.find("chromium") == str(folder / "chrome")
    assert installed.find("curl") is None


def test_pip_runs_where_it_is_installed_and_out_of_the_wheel_that_python_brings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find_spec = importlib.util.find_spec
    lacks = {""}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in lacks else find_spec(name))
    if find_spec("pip"):
        assert installed.pip() == ("-m", "pip")
    lacks.add("pip")
    if brought := installed.pip():  # Debian's Python brings none
        command = [sys.executable, *brought, "--version"]
        said = subprocess.run(command, capture_output=True, timeout=60, check=True)
        assert said.stdout.startswith(b"pip ") and installed.has("pip")
    lacks.add("ensurepip")
    assert installed.pip() == () and not installed.has("pip")


def test_a_package_is_here_or_not() -> None:
    assert installed.has("aiohttp") and not installed.has("no_such_package_anywhere")
