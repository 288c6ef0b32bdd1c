"""What is no question for a client is refused in one sentence."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from labs.clients.registry import ask
from labs.clients.request import ClientRequest, port_of, split
from labs.town.town import Town


@pytest.mark.parametrize(
    ("client", "url", "options", "sentence"),
    [
        (
            "wget",
            "http://origin.test/",
            {},
            "'wget' is no client of the lab: choose one of aiohttp, http.client,",
        ),
        ("curl", "origin.test/page", {}, "'origin.test/page' is not a URL of the town: write one like"),
        ("curl", "file:///etc/hosts", {}, "'file:///etc/hosts' is not a URL of the town: write one like"),
        (
            "curl",
            "http://origin.test:x/",
            {},
            "'http://origin.test:x/' is not a URL of the town: write one like",
        ),
        (
            "chromium",
            "http://origin.test/",
            {"method": "POST"},
            "chromium asks from its address bar: it sends GET",
        ),
        (
            "chromium",
            "http://origin.test/",
            {"body": b""},
            "chromium asks from its address bar: it sends GET",
        ),
    ],
)
def test_bad_input_is_refused_in_one_sentence(client: str, url: str, options: Any, sentence: str) -> None:
    async def experiment() -> None:
        async with Town() as town:
            await ask(client, town, url, **options)

    with pytest.raises(ValueError) as raised:
        asyncio.run(experiment())
    assert str(raised.value).startswith(sentence)


async def test_fields_that_repeat_are_joined_for_a_library_that_takes_a_dict() -> None:
    headers = (("X", "1"), ("Y", "2"), ("X", "3"))
    async with Town() as town:
        asked = ClientRequest("curl", town, "http://origin.test/", "GET", headers, None, None, "curl")
    assert asked.fields() == {"X": "1, 3", "Y": "2"}
    assert asked.habit("follow") == {} and replace(asked, follow=False).habit("follow") == {"follow": False}


@pytest.mark.parametrize(
    ("url", "port"), [("http://a.test/", 80), ("https://a.test/", 443), ("https://a.test:8080/", 8080)]
)
def test_the_port_of_a_url_is_its_own_or_its_schemes(url: str, port: int) -> None:
    assert port_of(split(url)) == port
