"""The layout of labs: each package has a level and takes from lower levels only; nothing goes in a circle."""

import ast
import fnmatch
import graphlib
import importlib
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import labs
from labs.paths import LABS, ROOT

# A package takes from levels below its own, never from its own level. The first five are modules.
LEVELS = (
    ("console", "proactor"),  # 0: needs nothing but Python, so that the gateway may take it along
    ("paths", "environment", "installed", "show", "gateway"),
    ("capture",),
    ("town",),
    ("guard", "servers", "clients"),
    ("instruments", "trial", "conformance", "cookies"),
    ("draw", "exercises"),
    ("course", "bench"),
    ("releases",),
)
ABOVE = ("__init__", "__main__")  # the face and the commands take from everywhere
LEVEL = {name: number for number, names in enumerate(LEVELS) for name in names}

# Modules whose tests stand under another name: which tests hold them. A * at the end stands for every ending.
ELSEWHERE = {
    "labs.bench.report": "tests/bench/test_proxies.py reads the report, the record and the figure",
    "labs.bench.server": "tests/bench/test_proxies.py measures through one of each kind",
    "labs.conformance.line": "tests/conformance/test_checks.py speaks over such lines in every check",
    "labs.conformance.stand": "tests/conformance/test_sites.py leaves one, and each check of "
    "tests/conformance/test_checks.py stands on one",
    "labs.conformance.topics.*": "tests/conformance/test_checks.py puts every topic to proxies that are "
    "wrong on purpose, and to the gateway: each check can fail, and none is broken",
    "labs.exercises.lesson_*": "tests/exercises/test_registry.py gives each exercise its usual wrong "
    "answers; the notebooks in solutions give the right ones",
    "labs.gateway.direct.*": "tests/gateway/test_fault_table.py breaks its connections in every phase, "
    "tests/gateway/test_streams.py counts, holds and closes them",
    "labs.gateway.leg": "the words of both legs: tests/gateway/test_messages.py puts the same to each",
    "labs.gateway.re*": "tests/gateway/test_exact.py relays made requests and answers, "
    "tests/gateway/test_bad_input.py reads what is refused",
    "labs.gateway.route": "tests/gateway/test_exact.py asks with any method and target, "
    "tests/gateway/test_bad_input.py with CONNECT",
    "labs.gateway.runner": "tests/gateway/test___main__.py starts and stops it",
    "labs.gateway.session.*": "tests/gateway/test_fault_table.py, like all that name a leg, runs this, too",
}


