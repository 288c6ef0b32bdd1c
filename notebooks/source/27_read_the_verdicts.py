# %% [markdown]
# # 27 · What became of the four posts?
#
# **You will** run the posts' programs as they are posted, see the verdicts of all their sentences in one
# picture, and try a fair reading yourself.
#
# **You need** lesson 01. The lessons that compute the other verdicts are named on
# [the page of verdicts](../VERDICTS.md).
#
# **Minutes:** 17 to read and run, 12 for the exercises.

# %%
import asyncio
import subprocess
import sys
from functools import partial

from aiohttp import web

from labs import Grid, Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.trial.posts import Fair, passages, posts

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# Five of the posts' programs stand there whole, to be copied and run. Here they are, restated, calling what
# they call, and with the address of a server of ours. The sides differ in **what stands before them**:
# nothing, as posted, or the lines that are missing, such as `import asyncio`. A sixth is one line, which the
# post shows once whole and once cut off.

# %%
FETCH = """
async def fetch(session, url):
    async with session.get(url) as response:
        return await response.text()
"""
ALL = """
async def main():
    async with aiohttp.ClientSession() as session:
        tasks = []
        for url in urls:
            tasks.append(fetch(session, url))
        responses = await asyncio.gather(*tasks)
        for response in responses:
            print(response)
"""
START = """
if __name__ == "__main__":
    asyncio.run(main())
"""

# %%
FIRST = """
import aiohttp

async def make_request():
    async with aiohttp.ClientSession() as session:
        async with session.get("{url}") as response:
            print(await response.text())

asyncio.run(make_request())
"""
LIMITED = ALL.replace(
    "        tasks = []", "        semaphore = asyncio.Semaphore(10)\n        tasks = []"
).replace(
    "            tasks.append(fetch(session, url))",
    "            async with semaphore:\n                tasks.append(fetch(session, url))",
)
# %%
FINALLY = """
async def main():
    async with aiohttp.ClientSession() as session:
        try:
            response = await fetch(session, url)
            print(response)
        finally:
            session.close()
"""

# %%
PROGRAMS = {  # where each stands: what is posted, and what is missing before it
    "000, section 4.1": ('raise web.HTTPFound(location=f"http://localhost:', None),
    "001, client": (FIRST, "import asyncio"),
    "003, section 1": ("import aiohttp" + FETCH + ALL + START, "import asyncio\nurls = ['{url}'] * 3"),
    "003, section 2": ("import aiohttp" + FETCH + LIMITED + START, "import asyncio\nurls = ['{url}'] * 3"),
    "003, section 4": (FETCH + FINALLY + START, "import asyncio, aiohttp\nurl = '{url}'"),
    "003, section 5": ("import aiohttp" + FETCH + ALL + START, "import asyncio\nurls = ['{url}'] * 3"),
}

# %% [markdown]
# ## Predict
#
# What becomes of each?

# %%
prediction = {
    # one of: "NameError", "SyntaxError", "1 page", "3 pages"
    "001, client": {"as posted": ..., "completed": ...},
    # one of: "NameError", "SyntaxError", "1 page", "3 pages"
    "003, section 2": {"as posted": ..., "completed": ...},
    # one of: "NameError", "SyntaxError", "1 page", "3 pages"
    "003, section 4": {"as posted": ..., "completed": ...},
}

# %% [markdown]
# ## The experiment


# %%
async def outcome(town, program):
    host, port = town.address("python.org")
    text = program.replace("{url}", f"http://{host}:{port}/")
    line = [sys.executable, "-W", "ignore", "-c", text]
    with town.guest("program"):
        done = await asyncio.to_thread(
            partial(subprocess.run, line, capture_output=True, text=True, timeout=60)
        )
    if done.returncode:
        return done.stderr.strip().splitlines()[-1].partition(":")[0]
    pages = done.stdout.count("a page")
    return f"{pages} page{'s' if pages > 1 else ''}"


# %%
async def page(request):
    return web.Response(text="a page")


async def run_all(completed):
    came = {}
    async with Town() as town:
        await town.open("python.org", page)
        for name, (program, missing) in PROGRAMS.items():
            before = f"{missing}\n" if completed and missing else ""
            came[name] = await outcome(town, before + program)
    return noted(town.trace, came=came)


# %%
found = await compare(
    {"as posted": partial(run_all, False), "completed": partial(run_all, True)},
    ask={name: lambda t, name=name: t.notes["came"][name] for name in PROGRAMS},
)
found

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# None of the six runs as it is posted. `asyncio` is not imported in any of them [C37] [C102] [C103] [C104]
# [C105], and the line that is cut off is no Python [C106]. It is soon mended: with the missing lines, all
# five programs run [L27a]. That they lack them says nothing about what they show; what that is worth, lessons
# 18, 21 and 22 have tried. The twelve client programs of post 002 have their imports, and run.

