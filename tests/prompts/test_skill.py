"""The skill as a folder: valid for the reference implementation, complete, and the same as what the knowledge says."""

import re
import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
import yaml
from skills_ref import read_properties, validate

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.prompts import skill
from terway_mcp.prompts.references import reference_pages

ROOT = Path(__file__).parents[2]
PAGES = reference_pages(Knowledge.load())


def links(page: Path) -> Iterator[Path]:
    """What a page links to, other than the web."""
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            yield page.parent / target


def test_the_reference_implementation_finds_the_folder_valid() -> None:
    assert validate(skill.FOLDER) == []
    assert read_properties(skill.FOLDER).name == skill.FOLDER.name == skill.NAME


def test_the_head_of_skill_md_is_the_one_the_server_tells() -> None:
    for path in (ROOT / "SKILL.md", skill.FOLDER / "SKILL.md"):
        _, head, _ = path.read_text("utf-8").split("---\n", 2)
        assert yaml.safe_load(head) == skill.FRONTMATTER


def test_the_folder_needs_nothing_outside_itself() -> None:
    pages = list(skill.FOLDER.rglob("*.md"))
    assert any(list(links(page)) for page in pages)
    for page in pages:
        for target in links(page):
            assert target.resolve().is_relative_to(skill.FOLDER)
            assert target.exists()


def test_every_file_is_text_and_every_script_can_be_run() -> None:
    for path, content in skill.files().items():
        content.decode()
        assert bool((skill.FOLDER / path).stat().st_mode & 0o100) == path.startswith("scripts/")


def test_every_file_is_part_of_the_distribution() -> None:
    patterns = ROOT.joinpath("prompts").glob("agent-skills/**/*")
    assert {path for path in patterns if path.is_file()} == {skill.FOLDER / path for path in skill.files()}
    assert '"terway_mcp.prompts" = ["agent-skills/**"]' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_a_script_of_an_installed_skill_says_what_is_missing(tmp_path: Path) -> None:
    for path, content in skill.files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    script = ["sh", str(tmp_path / "scripts" / "inspect-terway-cluster.sh")]
    (tmp_path / "scripts" / "terway-mcp").chmod(0o755)
    run = subprocess.run(script, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (127, "")
    assert "terway-mcp is not installed" in run.stderr


def test_every_root_cause_stands_on_the_page_of_its_category() -> None:
    causes = [cause for cause in Knowledge.load().entries("cause") if cause.category != "healthy"]
    assert len(causes) > 100
    for cause in causes:
        assert cause.meaning.split(".")[0].partition("{")[0] in PAGES[f"references/causes/{cause.category}.md"]


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ("events", "event_reason"),
        ("openapi-codes", "openapi_code"),
        ("configuration", "config_key"),
        ("labels", "label"),
    ],
)
def test_every_name_of_the_knowledge_can_be_looked_up(page: str, kind: str) -> None:
    entries = Knowledge.load().entries(kind)  # type: ignore[arg-type]
    names = [name for entry in entries for name in entry.match.names]
    assert len(names) > 30
    assert [name for name in names if f"`{name}`" not in PAGES[f"references/{page}.md"]] == []


def test_placeholders_of_an_investigation_are_words() -> None:
    assert [path for path, text in PAGES.items() if re.search(r"\{[a-z_]+\}", text)] == []


def test_every_row_of_a_table_has_as_many_columns_as_its_head() -> None:
    tables = [
        list(lines)
        for text in PAGES.values()
        for is_table, lines in groupby(text.splitlines(), key=lambda line: line.startswith("|"))
        if is_table
    ]
    assert len(tables) >= 8
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table}) == 1, table[0]


def test_a_page_is_short_enough_to_be_read_at_once() -> None:
    sizes = {path: len(content) for path, content in skill.files().items()}
    print(
        "\n".join(f"{size:>7,} {path}" for path, size in sizes.items()), f"{sum(sizes.values()):>7,} in all", sep="\n"
    )
    assert max(sizes.values()) <= 20_000
