"""The threads that lessons and ledger cite: each was looked up, and stands here with its title."""

import re
from collections.abc import Iterator

from labs.course import lesson
from labs.trial.claims import ledger

AIOHTTP = "aio-libs/aiohttp"
# As found in stored copies of the threads, "log" in aiohttp's change log. To cite another, look it up first:
# does it exist, and is it about what is said?
THREADS: dict[tuple[str, int], tuple[str, str]] = {
    (AIOHTTP, 19): ("issue", "Flow control support for large transfers"),
    (AIOHTTP, 732): ("issue", "Using a file object as the data parameter forces chunked transfer encoding"),
    (AIOHTTP, 850): ("issue", "How to handle ClientResponseError/ServerDisconnectedError properly"),
    (AIOHTTP, 872): ("issue", "proxying request.scheme with nginx"),
    (AIOHTTP, 1183): ("issue", "ClientSession cookies does not work with IP"),
    (AIOHTTP, 1367): ("issue", "Accepting back-pressure from slow websocket clients"),
    (AIOHTTP, 1775): ("pull", "use io.BytesIO instead of joining bytes to avoid copying everything"),
    (AIOHTTP, 1949): ("issue", "Doc clarification - StreamReader.iter_any() vs iter_chunks()"),
    (AIOHTTP, 2098): ("issue", "Web-handler cancellation"),
    (AIOHTTP, 2171): ("issue", "Insecure algorithm for determining remote/scheme/host"),
    (AIOHTTP, 2249): ("issue", "asyncio.TimeOut downloading large files"),
    (AIOHTTP, 2415): ("issue", "Deprecate returning web.HTTPException from handlers and middlewares"),
    (AIOHTTP, 2492): ("issue", "Change web handlers cancellation policy"),
    (AIOHTTP, 2593): ("issue", "Server impl BaseRequest.schema() should use Forwarded/X-Forwarded headers"),
    (AIOHTTP, 2680): ("issue", "Request ignore X-Forwarded-Proto"),
    (AIOHTTP, 3178): ("issue", "ConnectionResetError being output in normal, expected situations"),
    (AIOHTTP, 4462): ("issue", "aiohttp decompresses 'Content-Encoding: gzip' responses"),
    (AIOHTTP, 4486): ("issue", "[Client] Double Set-Cookie header management"),
    (AIOHTTP, 4522): ("issue", "client post freezes when headers contains certain content length"),
    (AIOHTTP, 4572): ("issue", "Server closes connection if wrong type returned by handler"),
    (AIOHTTP, 4581): ("issue", 'Received "Response payload is not completed" when reading response'),
    (AIOHTTP, 4600): ("issue", "Cannot access an error message when receive 400"),
    (AIOHTTP, 5436): ("issue", "Server does not send an error response after sending `100-continue`"),
    (AIOHTTP, 5783): ("issue", "[ClientSession behavior] Authorization header dropped during HTTP redirect"),
    (AIOHTTP, 6719): ("issue", "CancelledError"),
    (AIOHTTP, 7056): ("pull", "log 3.9.0: Added `handler_cancellation` parameter to cancel web handler"),
    (AIOHTTP, 7297): ("issue", 'Client attempts to reuse a closed connection if "Connection: keep-alive"'),
    (AIOHTTP, 7363): ("pull", "Retry connection"),
    (AIOHTTP, 7478): (
        "issue",
        "Cookie values are quoted, even when added to a CookieJar with quote_cookie=…",
    ),
    (AIOHTTP, 7577): ("pull", "CookieJar - return 'best-match' and not LIFO"),
    (AIOHTTP, 7801): ("issue", "Add unique exceptions for different timeouts"),
    (AIOHTTP, 7929): ("issue", "StreamReader.iter_chunked(n) yields chunk_sizes < n before end of stream"),
    (AIOHTTP, 8133): (
        "issue",
        "Detailed TimeoutError message not captured when handling asyncio.TimeoutError",
    ),
    (AIOHTTP, 8455): ("issue", "Separate exception for DNS errors"),
    (AIOHTTP, 8477): ("issue", "Iterate over response data (streaming) without decoding content"),
    (AIOHTTP, 8495): ("pull", "Shutdown logic: Only wait on handlers"),
    (AIOHTTP, 8636): ("pull", "Remove Request.wait_for_disconnection() method"),
    (AIOHTTP, 8845): ("pull", "Return 500 error when handler has wrong return type"),
    (AIOHTTP, 8966): ("pull", "log 3.11.0: default auth only if the request URL's origin matches _base_url"),
    (AIOHTTP, 9138): ("issue", "3.9.2 server keep-alive timeout can cause disconnect of active connections"),
    (AIOHTTP, 9239): ("pull", "Stop raise_for_status() releasing when in a context"),
    (AIOHTTP, 10165): ("issue", "HTTPFound is marked as deprecated, so what should I use for redirects?"),
    (AIOHTTP, 10790): ("issue", "There is no way to disable request retry in ClientSession._request()"),
    (AIOHTTP, 12195): ("issue", "redirect post chunk failed"),
    (AIOHTTP, 12275): ("pull", "Fix credential leak on same-host redirects with different ports"),
    (AIOHTTP, 12550): ("pull", "Drop cookies on redirect"),
    (AIOHTTP, 12824): ("pull", "Preserve host-only cookie scope across CookieJar save/load"),
    (AIOHTTP, 12953): (
        "issue",
        "`sock_read` timeout is re-armed on a keep-alive connection after it returns",
    ),
    (AIOHTTP, 13579): ("pull", "UploadTracker"),
    (AIOHTTP, 13658): ("issue", "max_redirects=0 disables the redirect limit"),
    (AIOHTTP, 13681): ("pull", "Close idle connections"),
    (AIOHTTP, 13692): ("pull", "Fix cookies expiring at the Unix epoch"),
    (AIOHTTP, 13800): ("issue", "log 3.14.4: Fixed Set-Cookie parsing treating unrecognized attributes as …"),
    ("pnuckowski/aioresponses", 289): ("issue", "issue with aiohttp-3.14"),
    ("Comfy-Org/ComfyUI", 4865): ("issue", "Potential CORS Regression w.r.t instances behind proxy"),
    ("jupyterhub/jupyter-server-proxy", 574): (
        "issue",
        "Proxy blindly prepends base path to HTTP redirects, causing double-path 404s",
    ),
    ("tbrandenburg/cade", 76): (
        "issue",
        "JupyterLab tile 404s through the real Coder dashboard proxy — jupyter-proxy-shim.py doesn't rewrite "
        "the Location header on Jupyter's root 302 redirect",
    ),
    ("python/cpython", 99730): ("issue", "HEAD requests should be HEAD requests upon redirect"),
    ("golang/go", 20437): ("issue", "net/http/httputil: ReverseProxy does not pass unannounced trailers"),
    ("nodejs/node", 40702): ("issue", "Unable to connect to establish a TCP connection (ECONNREFUSED)"),
}
LINK = re.compile(r"\[(\d+)\]\(https://github\.com/([\w-]+/[\w-]+)/(issue|pull)s?/(\d+)\)")
WORDS = re.compile(r"\b(issue|pull request)s? (\d{2,5})(?:(?:,| and) (\d{2,5}))?\b")
Cited = tuple[str, int, str]  # repository, number, kind


