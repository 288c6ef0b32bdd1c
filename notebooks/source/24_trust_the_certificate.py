# %% [markdown]
# # 24 · Whom does a client trust?
#
# **You will** let a client meet five servers, of which one is meant and one is an impostor, and see whom it
# hands a token to under each setting of `ssl=`.
#
# **You need** lessons 01 and 15.
#
# **Minutes:** 19 to read and run (12 to the place to stop), 20 for the exercises.

# %%
import hashlib
import ssl
from datetime import datetime
from functools import partial

import trustme
from aiohttp import ClientConnectorCertificateError, ClientError, ClientSession, Fingerprint, web

from labs import Grid, Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.guard import server_log

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# TLS makes sure of two things: that nobody between reads along, and *who* is at the other end. For the
# second, the server shows a *certificate*, in which an *authority* says that a key belongs to a name. The
# client trusts some authorities; those of its system, if nobody says otherwise.
#
# A shop has its own authority, `ours`. Here are five servers that may answer at `shop.test`. All keys are
# made now, and forgotten with this kernel.

# %%
ours, theirs = trustme.CA(), trustme.CA()


def certificate(authority, name="shop.test", **dates):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf = authority.issue_cert(name, **dates)
    leaf.configure_cert(context)
    return context, ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())


OLD = {"not_before": datetime(2019, 1, 1), "not_after": datetime(2020, 1, 1)}
shop, shop_der = certificate(ours)
SERVERS = {
    "the shop": shop,
    "another name": certificate(ours, "other.test")[0],
    "expired": certificate(ours, **OLD)[0],
    "an impostor": certificate(theirs)[0],
}

# %% [markdown]
# The sides differ in **what the client is told about trust**: nothing; the shop's own authority; the
# *fingerprint* of the shop's certificate, a hash of it; or `ssl=False`, as in a post, whose comment says that
# it turns the verification off.

# %%
TRUST = {
    "nothing": True,
    "our authority": ssl.create_default_context(cadata=ours.cert_pem.bytes().decode()),
    "a fingerprint": Fingerprint(hashlib.sha256(shop_der).digest()),
    "ssl=False": False,
}

# %% [markdown]
# ## Predict
#
# What does the client get from each server?

# %%
prediction = {
    # one of: "the page", "ClientConnectorCertificateError", "ServerFingerprintMismatch"
    "the shop": {"nothing": ..., "our authority": ..., "a fingerprint": ..., "ssl=False": ...},
    # one of: "the page", "ClientConnectorCertificateError", "ServerFingerprintMismatch"
    "expired": {"our authority": ..., "a fingerprint": ..., "ssl=False": ...},
    # one of: "the page", "ClientConnectorCertificateError", "ServerFingerprintMismatch"
    "an impostor": {"nothing": ..., "our authority": ..., "a fingerprint": ..., "ssl=False": ...},
}

# %% [markdown]
# ## The experiment
#
# The client sends a token with its request. Of what a certificate is refused for, OpenSSL gives a number;
# here are words for it.

# %%
WHY = {10: "it has expired", 20: "nobody knows who issued it", 62: "it is for another name"}


async def ask(client, trust):
    fields = {"Authorization": "Bearer T"}
    try:
        async with client.get("https://shop.test/", headers=fields, ssl=trust) as answer:
            return await answer.text(), None
    except ClientConnectorCertificateError as error:
        return type(error).__name__, WHY[error.certificate_error.verify_code]
    except ClientError as error:
        return type(error).__name__, None


# %%
async def visit(server, trust):
    heard = []

    async def page(request):
        heard.append(request.headers.get("Authorization"))
        return web.Response(text="the page")

    async with Town() as town:
        await town.open("shop.test", page, tls=SERVERS[server])
        async with ClientSession(connector=town.connector("client")) as client:
            return *await ask(client, trust), heard


# %%
async def visits(trust):
    with server_log():  # of handshakes that the client breaks off
        came = {server: await visit(server, trust) for server in SERVERS}
    return noted(came=came)


