"""The algorithms of RFC 6265 section 5 and of 6265bis, step by step: an oracle for the cases of labs/cookies.

Written from the two documents and not from the cases, for reading and not for use: it knows the public
suffixes of the cases only, has no limits, and parses no date that a case does not have.
"""

import calendar
import re
from dataclasses import dataclass
from itertools import count
from urllib.parse import urlsplit

SUFFIXES = {"test", "uk", "co.uk"}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NEVER = 1 << 62


@dataclass
class Cookie:
    name: str
    value: str
    expiry: int
    domain: str
    host_only: bool
    path: str
    secure: bool
    created: int

    def key(self, bis: bool) -> tuple[object, ...]:
        return (self.name, self.domain, self.path, self.host_only if bis else None)


def date(text: str) -> int | None:
    """Parse a cookie-date: 5.1.1."""
    time = day = month = year = None
    for token in re.split(r"[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+", text):
        if time is None and (found := re.match(r"(\d\d?):(\d\d?):(\d\d?)(?!\d)", token)):
            time = tuple(map(int, found.groups()))
        elif day is None and (found := re.match(r"\d\d?(?!\d)", token)):
            day = int(found[0])
        elif month is None and token[:3].lower() in MONTHS:
            month = MONTHS.index(token[:3].lower()) + 1
        elif year is None and (found := re.match(r"\d{2,4}(?!\d)", token)):
            year = int(found[0])
    if time is None or day is None or month is None or year is None:
        return None
    year += 1900 if 70 <= year <= 99 else 2000 if year <= 69 else 0
    if year < 1601 or not 1 <= day <= calendar.monthrange(year, month)[1] or time > (23, 59, 59):
        return None
    return calendar.timegm((year, month, day, *time))


def domain_match(host: str, domain: str) -> bool:
    """Match domains: 5.1.3."""
    address = re.fullmatch(r"[\d.]+", host)
    return host == domain or (host.endswith("." + domain) and not address)


def path_match(path: str, wanted: str) -> bool:
    """Match paths: 5.1.4."""
    below = path.startswith(wanted) and (wanted.endswith("/") or path[len(wanted) :].startswith("/"))
    return path == wanted or below


class Jar:
    """Store and retrieve as RFC 6265 says (5.2 to 5.4), or as its successor says (5.6 to 5.8)."""

    def __init__(self, *, bis: bool, now: int) -> None:
        self.bis, self.now, self.cookies, self.clock = bis, now, list[Cookie](), count()

    def receive(self, url: str, field: str) -> None:
        pair, *rest = field.split(";")
        name, equals, value = pair.partition("=")
        name, value = (name.strip(" \t"), value.strip(" \t")) if equals else ("", name.strip(" \t"))
        if not (name if self.bis is False else name or value):
            return
        if self.bis and not name and value.lower().startswith(("__secure-", "__host-")):
            return
        parts = urlsplit(url)
        cookie = self._cookie(name, value, _attributes(rest, self.bis), parts.hostname or "", parts.path)
        if cookie is None or (self.bis and self._refused(cookie, rest, parts.scheme)):
            return
        for old in self.cookies:
            if old.key(self.bis) == cookie.key(self.bis):
                cookie.created = old.created
        kept = [it for it in self.cookies if it.key(self.bis) != cookie.key(self.bis)]
        self.cookies = [it for it in [*kept, cookie] if it.expiry > self.now]

    def _cookie(self, name: str, value: str, has: dict[str, str], host: str, page: str) -> Cookie | None:
        expiry = NEVER
        if "max-age" in has:
            seconds = int(has["max-age"])
            expiry = self.now + seconds if seconds > 0 else -NEVER
        elif "expires" in has:
            expiry = date(has["expires"]) or 0
        domain = has.get("domain", "")
        if domain in SUFFIXES:
            if domain != host:
                return None
            domain = ""
        if domain and not domain_match(host, domain):
            return None
        path = has.get("path") or page[: page.rfind("/")] or "/"
        made = next(self.clock)
        return Cookie(name, value, expiry, domain or host, not domain, path, "secure" in has, made)

    def _refused(self, cookie: Cookie, rest: list[str], scheme: str) -> bool:
        has = _attributes(rest, True)
        over = any(
            old.name == cookie.name
            and old.secure
            and (domain_match(old.domain, cookie.domain) or domain_match(cookie.domain, old.domain))
            and path_match(cookie.path, old.path)
            for old in self.cookies
        )
        name = cookie.name.lower()
        host = cookie.secure and cookie.host_only and has.get("path") == "/"
        return (
            (scheme == "http" and (cookie.secure or over))
            or (has.get("samesite", "").lower() == "none" and not cookie.secure)
            or (name.startswith("__secure-") and not cookie.secure)
            or (name.startswith("__host-") and not host)
        )

    def send(self, url: str) -> str:
        parts = urlsplit(url)
        host = parts.hostname or ""
        found = [
            it
            for it in self.cookies
            if (host == it.domain if it.host_only else domain_match(host, it.domain))
            and path_match(parts.path or "/", it.path)
            and (parts.scheme == "https" or not it.secure)
        ]
        found.sort(key=lambda it: (-len(it.path), it.created))
        return "; ".join(f"{it.name}={it.value}" if it.name else it.value for it in found)


def _attributes(rest: list[str], bis: bool) -> dict[str, str]:
    has: dict[str, str] = {}
    for it in rest:
        name, _, value = (part.strip(" \t") for part in it.partition("="))
        name = name.lower()
        if name == "expires" and date(value) is None:
            continue
        if name == "max-age" and not re.fullmatch(r"-?\d+", value):
            continue
        if name == "domain":
            if not value and not bis:
                continue
            value = value.removeprefix(".").lower()
        if name == "path" and not value.startswith("/"):
            value = ""
        has[name] = value
    return has
