"""The pages of docs/: their examples run, their links lead somewhere, their drawings are what the scripts draw."""

import doctest
import importlib.util
import re
import sys
from pathlib import Path

import pytest
from helpers.compressed import require_zstd

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
ROOT = DOCS.parent
TEXTS = [
    *PAGES,
    *sorted(ROOT.glob("*.md")),
    *(path for room in ("ci", "asv_bench", "pricecore") for path in sorted((ROOT / room).rglob("*.md"))),
]
WITH_EXAMPLES = [page for page in PAGES if "\n>>> " in page.read_text()]


def load(name: str, folder: Path):
    """Return a module of docs/, which is no package and not on the path."""
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def sections():
    return load("sections", DOCS / "extensions")


@pytest.fixture
def pictures(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    yield load("make_pictures", DOCS)
    for name in [name for name in sys.modules if name.split(".")[0] == "drawings"]:
        del sys.modules[name]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_run_as_shown(page, monkeypatch, tmp_path):
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(tmp_path))
    if page.name == "feeds.md":  # its examples register formats
        formats = pytest.importorskip("pricecore.feeds.formats", reason="no msgspec here", exc_type=ImportError)
        monkeypatch.setattr(formats, "FORMATS", dict(formats.FORMATS))
    if page.name == "compression.md":
        require_zstd()
    results = doctest.testfile(str(page), module_relative=False)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_to_one(text):
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text.read_text())
    assert [link for link in links if not (text.parent / link).exists()] == []


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.relative_to(ROOT).as_posix())
def test_every_link_to_a_heading_leads_to_one(text, sections):
    def anchors(page: Path) -> list[str]:
        filled = sections.PLACE.sub(lambda place: sections.part(place, page)[1], page.read_text())
        return [sections.anchor_of(title) for _, _, title in sections.headings(filled.splitlines())]

    links = re.findall(r"\]\((?!https?:)([^)#\s]+\.md)?#([^)\s]+)", text.read_text())
    assert [f"{file}#{to}" for file, to in links if to not in anchors(text.parent / file if file else text)] == []


def test_every_text_that_a_page_takes_over_is_there(sections):
    places = [(page, place) for page in PAGES for place in sections.PLACE.finditer(page.read_text())]
    assert len(places) >= 15
    for page, place in places:
        assert len(sections.part(place, page)[1].splitlines()) >= 3


def test_a_text_that_a_page_takes_over_does_not_send_its_reader_to_that_page(sections):
    page = DOCS / "feeds.md"
    place = next(sections.PLACE.finditer(page.read_text()))
    text = sections.part(place, page)[1]
    assert "(feeds.md)" not in text
    assert "\nThis page has what each venue's messages become" in text


def test_a_section_ends_where_the_next_one_of_its_level_begins(sections):
    text = "# A\n\n## B\n\nb\n\n```sh\n# no heading\n```\n\n### C\n\nc\n\n## D\n"
    lines, level = sections.cut(text, "b", "a file")
    assert (lines[0], lines[-2], level) == ("## B", "c", 2)
    with pytest.raises(ValueError, match="no heading with the anchor 'e'"):
        sections.cut(text, "e", "a file")


def test_every_drawing_is_what_the_script_draws(pictures):
    assert pictures.outdated() == []


def test_every_page_is_reached_from_the_start_page():
    reached, ahead = set(), [DOCS / "index.md"]
    while ahead:
        page = ahead.pop()
        if page not in reached:
            reached.add(page)
            tables = re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
            names = [name for table in tables for name in table.split("\n") if name and not name.startswith(":")]
            ahead += [page.parent / f"{name}.md" for name in names]
    assert sorted(reached) == PAGES


def test_the_reference_names_every_public_class_and_function():
    import pricecore

    pages = "".join(page.read_text() for page in (DOCS / "reference").glob("*.md"))
    names = [name for name in pricecore.__all__ if not name.startswith("__")]
    assert [name for name in names if f":: pricecore.{name}\n" not in pages] == []
