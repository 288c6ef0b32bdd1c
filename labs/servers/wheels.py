"""A package index that offers what is installed here: in a town it is pypi.org, and pip can ask it.

Each wheel is made of the files that were installed, as the binary distribution format has it
(https://packaging.python.org/en/latest/specifications/binary-distribution-format/).
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import re
import zipfile
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import PurePosixPath

from aiohttp import web

__all__ = ["index", "wheel"]

OF_THE_INSTALLER = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}


@cache
def wheel(name: str) -> tuple[str, bytes]:
    """Make a wheel of an installed distribution: its file name, and its bytes.

    Scripts and whatever else lies outside the library are left out. Raise PackageNotFoundError for one that
    is not installed, or of which no list of files is kept.
    """
    found = distribution(name)
    files = {path.as_posix(): path for path in map(PurePosixPath, found.files or ()) if _belongs(path)}
    folder = next((path.parts[0] for path in files.values() if path.name == "WHEEL"), "")
    if not folder:
        raise PackageNotFoundError(name)
    made, record = io.BytesIO(), []
    with zipfile.ZipFile(made, "w") as archive:
        for place in sorted(files):
            data = _read(found, place)
            archive.writestr(zipfile.ZipInfo(place), data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode("ascii")
            record.append(f"{place},sha256={digest},{len(data)}\n")
        archive.writestr(zipfile.ZipInfo(f"{folder}/RECORD"), "".join([*record, f"{folder}/RECORD,,\n"]))
    tag = re.findall(r"^Tag: (\S+)", found.read_text("WHEEL") or "", re.MULTILINE)[0]
    return f"{folder.removesuffix('.dist-info')}-{tag}.whl", made.getvalue()


def _belongs(path: PurePosixPath) -> bool:
    outside = path.is_absolute() or ".." in path.parts
    return not outside and "__pycache__" not in path.parts and path.name not in OF_THE_INSTALLER


def _read(found: Distribution, place: str) -> bytes:
    with open(str(found.locate_file(place)), "rb") as file:
        return file.read()


def index() -> web.Application:
    """Return an index of packages (https://packaging.python.org/en/latest/specifications/simple-repository-api/).

    It knows what is installed here, in the version that is installed, and answers 404 for all else.
    """
    app = web.Application()
    app.router.add_get("/simple/{name}/", _page)
    app.router.add_get("/files/{name}/{file}", _file)
    return app


def _found(request: web.Request) -> tuple[str, bytes]:
    try:
        return wheel(request.match_info["name"])
    except (PackageNotFoundError, ValueError):
        raise web.HTTPNotFound() from None


async def _page(request: web.Request) -> web.Response:
    file, _ = _found(request)
    where = html.escape(f"/files/{request.match_info['name']}/{file}")
    text = f'<!DOCTYPE html>\n<a href="{where}">{html.escape(file)}</a>\n'
    return web.Response(text=text, content_type="text/html")


async def _file(request: web.Request) -> web.Response:
    file, data = _found(request)
    if file != request.match_info["file"]:
        raise web.HTTPNotFound()
    return web.Response(body=data)
