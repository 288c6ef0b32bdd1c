import asyncio
import io
import os
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from aiohttp import ClientSession

from labs.host import installed
from labs.servers.wheels import index, wheel
from labs.town.town import Town


def test_a_wheel_holds_the_library_and_nothing_of_whoever_installed_it() -> None:
    name, data = wheel("aiohttp")
    assert name.startswith(f"aiohttp-{version('aiohttp')}-") and name.endswith(".whl")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        places = archive.namelist()
        info = f"aiohttp-{version('aiohttp')}.dist-info"
        record = archive.read(f"{info}/RECORD").decode()
    assert {"aiohttp/__init__.py", "aiohttp/web.py", f"{info}/METADATA", f"{info}/WHEEL"} <= set(places)
    assert f"{info}/INSTALLER" not in places
    assert not [it for it in places if "__pycache__" in it or it.startswith(("/", ".."))]
    assert [line.split(",")[0] for line in record.splitlines()] == places  # itself last


def test_what_is_not_installed_has_no_wheel() -> None:
    with pytest.raises(PackageNotFoundError):
        wheel("no-such-package-anywhere")


async def test_the_index_links_to_a_file_that_it_has_and_knows_no_other() -> None:
    name, data = wheel("yarl")
    async with Town() as town:
        await town.open("pypi.org", index())
        async with ClientSession("http://pypi.org", connector=town.connector("client")) as client:

            async def get(path: str) -> tuple[int, bytes]:
                async with client.get(path) as answer:
                    return answer.status, await answer.read()

            status, page = await get("/simple/yarl/")
            assert status == 200 and f'href="/files/yarl/{name}"'.encode() in page
            assert await get(f"/files/yarl/{name}") == (200, data)
            others = ["/simple/no-such-package-anywhere/", "/files/yarl/yarl-0-py3-none-any.whl"]
            assert [(await get(path))[0] for path in others] == [404, 404]


async def test_pip_installs_from_it_what_can_be_imported(tmp_path: Path) -> None:
    if not (pip := installed.pip()):
        pytest.skip("this Python brings no pip")
    async with Town() as town:
        await town.open("pypi.org", index())
        with town.guest("pip"):
            host, port = town.address("pypi.org")
            where = {"PIP_INDEX_URL": f"http://{host}:{port}/simple/", "PIP_TARGET": str(tmp_path)}
            rest = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
            done = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, *pip, "install", "--disable-pip-version-check", "yarl"],
                env=os.environ | where | rest,
                capture_output=True,
                timeout=60,
            )
    assert done.returncode == 0, done.stderr
    assert next(it.target for it in town.trace.requests()) == "/simple/yarl/"
    program = (
        f"import sys; sys.path.append({str(tmp_path)!r}); import yarl; print(yarl.URL('http://a/').host)"
    )
    bare = [sys.executable, "-I", "-S", "-c", program]
    said = await asyncio.to_thread(subprocess.run, bare, capture_output=True, timeout=60)
    assert said.stdout.split() == [b"a"], said.stderr