found = await compare(
    {side: partial(visits, trust) for side, trust in TRUST.items()},
    ask={server: lambda t, server=server: t.notes["came"][server][0] for server in SERVERS}
    | {f"{it}: why": lambda t, it=it: t.notes["came"][it][1] for it in ("another name", "expired")}
    | {"the impostor hears": lambda t: t.notes["came"]["an impostor"][2]},
)
found

# %%
KEY = {"✓": "is let in, and hears the token", "✗": "is refused"}
cells = {
    ("who is let in", server, side): "✓" if found.answers[server, side] == "the page" else "✗"
    for server in SERVERS
    for side in TRUST
}
draw.heat_map(
    Grid(tuple(SERVERS), {"who is let in": tuple(TRUST)}, cells, KEY),
    finding="ssl=False lets in whoever answers",
)

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * `ssl=False` turns the verification off, as the post says: what was refused before, answers now [C58].
# * The trap is to take it for the way to reach a site with a certificate of its own. It lets in whoever
#   answers, an impostor too, and hands over the token [L24a].
# * To trust one more authority is one line, and nobody else is let in by it [L24b]. What it has issued must
#   still be in date, and be for this name [L24c].
# * A fingerprint lets in one certificate and no other, whoever has issued it [L24d]. When the shop gets a new
#   one, your program must be told.

# %%
CERT, PIN = "ClientConnectorCertificateError", "ServerFingerprintMismatch"
PAGE, FAKE, SHOP = "the page", "an impostor", "the shop"
check(
    found,
    {
        "C58": {SHOP: {"nothing": CERT, "ssl=False": PAGE}},
        "L24a": {FAKE: {"ssl=False": CERT}, "the impostor hears": {"ssl=False": []}},
        "L24b": {SHOP: {"our authority": PAGE}, FAKE: {"our authority": CERT}},
        "L24c": {
            "expired: why": {"our authority": "it has expired"},
            "another name: why": {"our authority": "it is for another name"},
        },
        "L24d": {
            SHOP: {"a fingerprint": PAGE},
            FAKE: {"a fingerprint": PIN},
            "expired": {"a fingerprint": PIN},
        },
    },
)

# %% [markdown]
# **A place to stop.** You know whom each setting lets in. What follows: how far `ssl=False` reaches, and the
# other setting that the post names.
#
# ## How far does it reach?
#
# `ssl=False` stands in one call, for one URL, which is not even `https`. The front behind it redirects to a
# second site, where an impostor answers. The sides differ in **`ssl=`**.


# %%
async def redirected(trust):
    got = None

    async def front(request):
        raise web.HTTPFound("https://shop.test/")

    async def fake(request):
        return web.Response(text="pay here")

    async with Town() as town:
        await town.open("front.test", front)
        await town.open("shop.test", fake, tls=SERVERS["an impostor"])
        with server_log():
            async with ClientSession(connector=town.connector("client")) as client:
                try:
                    async with client.get("http://front.test/", ssl=trust) as answer:
                        got = await answer.text()
                except ClientError as error:
                    got = type(error).__name__
    return noted(town.trace, got=got)


# %%
prediction_hop = {
    # one of: "pay here", "ClientConnectorCertificateError"
    "what the client is shown": {"ssl=True": ..., "ssl=False": ...},
}

# %%
hop = await compare(
    {"ssl=True": partial(redirected, True), "ssl=False": partial(redirected, False)},
    ask={"what the client is shown": lambda t: t.notes["got"]},
)
hop

# %%
score(prediction_hop, hop)

# %% [markdown]
# It reaches as far as the redirects do [L24e]. Whoever can send the client on chooses what it is shown.

# %%
check(hop, {"L24e": {"what the client is shown": {"ssl=False": CERT}}})

# %% [markdown]
# ## And a proxy
#
# The post names a second setting, a proxy. This is a *forward* proxy: the client asks it for everything, by
# the whole URL, and it asks the site. The sides differ in **`proxy=`**.


