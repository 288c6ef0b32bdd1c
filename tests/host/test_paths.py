"""Everything lies where it is said to lie."""

import pytest

import labs
from labs.host import paths


@pytest.mark.parametrize("name", sorted(set(paths.__all__) - {"BUILD"}))
def test_a_path_leads_to_a_part_of_the_project(name: str) -> None:
    path = getattr(paths, name)
    assert path.exists() and path.is_relative_to(paths.ROOT)


def test_the_root_holds_the_settings_and_the_package() -> None:
    assert (paths.ROOT / "pyproject.toml").is_file()
    assert labs.__file__ == str(paths.LABS / "__init__.py")


def test_what_can_be_made_again_is_ignored_by_git() -> None:
    ignored = (paths.ROOT / ".gitignore").read_text("utf-8").split()
    assert f"{paths.BUILD.relative_to(paths.ROOT)}/" in [it.lstrip("/") for it in ignored]
