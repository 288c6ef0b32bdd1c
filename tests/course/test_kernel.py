"""A kernel starts in a clean environment, on ports that the system never hands out."""

import socket
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from labs.course import kernel
from labs.course.lesson import LessonError
from labs.host import paths


def test_the_environment_of_a_kernel_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    environ = kernel.environment()
    assert "http_proxy" not in environ and "MPLBACKEND" not in environ
    assert environ["PYTHONPATH"].startswith(str(paths.ROOT)) and environ["PYTHONPATH"].endswith("elsewhere")


def test_kernels_get_ports_that_the_system_never_hands_out() -> None:
    from jupyter_client.connect import LocalPortCache

    kernel.choose_ports()
    kernel.choose_ports()
    cache = LocalPortCache.instance()
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert server.getsockname()[1] >= kernel.PORTS[1]
    ports = [cache.find_available_port("127.0.0.1") for _ in range(200)]
    assert len(set(ports)) == 200 and all(kernel.PORTS[0] <= port < kernel.PORTS[1] for port in ports)
    for port in ports:
        cache.return_port(port)


def test_one_word_takes_the_parser_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOHTTP_NO_EXTENSIONS", "1")  # a stray one is taken out
    monkeypatch.delenv("LAB_PARSER", raising=False)
    assert "AIOHTTP_NO_EXTENSIONS" not in kernel.environment()
    monkeypatch.setenv("LAB_PARSER", "python")
    assert kernel.environment()["AIOHTTP_NO_EXTENSIONS"] == "1"
    monkeypatch.setenv("LAB_PARSER", "pyton")
    with pytest.raises(LessonError, match="LAB_PARSER is 'pyton': set it to python, or not at all."):
        kernel.environment()


def run(tmp_path: Path, code: str) -> NotebookNode:
    cell = new_code_cell(code)
    return kernel.execute(new_notebook(cells=[cell]), tmp_path, "00_dies")


WORDS = "import os; os.write(2, b'last words'); "


def test_the_last_words_of_a_kernel_that_dies_in_a_cell_are_told(tmp_path: Path) -> None:
    with pytest.raises(LessonError, match=r"(?s)00_dies, code cell 1 stopped:.*\nlast words$"):
        run(tmp_path, WORDS + "os._exit(1)")


def test_what_a_kernel_says_as_it_ends_is_nobodys(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    dies = "import atexit, os; _ = atexit.register(os.write, 2, b'last words')"
    assert run(tmp_path, dies).cells[0].outputs == []
    assert capfd.readouterr().err == ""
