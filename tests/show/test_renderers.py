"""What is shown, as nbconvert's two templates give it, and as a page that strips every style."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup, Tag
from nbconvert import HTMLExporter

from labs.draw.figure import Figure
from labs.show.page import Page, Prose
from labs.trial.claims import Claim, Kind, Ruling, Verdict, Verdicts
from labs.trial.comparison import Comparison
from tests.course import chromium
from tests.draw.support import drawn

LANES = (
    "client            front.test\n│──── POST /page ────►│\n│◄──── 302 Found ─────│\n│ <b> & so on         │"
)
SENTENCE = (
    "No prediction filled in: replace a ... in the cell of the prediction, run that cell, then this one. "
)
TEMPLATES = ("lab", "classic")
QUESTION = "requests"
FOUND = Comparison(
    (QUESTION,), ("redirect", "proxy"), {(QUESTION, "redirect"): 2, (QUESTION, "proxy"): 1}, {}
)


def verdicts() -> Verdicts:
    """Make one claim that holds, and one that is refuted."""
    who, kind = "nobody in particular", Kind.ASSUMED
    holds = Claim("C1", "A redirect makes the client ask twice.", who, kind, Verdict.HOLDS, "01_who")
    falls = Claim("C2", "A proxy does.", who, kind, Verdict.REFUTED, "01_who", "It asks once.")
    rulings = (
        Ruling(holds, Verdict.HOLDS, {QUESTION: {"redirect": 2}}, FOUND.answers),
        Ruling(falls, Verdict.REFUTED, {QUESTION: {"proxy": 2}}, FOUND.answers),
    )
    return Verdicts(rulings)


@functools.cache
def figure() -> Figure:
    return drawn("lifelines")[0]


@functools.cache
def page(template: str) -> str:
    """Export a notebook that shows one of each: lanes, prose, a table, verdicts, a figure."""
    shown: list[nbformat.NotebookNode] = []
    for value in (Page(LANES), Prose(SENTENCE * 4), FOUND, verdicts()):
        data = {"text/plain": repr(value), "text/html": value._repr_html_()}
        shown.append(nbformat.v4.new_output("execute_result", data))
    data, about = figure()._repr_mimebundle_()
    data["image/png"] = "AAAA"
    shown.append(nbformat.v4.new_output("display_data", data, metadata=about))
    shown.append(nbformat.v4.new_output("display_data", {"text/html": figure().in_words()}))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=[it]) for it in shown])
    exporter: Any = HTMLExporter  # untyped
    return str(exporter(template_name=template).from_notebook_node(notebook)[0])


def only(within: Tag, choice: str) -> Tag:
    """Return the one element that a CSS selector finds."""
    (one,) = within.select(choice)
    return one


@pytest.mark.parametrize("template", TEMPLATES)
def test_lanes_are_whole_and_can_be_scrolled_by_keyboard(template: str) -> None:
    soup = BeautifulSoup(page(template), "html.parser")
    lanes = only(soup, "pre[tabindex='0']")
    assert "font-family:Menlo" in str(lanes["style"]) and "overflow-x:auto" in str(lanes["style"])
    assert only(lanes, "code").text == LANES
    wide = only(soup, "div[tabindex='0']:has(> table)")
    assert "overflow-x:auto" in str(wide["style"])


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_figure_is_said_in_words(template: str) -> None:
    soup = BeautifulSoup(page(template), "html.parser")
    assert only(soup, "details p").text == figure().alt
    said = only(soup, "img")["alt"]
    # The lab template reads no alt at all; whoever uses it has the words below the picture.
    assert (
        said == {"classic": figure().alt, "lab": "No description has been provided for this image"}[template]
    )


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_is_shown_brings_no_colours_of_its_own(template: str) -> None:
    soup = BeautifulSoup(page(template), "html.parser")
    styles = [
        str(it["style"]) for it in soup.select("pre[style], pre > code[style], table [style], ul[style]")
    ]
    assert len(styles) > 5
    for rule in ";".join(styles).split(";"):
        name, _, value = rule.partition(":")
        assert "color" not in name or value == "inherit", rule
        assert name != "background" or value == "none", rule


def test_without_any_style_lanes_stand_in_line_and_verdicts_are_lists() -> None:
    soup = BeautifulSoup(page("lab"), "html.parser")
    for element in soup.select("[style], [class], [tabindex]"):
        for name in ("style", "class", "tabindex"):
            del element[name]
    assert [it.text for it in soup.select("pre > code") if "│" in it.text] == [LANES]
    told = next(it for it in soup.select("ul") if "refuted" in it.text)
    first, second = told.find_all("li", recursive=False)
    assert (only(first, "b").text, only(second, ":scope > b").text) == ("C1", "C2")
    assert [it.text for it in second.select("li")] == [
        "it would show: requests: proxy 2",
        "recorded: requests: proxy 1",
        "rather: It asks once.",
    ]
    legend = next(it for it in soup.select("p") if "≠" in it.text)
    assert list(legend.stripped_strings) == ["≠ the sides differ", "= the sides agree"]


MEASURE = """
const [lanes, prose] = ['overflow', 'wrap'].map(it => [...document.querySelectorAll('pre > code')].find(
  code => code.parentElement.style.cssText.includes(it === 'wrap' ? 'pre-wrap' : 'overflow-x')));
const width = (code, text) => {
  const span = document.createElement('span');
  span.textContent = text;
  code.append(span);
  const wide = span.getBoundingClientRect().width;
  span.remove();
  return wide;
};
const letters = ['i', 'M', '─', '│'].map(it => width(lanes, it.repeat(20)));
const text = prose.firstChild, range = document.createRange(), broken = [];
for (let n = 1; n < text.length; n++) {
  const tops = [n - 1, n].map(k => (range.setStart(text, k), range.setEnd(text, k + 1),
    range.getClientRects()[0]?.top));
  if (tops[0] < tops[1]) broken.push(text.data.slice(n - 1, n + 1));
}
return [letters, broken];
"""


@pytest.mark.browser
@pytest.mark.parametrize("template", TEMPLATES)
async def test_letters_are_of_one_width_and_no_word_is_broken(template: str, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    await asyncio.to_thread(file.write_text, page(template), "utf-8")
    async with chromium.page() as tab:
        await tab.goto(file.as_uri(), "document.readyState === 'complete'")
        letters, broken = await tab.evaluate(MEASURE)
    assert letters[0] > 0 and max(letters) - min(letters) < 0.5, letters
    assert broken and all(" " in it for it in broken), broken
