"""The exercises of lesson 24."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

import trustme
from aiohttp import ClientError, ClientSession, Fingerprint, web

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, is_async, not_yet, yes
from labs.guard.logs import server_log
from labs.town.town import Town

LESSON = "24_trust_the_certificate"


def _certificate(authority: trustme.CA, name: str = "shop.test") -> tuple[ssl.SSLContext, bytes]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf = authority.issue_cert(name)
    leaf.configure_cert(context)
    return context, ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())


async def _lets_in(context: ssl.SSLContext, trust: Any) -> bool:
    async def page(request: web.Request) -> web.Response:
        return web.Response()

    with server_log():
        async with Town() as town:
            await town.open("shop.test", page, tls=context)
            async with ClientSession(connector=town.connector("client")) as client:
                with contextlib.suppress(ClientError):
                    (await client.get("https://shop.test/", ssl=trust)).release()
                    return True
    return False


_TRUST = "import ssl\n\ndef trusting(pem):\n"


@exercise(
    "trust-one-more",
    lesson=LESSON,
    stars=1,
    minutes=5,
    hint="ssl.create_default_context takes cadata=. Do not turn anything off.",
    wants="value",
    wrong={
        _TRUST + "    return False": "everybody",
        _TRUST + "    return True": "does not know",
        _TRUST + "    return ssl.create_default_context()": "does not know",
        _TRUST
        + "    context = ssl.create_default_context(cadata=pem)\n    context.check_hostname = False\n"
        + "    return context": "another name",
        _TRUST
        + "    context = ssl.create_default_context(cadata=pem)\n    context.check_hostname = False\n"
        + "    context.verify_mode = ssl.CERT_NONE\n    return context": "everybody",
        _TRUST + "    return pem": "str",
        _TRUST + "    context = ssl.create_default_context(cadata=pem)": "NoneType",
        _TRUST + "    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)": "does not know",
        "async def trusting(pem):\n    import ssl\n"
        "    return ssl.create_default_context(cadata=pem)": "plain",
    },
)
async def trust_one_more(trusting: Any) -> Attempt:
    """Demand a context that trusts an authority, and nobody who is not issued by it."""
    if is_async(trusting):
        return not_yet("There is nothing to wait for: write a plain `def`.")
    ours = trustme.CA()
    trust = trusting(ours.cert_pem.bytes().decode())
    if not isinstance(trust, ssl.SSLContext | bool):
        return not_yet(f"It returned {type(trust).__name__}: ssl= needs a context.")
    if await _lets_in(_certificate(trustme.CA())[0], trust):
        return not_yet("An impostor is let in: with this, everybody is.")
    if not await _lets_in(_certificate(ours)[0], trust):
        return not_yet("What the authority has issued is refused: the client does not know the authority.")
    if await _lets_in(_certificate(ours, "other.test")[0], trust):
        return not_yet("A certificate for another name is let in: look at the name, too.")
    return yes()


_PIN = "import hashlib\nfrom aiohttp import Fingerprint\n\ndef pinned(der):\n"


@exercise(
    "pin-it",
    lesson=LESSON,
    stars=2,
    minutes=5,
    hint="aiohttp wants the bytes of a SHA-256.",
    wants="value",
    wrong={
        _PIN + "    return Fingerprint(hashlib.sha256(der).hexdigest())": "It raised",
        _PIN + "    return Fingerprint(hashlib.sha1(der).digest())": "It raised",
        _PIN + "    return Fingerprint(hashlib.md5(der).digest())": "It raised",
        _PIN + "    return hashlib.sha256(der).digest()": "bytes",
        _PIN + "    return Fingerprint(hashlib.sha256(der[:-1]).digest())": "is refused",
        _PIN + "    return Fingerprint(hashlib.sha256(b'').digest())": "is refused",
        _PIN + "    return False": "bool",
        "def pinned(der):\n    import ssl\n    return ssl.create_default_context(cadata=der)": "authority",
        _PIN + "    Fingerprint(hashlib.sha256(der).digest())": "NoneType",
    },
)
async def pin_it(pinned: Any) -> Attempt:
    """Demand a fingerprint that lets in one certificate and no other."""
    authority = trustme.CA()
    context, der = _certificate(authority)
    trust = pinned(der)
    if isinstance(trust, ssl.SSLContext):
        return not_yet("A context trusts an authority, and what it will issue tomorrow: pin the certificate.")
    if not isinstance(trust, Fingerprint):
        return not_yet(f"It returned {type(trust).__name__}: ssl= needs a Fingerprint.")
    if not await _lets_in(context, trust):
        return not_yet("The server itself is refused: is it the hash of its whole certificate?")
    if await _lets_in(_certificate(authority)[0], trust):
        return not_yet("Another certificate of the same name is let in.")
    return yes()


_SEND = "async def send(client, url, token):\n"
_HTTPS = "    if not url.startswith('https://'):\n        raise ValueError('A token needs TLS.')\n"
_POST = "    async with client.post(url, headers={'Authorization': 'Bearer ' + token}"
_STATUS = ") as answer:\n        return answer.status"


@exercise(
    "keep-the-token",
    lesson=LESSON,
    stars=3,
    minutes=10,
    hint="Look at the URL before you ask. allow_redirects=False ends the journey at its first answer.",
    wants="value",
    wrong={
        _SEND + _POST + ", allow_redirects=False" + _STATUS: "without TLS",
        _SEND + _HTTPS + _POST + _STATUS: "redirect",
        _SEND + _HTTPS + _POST + ", allow_redirects=False, ssl=False" + _STATUS: "impostor",
        _SEND
        + _HTTPS.replace("raise ValueError('A token needs TLS.')", "return None")
        + _POST
        + ", allow_redirects=False"
        + _STATUS: "ValueError",
        _SEND
        + "    url = url.replace('http://', 'https://')\n"
        + _POST
        + ", allow_redirects=False"
        + _STATUS: "ValueError",
        _SEND
        + _HTTPS
        + _POST.replace("client.post", "client.get")
        + ", allow_redirects=False"
        + _STATUS: "GET",
        _SEND + _HTTPS + _POST.replace("'Bearer ' + ", "") + ", allow_redirects=False" + _STATUS: "Bearer",
        _SEND + _HTTPS + "    async with client.post(url, allow_redirects=False" + _STATUS: "no token",
        _SEND
        + _HTTPS
        + _POST
        + ", allow_redirects=False"
        + _STATUS.replace("answer.status", "answer"): "the status",
        _SEND
        + _HTTPS.replace("startswith('https://')", "startswith('http')")
        + _POST
        + ", allow_redirects=False"
        + _STATUS: "without TLS",
        "def send(client, url, token):\n    return 200": "async def",
    },
)
async def keep_the_token(send: Any) -> Attempt:
    """Demand that a token goes to a trusted server over TLS, and to nobody else."""
    if not is_async(send):
        return not_yet("It has to wait for the answer: write an `async def`.")
    ours = trustme.CA()
    own = ssl.create_default_context(cadata=ours.cert_pem.bytes().decode())
    heard: dict[str, list[tuple[str, str | None]]] = {"plain": [], "shop": [], "moved": [], "impostor": []}
    got: dict[str, object] = {}
    with server_log():
        async with Town() as town:
            for name, context in (("shop", _certificate(ours)[0]), ("impostor", None), ("moved", None)):
                issued = (
                    context or _certificate(trustme.CA() if name == "impostor" else ours, f"{name}.test")[0]
                )
                await town.open(f"{name}.test", _page(heard[name], name), tls=issued)
            await town.open("plain.test", _page(heard["plain"], "plain"))
            async with ClientSession(connector=town.connector("client", ssl=own)) as client:
                for url in (
                    "http://plain.test/",
                    "https://shop.test/",
                    "https://moved.test/",
                    "https://impostor.test/",
                ):
                    with _noted(got, url):
                        got[url] = await send(client, url, "T")
    return _kept(got, heard, town.trace)


def _page(heard: list[tuple[str, str | None]], name: str) -> Any:
    async def page(request: web.Request) -> web.Response:
        heard.append((request.method, request.headers.get("Authorization")))
        if name == "moved" and request.path == "/":
            raise web.HTTPTemporaryRedirect("/elsewhere")
        return web.Response(status=201)

    return page


@contextlib.contextmanager
def _noted(got: dict[str, object], url: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        got[url] = error


def _kept(got: dict[str, object], heard: dict[str, list[tuple[str, str | None]]], trace: Trace) -> Attempt:
    if heard["plain"]:
        return not_yet("The token crossed the wire without TLS: look at the URL first.", trace)
    if not isinstance(got["http://plain.test/"], ValueError):
        return not_yet("A `url` of http is a ValueError: your caller must know that nothing was sent.", trace)
    if heard["impostor"]:
        return not_yet("An impostor has heard the token: leave ssl= to the session.", trace)
    if isinstance(error := got["https://shop.test/"], Exception):
        return not_yet(f"At the shop it raised {type(error).__name__}: {error}", trace)
    method, said = heard["shop"][0] if heard["shop"] else ("nothing", None)
    if method != "POST":
        return not_yet(f"The shop heard {method}, and no POST.", trace)
    if said != "Bearer T":
        words = "no token" if said is None else f"{said!r}, which does not begin with Bearer"
        return not_yet(f"The shop heard {words}.", trace)
    if got["https://shop.test/"] != 201:
        kind = type(got["https://shop.test/"]).__name__
        return not_yet(f"It returned {kind}, and not the status that the shop gave.", trace)
    if len(heard["moved"]) > 1:
        return not_yet("The token went on with a redirect: whoever redirects chose where to.", trace)
    return yes(trace)