# %%
POSTED = "as posted"
check(
    found,
    {
        "C37": {"001, client": {POSTED: "1 page"}},
        "C102": {"003, section 1": {POSTED: "3 pages"}},
        "C103": {"003, section 2": {POSTED: "3 pages"}},
        "C104": {"003, section 4": {POSTED: "1 page"}},
        "C105": {"003, section 5": {POSTED: "3 pages"}},
        "C106": {"000, section 4.1": {POSTED: "0 page"}},
        "L27a": {
            "001, client": {"completed": "1 page"},
            **{f"003, section {n}": {"completed": pages} for n, pages in ((1, "3 pages"), (2, "3 pages"))},
            **{f"003, section {n}": {"completed": pages} for n, pages in ((4, "1 page"), (5, "3 pages"))},
        },
    },
)

# %% [markdown]
# ## All of it
#
# Each sentence and each program of the posts is an *entry*. It was restated with its own conditions, read as
# its author would want it read, and tried where it can be tried. Here they are in the order of the posts, 25
# in a row.

# %%
LETTERS = {Fair.HOLDS: "✓", Fair.TRAP: "T", Fair.REFUTED: "✗", Fair.NOT_TESTABLE: "–"}
KEY = {
    "✓": "holds",
    "T": "holds, and a trap is beside it that the post does not set",
    "✗": "does not hold",
    "–": "cannot be tried, such as praise",
}
cells = {}
for post in posts():
    some = [it for it in passages().values() if it.id.startswith(post)]
    for n, entry in enumerate(some):
        row = f"post {post[1:]}, from {n // 25 * 25 + 1}"
        cells["entries", row, str(n % 25 + 1)] = LETTERS[entry.verdict]
rows = tuple(dict.fromkeys(row for _, row, _ in cells))
verdicts = Grid(rows, {"entries": tuple(str(n) for n in range(1, 26))}, cells, KEY)
verdicts

# %%
draw.heat_map(verdicts, finding="Most of what the posts say holds")


# %%
async def tally(post):
    some = [it.verdict for it in passages().values() if it.id.startswith(post)]
    return noted(counts={verdict: some.count(verdict) for verdict in Fair})


tallies = await compare(
    {f"post {post[1:]}": partial(tally, post) for post in posts()},
    ask={
        "holds": lambda t: t.notes["counts"][Fair.HOLDS],
        "holds, a trap beside it": lambda t: t.notes["counts"][Fair.TRAP],
        "does not hold": lambda t: t.notes["counts"][Fair.REFUTED],
        "cannot be tried": lambda t: t.notes["counts"][Fair.NOT_TESTABLE],
        "more holds than does not": lambda t: (
            t.notes["counts"][Fair.HOLDS] + t.notes["counts"][Fair.TRAP] > t.notes["counts"][Fair.REFUTED]
        ),
    },
)
tallies

# %% [markdown]
# In each post more holds than does not [L27b]. A post is not right or wrong as a whole: what does not hold is
# a line here and there, and the harm is done by the lines that are copied. Which they are, and what to write
# instead, is on [the page of verdicts](../VERDICTS.md), what is right about each post first.

# %%
check(
    tallies,
    {
        "L27b": {
            "more holds than does not": dict.fromkeys(tallies.sides, True),
            "does not hold": {"post 003": 6},
        }
    },
)

# %% [markdown]
# ## Exercises
#
# ### ★ what-is-said (5 minutes)
#
# A post says, in our words: *from outside, a server that listens at localhost of its own machine cannot be
# reached.* Which of these does it say? Give the letters.
#
# * **a**: Who is outside does not reach this server at localhost.
# * **b**: Who is outside gets an error.
# * **c**: Nobody at all can reach it.
# * **d**: Who sits at the same machine can reach it.

# %% exercise="what-is-said"
said = ...  # TODO: a set of letters, as in {"b", "c"}
# solution
said = {"a"}
# end

# %%
await attempt("what-is-said", said)

# %% [markdown]
# <details><summary>Hint</summary>
# A sentence says no more than its words. What may be true besides is another sentence; what somebody may
# wrongly add is a trap.
# </details>
#
# ### ★★ write-a-reading (7 minutes)
#
# A table has two sides, `redirect` and `proxy`, and a row *who asks the origin*, whose answers are lists of
# names, such as `["client"]`. The claim: *with a proxy, the front asks the origin, and the client does not.*
# Write what the table would show if it were true.

# %% exercise="write-a-reading"
reading = ...  # TODO: {question: {side: answer}}
# solution
reading = {"who asks the origin": {"proxy": ["front.test"]}}
# end

# %%
await attempt("write-a-reading", reading)

# %% [markdown]
# <details><summary>Hint</summary>
# Say only what the claim says: of which side does it speak?
# </details>
#
# ## In practice
#
# * Run what you post, as it is posted, in a new folder.
# * Before you say that somebody is wrong, write down what they say, and what would show it.
# * When a verdict changes with a release, CI says so, and the page with it.
#
# ## Where this comes from
#
# * All four posts; [the page of verdicts](../VERDICTS.md) has their titles.

# %%
await guard.clean()
