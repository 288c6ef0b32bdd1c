"""What aiohttp's parser refuses before any handler: answered in the gateway's words, and logged in one line.

`RequestHandler.handle_error` answers with the parser's own text and logs a traceback, and has no public hook.
What it uses on the way is the logger it was given, and the request, which the application's factory makes.
"""

from __future__ import annotations

import functools
import logging
import traceback
from typing import Any

from aiohttp import HttpVersion11, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import ERROR

__all__ = ["Quiet", "in_our_words", "plain_request"]

SENTENCE = b"The request is malformed, or too long for this gateway.\n"
# What aiohttp makes in place of a request that it could not parse, in our own version of HTTP (RFC 9110
# section 2.5) and not in 1.0.
UNPARSED = ERROR._replace(version=HttpVersion11)
log = logging.getLogger("labs.gateway")


class Quiet(logging.LoggerAdapter[logging.Logger]):
    """Log what a client did wrong in one line at "labs.gateway"; all else goes to aiohttp's own logger."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger("aiohttp.server"), {})

    def log(self, level: int, msg: object, *args: object, **more: Any) -> None:
        """Log, without the traceback where it is a client's mistake."""
        error = more.get("exc_info")
        if isinstance(error, HttpProcessingError):
            told = ascii(" ".join(error.message.split())[:200])
            log.info("%s: %d: %s", str(msg) % args, error.code, told)
        elif not (isinstance(error, UnicodeEncodeError) and _of_the_refusal(error)):
            super().log(level, msg, *args, **more)


def _of_the_refusal(error: BaseException) -> bool:
    # aiohttp's own text quotes what it could not read, and fails at bytes that are not UTF-8. What it refuses
    # has been logged by then.
    return any(frame.f_code.co_name == "handle_error" for frame, _ in traceback.walk_tb(error.__traceback__))


class _InOurWords(web.BaseRequest):
    def __init__(self, message: Any, *more: Any, **named: Any) -> None:
        super().__init__(UNPARSED if message is ERROR else message, *more, **named)

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        if self._message is UNPARSED and isinstance(response, web.Response):
            response._set_status(400, None)  # not 500, where aiohttp fails at its own text: see Quiet
            response.body = SENTENCE
            response.headers["Content-Length"] = str(len(SENTENCE))
            response.headers["Server"] = "gateway"
        await super()._prepare_hook(response)


class _Request(_InOurWords, web.Request):
    pass


def plain_request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    """Make the request of a `web.Server` that has no application; its `request_factory`."""
    return _InOurWords(message, payload, protocol, writer, task, task.get_loop())


def in_our_words(app: web.Application) -> None:
    """Let what the parser refuses be answered with a plain sentence."""
    # Past Application.__setattr__, which warns in debug mode of attributes that it does not know.
    object.__setattr__(app, "_make_request", functools.partial(app._make_request, _cls=_Request))
