"""Open JupyterLab in headless Chromium, and run all cells of every lesson. `make test-browser`."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.course import kernel, lesson
from labs.host import paths
from labs.host.installed import find
from labs.host.learner import STRICT
from tests.course import chromium

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PICTURES = paths.ROOT / "build" / "screenshots"

# The application object, not clicks: 'Run All Cells' clicked before the session is ready is lost.
RUN = """
const app = window.jupyterapp;
await app.restored;
const panel = await app.commands.execute('docmanager:open', {path: %s, factory: 'Notebook'});
await panel.context.ready;
await panel.sessionContext.ready;
await app.commands.execute('notebook:clear-all-cell-outputs');
await app.commands.execute('notebook:run-all-cells');
const cells = [...panel.content.model.cells].filter(cell => cell.type === 'code').map(cell => cell.toJSON());
return cells.map(cell => ({
  ran: cell.execution_count !== null,
  errors: cell.outputs.filter(it => it.output_type === 'error').map(it => it.ename + ': ' + it.evalue),
  stderr: cell.outputs.filter(it => it.name === 'stderr').map(it => it.text),
  source: String(cell.source),
}));
"""
QUIT = "await window.jupyterapp.serviceManager.sessions.shutdownAll()"
TOP = "document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0"
SECONDS = 300  # a net for one notebook, start of its kernel included


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a copy of the notebooks, as `make lab` does, and hand out the address of the server."""
    folder = tmp_path_factory.mktemp("lab")
    ignore = shutil.ignore_patterns("source", ".ipynb_checkpoints")
    shutil.copytree(paths.NOTEBOOKS, folder / "notebooks", ignore=ignore)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = [
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.port={port}",
        "--ServerApp.ip=127.0.0.1",
        "--IdentityProvider.token=",
        "--LabApp.expose_app_in_browser=True",
        "--no-browser",
    ]
    settings = folder / "config" / "lab" / "user-settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    # Every cell is in the page, not only those in the window, so that a picture shows the whole lesson.
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}', "utf-8")
    theirs = {"JUPYTER_CONFIG_DIR": str(folder / "config"), "HOME": str(folder), STRICT: "1"}
    environment = {**kernel.environment(), **theirs}
    command = [sys.executable, "-m", "labs", "lab", *options]
    log = (folder / "jupyter.log").open("wb")
    server = subprocess.Popen(command, cwd=paths.ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait(server, port, folder / "jupyter.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


@pytest.fixture(autouse=True, scope="module")
def _chromium_or_skip() -> None:
    if find("chromium") is None:
        pytest.skip("chromium is not installed: see python -m labs doctor")


def _notebooks() -> list[str]:
    stems = [source.stem for source in lesson.sources()]
    return [f"notebooks/{stem}.ipynb" for stem in stems] + [
        f"notebooks/solutions/{stem}.ipynb" for stem in stems
    ]


def test_run_all_cells_of_every_notebook(lab: str) -> None:
    async def browse() -> dict[str, list[dict[str, object]]]:
        async with chromium.page() as page:
            ran = {}
            for path in _notebooks():
                async with asyncio.timeout(SECONDS):
                    await page.goto(f"{lab}/lab?reset", "window.jupyterapp")
                    ran[path] = await page.evaluate(RUN % json.dumps(path))
                    if "solutions" not in path and os.environ.get("PICTURES"):
                        await page.evaluate(TOP)
                        await page.picture(PICTURES / f"{Path(path).stem}.png", 1100, 12000)
                    await page.evaluate(QUIT)
            return ran

    ran = asyncio.run(browse())
    assert len(ran) == 2 * len(lesson.sources()) > 0
    for path, cells in ran.items():
        assert len(cells) > 5, path
        for number, cell in enumerate(cells, 1):
            where = f"{path}, code cell {number}"
            assert cell["ran"] and not cell["errors"] and not cell["stderr"], f"{where}: {cell}"


def test_a_failing_cell_is_seen(lab: str) -> None:
    async def browse() -> list[dict[str, object]]:
        async with chromium.page() as page:
            await page.goto(f"{lab}/lab?reset", "window.jupyterapp")
            write = (
                "const cell = {cell_type: 'code', source: '1/0', metadata: {}, outputs: []};"
                "cell.execution_count = null;"
                "const spec = {name: 'python3', display_name: 'Python 3', language: 'python'};"
                "const metadata = {kernelspec: spec};"
                "const content = {cells: [cell], metadata, nbformat: 4, nbformat_minor: 5};"
                "await window.jupyterapp.serviceManager.contents.save("
                "'bad.ipynb', {type: 'notebook', format: 'json', content});"
            )
            await page.evaluate(write)
            async with asyncio.timeout(SECONDS):
                cells: list[dict[str, object]] = await page.evaluate(RUN % json.dumps("bad.ipynb"))
            return cells

    (cell,) = asyncio.run(browse())
    assert "ZeroDivisionError" in str(cell["errors"])


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the server accepts connections; fail with its log if it ends."""
    while server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"JupyterLab ended: {log.read_text('utf-8')[-2000:]}")