def texts() -> dict[str, str]:
    """Return what may cite a thread, by where it stands; a lesson's comments become running text."""
    lessons = {it.stem: re.sub(r"\n#? *", " ", it.read_text("utf-8")) for it in lesson.sources()}
    return lessons | {name: f"{it.source}; {it.corrected}" for name, it in ledger().items()}


def cited(text: str) -> Iterator[Cited]:
    """Go through the threads that a text links or names; a number without a repository is aiohttp's."""
    for shown, repository, kind, number in LINK.findall(text):
        assert shown == number, f"[{shown}] leads to {number}"
        yield repository, int(number), kind
    for kind, *numbers in WORDS.findall(text):
        yield from ((AIOHTTP, int(it), kind.split()[0]) for it in numbers if it)


def test_every_thread_that_is_cited_was_looked_up() -> None:
    found = [(where, it) for where, text in texts().items() for it in cited(text)]
    strange = [
        f"{where} cites {kind} {number} of {repository}"
        for where, (repository, number, kind) in found
        if THREADS.get((repository, number), ("", ""))[0] != kind
    ]
    assert strange == [], "look it up, and write its kind and title into THREADS"
    assert THREADS.keys() - {(repository, number) for _, (repository, number, _) in found} == set()


def test_links_and_numbers_in_the_words_are_found() -> None:
    link = "issues [12](https://github.com/a/b/issues/12) and [34](https://github.com/a/b/pull/34)"
    assert [*cited(f"{link}; issues 56 and 78, pull request 90 (issue 123)")] == [
        ("a/b", 12, "issue"),
        ("a/b", 34, "pull"),
        (AIOHTTP, 56, "issue"),
        (AIOHTTP, 78, "issue"),
        (AIOHTTP, 90, "pull"),
        (AIOHTTP, 123, "issue"),
    ]