# %%
async def through(proxy):
    async def forward(request):
        return web.Response(text=f"the proxy would ask for {request.raw_path}")

    async def page(request):
        return web.Response(text="the page")

    async with Town() as town:
        await town.open("proxy.test", forward)
        await town.open("shop.test", page)
        async with ClientSession(connector=town.connector("client")) as client:
            (await client.get("http://shop.test/a", proxy=proxy)).release()
    return town.trace


# %%
proxied = await compare(
    {"none": partial(through, None), "http://proxy.test": partial(through, "http://proxy.test")},
    ask={
        "whom the client asks": lambda t: t.said[0].whom,
        "what it asks for": lambda t: t.requests()[0].target,
    },
)
proxied

# %% [markdown]
# Both can be set, as the post says: the verification is off, or another is asked instead of the site [C57].

# %%
check(
    proxied,
    {
        "C57": {
            "whom the client asks": {"none": "shop.test", "http://proxy.test": "proxy.test"},
            "what it asks for": {"http://proxy.test": "http://shop.test/a"},
        }
    },
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/24_trust_the_certificate.ipynb) are in a notebook
# of their own.
#
# ### ★ trust-one-more (5 minutes)
#
# `pem` is the certificate of an authority, as text. Return what `ssl=` needs, so that a client lets in what
# this authority has issued, and no impostor.


# %% exercise="trust-one-more"
def trusting(pem):
    ...  # TODO: a context
    # solution
    return ssl.create_default_context(cadata=pem)
    # end


# %%
await attempt("trust-one-more", trusting)

# %% [markdown]
# <details><summary>Hint</summary>
# It stands above, in <code>TRUST</code>. Do not turn anything off.
# </details>
#
# ### ★★ pin-it (5 minutes)
#
# `der` is a server's certificate, in bytes. Return what `ssl=` needs, so that a client lets in this
# certificate and no other.


# %% exercise="pin-it"
def pinned(der):
    ...  # TODO: a fingerprint
    # solution
    return Fingerprint(hashlib.sha256(der).digest())
    # end


# %%
await attempt("pin-it", pinned)

# %% [markdown]
# <details><summary>Hint</summary>
# aiohttp wants the bytes of a SHA-256.
# </details>
#
# ### ★★★ keep-the-token (10 minutes)
#
# Post `token` in `Authorization: Bearer …` to `url`, and return the status. The token must never cross the
# wire without TLS: a `url` of `http` is a `ValueError`, and nothing is sent. It must not follow a redirect
# either, and whom the client trusts is not yours to change.


# %% exercise="keep-the-token"
async def send(client, url, token):
    ...  # TODO: who may hear the token?
    # solution
    if not url.startswith("https://"):
        raise ValueError("A token needs TLS.")
    fields = {"Authorization": f"Bearer {token}"}
    async with client.post(url, headers=fields, allow_redirects=False) as answer:
        return answer.status
    # end


# %%
await attempt("keep-the-token", send)

# %% [markdown]
# <details><summary>Hint</summary>
# Look at the URL before you ask. <code>allow_redirects=False</code> ends the journey at its first answer.
# </details>
#
# ## In practice
#
# * Give the authority: `ssl.create_default_context(cafile=…)`, for a session by `TCPConnector(ssl=…)`.
# * Make certificates for tests at run time, as here. Then `ssl=False` has no place in tests either.
# * A certificate that is refused says why: read the exception to its end before you turn anything off.
#
# Next: [26 · Would your tests notice?](26_test_what_you_ship.ipynb)
#
# ## Where this comes from
#
# * aiohttp 3.14: [SSL control for TCP
#   sockets](https://docs.aiohttp.org/en/stable/client_advanced.html#ssl-control-for-tcp-sockets), [proxy
#   support](https://docs.aiohttp.org/en/stable/client_advanced.html#proxy-support).
# * RFC 9110, sections [4.3.4](https://www.rfc-editor.org/rfc/rfc9110#section-4.3.4), on certificates, and
#   [7.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.1), on the target of a request.
# * [trustme](https://trustme.readthedocs.io/): authorities for tests, made at run time.
# * The third of the four posts this course began from, post 002, on custom settings.

# %%
await guard.clean()
