"""Every paper cited is in docs/references.md, and every link between pages leads to a file."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
YEAR = r"\(?(?P<year>(?:19|20)\d\d)\b"
NAME = r"(?P<name>[A-Z][\w-]+)"
SEVERAL = re.compile(rf"{NAME}\s+(?:et\s+al\.|and\s+[A-Z][\w-]+)\s+{YEAR}")
ONE = re.compile(rf"\({NAME}\s+(?P<year>(?:19|20)\d\d)\)")


def cited() -> Iterator[tuple[str, str]]:
    """Name of the first author, and year, of each citation."""
    texts = [*ROOT.glob("vaetext/**/*.py"), *ROOT.glob("conf/**/*.yaml")]
    for path in [*texts, *ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for pattern in (SEVERAL, ONE):
            for found in pattern.finditer(path.read_text()):
                yield found["name"], found["year"]


def test_every_cited_paper_is_in_the_references() -> None:
    entries = re.split(r"\n(?=[-|] )", (ROOT / "docs/references.md").read_text())
    missing = {
        f"{name} {year}"
        for name, year in cited()
        if not any(re.search(rf"\b{name}\b.*\b{year}\b", entry, re.DOTALL) for entry in entries)
    }
    assert not missing


def test_citations_are_found() -> None:
    found = set(cited())
    assert ("Bowman", "2016") in found
    assert ("Burda", "2016") in found


def test_every_link_between_docs_leads_to_a_file() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), (page.name, link)
