"""The index of the recipes and README name every recipe, and their links lead to files."""

import re

import pytest
from helpers.sources import ROOT


def links(path):
    return {(path.parent / target).resolve() for target in re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text())}


@pytest.mark.parametrize("page", ["README.md", "docs/recipes/README.md"])
def test_every_recipe_is_named_and_every_link_leads_to_a_file(recipes_on_the_path, page):
    linked = links(ROOT / page)
    assert [path for path in linked if not path.exists()] == []
    assert set(recipes_on_the_path.glob("*.py")) - linked == {recipes_on_the_path / "command_line.py"}