def modules(folder: Path = LABS) -> dict[str, Path]:
    """Return the file of each module by its dotted name, packages included."""
    found = {}
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports(file: Path, known: dict[str, Path]) -> Iterator[str]:
    """Go through the modules of labs that a file takes from, wherever the line stands; types only, too."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (it.name for it in node.names if it.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "labs":
            for it in node.names:
                whole = f"{node.module}.{it.name}"
                yield whole if whole in known else node.module


def graph(folder: Path = LABS) -> dict[str, set[str]]:
    """Return for each module those that it takes from."""
    known = modules(folder)
    return {name: set(imports(file, known)) - {name} for name, file in known.items()}


def package(module: str) -> str:
    """Return the package below labs that a module belongs to, or its own name."""
    return module.split(".")[1] if "." in module else "__init__"


def misplaced(arrows: dict[str, set[str]]) -> list[str]:
    """Say for each package without a level, and each import that does not go down, what to do."""
    found = [
        f"labs/{name} has no level: add it to LEVELS in tests/test_layout.py, above all it takes from."
        for name in sorted({package(module) for module in arrows} - {*LEVEL, *ABOVE})
    ]
    for module, taken in sorted(arrows.items()):
        for other in sorted(taken):
            here, there = package(module), package(other)
            if here == there or here in ABOVE or here not in LEVEL:
                continue
            if there in ABOVE:
                found.append(f"{module} takes from the face of labs: import from the package itself.")
            elif LEVEL.get(there, 0) >= LEVEL[here]:
                words = f"{module} (level {LEVEL[here]}) takes from {other} (level {LEVEL[there]})"
                found.append(f"{words}: move what it needs down, or hand it in as an argument.")
    return found


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """Return the modules of one circle, or nothing."""
    try:
        graphlib.TopologicalSorter(arrows).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def importers(of: str, folder: Path = LABS) -> set[str]:
    """Return the packages of labs that import another project's package, wherever the line stands."""
    found = set()
    for name, file in modules(folder).items():
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [it.name for it in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names.append(node.module or "")
            if any(it.split(".")[0] == of for it in names):
                found.add(package(name))
    return found


def faces() -> dict[str, list[str]]:
    """Return the public names of each package: those in the `__all__` of its `__init__`."""
    known = {name: file for name, file in modules().items() if file.name == "__init__.py" and name != "labs"}
    return {name: list(getattr(importlib.import_module(name), "__all__", [])) for name in known}


def test_every_package_takes_only_from_levels_below() -> None:
    assert misplaced(graph()) == []


def test_nothing_goes_in_a_circle() -> None:
    arrows = {name: taken for name, taken in graph().items() if name not in ("labs", "labs.__main__")}
    assert circle(arrows) == [], "open it: move what both need into a module of its own"


def test_every_level_has_its_packages() -> None:
    there = {package(module) for module in graph()} - {*ABOVE}
    assert sorted(LEVEL) == sorted(there), "LEVELS names what is not there, or the other way round"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Make a labs of two packages, of which `capture` takes from `show`, as it may."""
    for name, text in (
        ("__init__", ""),
        ("show/__init__", ""),
        ("show/page", "class Page: ..."),
        ("capture/__init__", ""),
        ("capture/trace", "from labs.show.page import Page"),
    ):
        file = tmp_path / "labs" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return tmp_path / "labs"


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        (
            "show/page.py",
            "from labs.capture import trace",
            "labs.show.page (level 1) takes from labs.capture",
        ),
        ("show/page.py", "def f():\n    import labs.capture.trace", "hand it in as an argument"),
        ("show/page.py", "from labs import Town", "labs.show.page takes from the face of labs"),
        ("gateway/pool.py", "from labs.show import page", "labs.gateway.pool (level 1) takes from labs.show"),
        ("cellar/barrel.py", "", "labs/cellar has no level: add it to LEVELS"),
    ],
)
def test_what_is_misplaced_is_said(small: Path, file: str, text: str, words: str) -> None:
    assert misplaced(graph(small)) == []
    (small / file).parent.mkdir(exist_ok=True)
    (small / file).write_text(text, "utf-8")
    assert any(words in line for line in misplaced(graph(small))), misplaced(graph(small))


def test_a_circle_is_found(small: Path) -> None:
    (small / "show" / "page.py").write_text("if 1:\n    from labs.show import grid", "utf-8")
    assert circle(graph(small)) == []
    (small / "show" / "grid.py").write_text("from labs.show.page import Page", "utf-8")
    assert {"labs.show.page", "labs.show.grid"} <= set(circle(graph(small)))


def test_only_draw_imports_matplotlib() -> None:
    assert importers("matplotlib") == {"draw"}


@pytest.mark.parametrize("line", ["import matplotlib.style", "def f():\n    from matplotlib import style"])
def test_who_imports_matplotlib_is_found(small: Path, line: str) -> None:
    assert importers("matplotlib", small) == set()
    (small / "show" / "page.py").write_text(line, "utf-8")
    assert importers("matplotlib", small) == {"show"}


def doubles(named: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the names that stand in more than one place, with the places."""
    places: dict[str, list[str]] = defaultdict(list)
    for place, names in named.items():
        for name in names:
            places[name].append(place)
    return {name: where for name, where in sorted(places.items()) if len(where) > 1}


def classes(file: Path) -> list[str]:
    """Return the public classes and type aliases that a module defines: the names in CapWords."""
    found = []
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign):
            found += [it.id for it in node.targets if isinstance(it, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.append(node.target.id)
    return [name for name in found if re.fullmatch(r"[A-Z][a-z]\w*|[A-Z][a-z]?", name) and not name.isupper()]


def test_no_name_stands_for_two_things() -> None:
    assert doubles(faces()) == {}, "a face names what another names: rename one, or leave it out of a face"
    assert doubles({name: classes(file) for name, file in modules().items()}) == {}, "rename one of them"


def test_a_double_is_found() -> None:
    assert doubles({"labs.a": ["Line", "ask"], "labs.b": ["Line"]}) == {"Line": ["labs.a", "labs.b"]}


def test_no_module_bears_the_name_of_something_in_its_face() -> None:
    """`from labs.clients import ask` gives the module where both are called so, or not, as imports fall."""
    inside = {tuple(module.rsplit(".", 1)) for module in modules() if "." in module}
    assert [(face, name) for face, names in faces().items() for name in names if (face, name) in inside] == []


def test_every_package_says_what_it_may_touch() -> None:
    for name, file in modules().items():
        if file.name == "__init__.py":
            assert ast.get_docstring(ast.parse(file.read_text("utf-8"))), f"{name} has no docstring"


def test_the_words_of_a_lesson_are_looked_up_and_not_kept() -> None:
    for name in labs.__all__:
        assert getattr(labs, name) is not None and name in dir(labs)
    assert not {"Town", "check", "compare", "attempt"} & vars(labs).keys()
    with pytest.raises(AttributeError, match="labs has no 'Twon': the words of a lesson are Gate, Grid"):
        labs.Twon  # noqa: B018  # type: ignore[attr-defined]


def test_types_know_the_words_of_a_lesson() -> None:
    tree = ast.parse((LABS / "__init__.py").read_text("utf-8"))
    told = {
        it.name: (node.module or "").removeprefix("labs").removeprefix(".")
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for it in node.names
    }
    assert sorted(told) == sorted(labs.__all__)
    assert {name: home for name, home in told.items() if home} == labs._HOME
    for name, home in labs._HOME.items():
        assert name in faces()[f"labs.{home}"]


def test_labs_and_its_doctor_need_no_package() -> None:
    program = (
        "import sys; sys.path.insert(0, '.'); import labs, labs.__main__, labs.course.doctor; "
        "print(labs.course.doctor.main() in (0, 1), 'aiohttp' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["True False"], done.stderr


def untested() -> list[str]:
    """Return the modules that have no test of their name in the same folder of tests."""
    found = []
    for name, file in modules().items():
        parts = file.relative_to(LABS).with_suffix("").parts
        test = Path(ROOT, "tests", *parts[:-1], f"test_{parts[-1]}.py")
        if file.name != "__init__.py" and not test.exists():
            found.append(name)
    return found


def excused(names: Iterable[str], excuses: Iterable[str]) -> dict[str, list[str]]:
    """Return for each excuse the modules that it stands for."""
    return {it: fnmatch.filter(names, it) for it in excuses}


def test_every_module_has_a_test_of_its_name() -> None:
    lonely = set(untested()).difference(*excused(untested(), ELSEWHERE).values())
    assert not lonely, "write tests/…/test_NAME.py, or say in ELSEWHERE which tests hold it"


def test_an_excuse_is_needed_and_names_tests_that_are_there() -> None:
    assert [it for it, names in excused(untested(), ELSEWHERE).items() if not names] == [], (
        "it excuses nothing"
    )
    for name, reason in ELSEWHERE.items():
        named = re.findall(r"tests/[\w/]+(?:\.py)?", reason)
        assert named and all((ROOT / it).exists() for it in named), f"{name}: {reason}"


def test_an_excuse_stands_for_one_module_or_for_a_family() -> None:
    names = ["labs.a.one", "labs.a.two", "labs.b"]
    assert excused(names, ["labs.a.*", "labs.b", "labs.a", "labs.c.*"]) == {
        "labs.a.*": ["labs.a.one", "labs.a.two"],
        "labs.b": ["labs.b"],
        "labs.a": [],
        "labs.c.*": [],
    }
