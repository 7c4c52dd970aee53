"""Programs of others that read the skill: from the server with the TypeScript SDK, as a folder with `skills add`."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from terway_mcp.prompts import skill
from tests.conformance.programs import INSTALLED, SKILLS, needs_node, node

pytestmark = needs_node


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_typescript_sdk_verifies_every_file_of_the_skill(
    era: str, product_url: str, home: Path, show: Callable[[str], None]
) -> None:
    script = Path(shutil.copy(Path(__file__).parent / "node" / "read-skill.mjs", INSTALLED))
    ended = node(script, era, product_url, home=home)
    assert ended.code == 0, ended.err
    (found,) = [json.loads(line) for line in ended.out.splitlines()]
    assert found["name"] == skill.NAME
    assert [file["bytes"] for file in found["files"]] == [len(content) for content in skill.files().values()]
    assert all(file["verified"] for file in found["files"])
    assert found["children"] == [skill.NAME, "references", "scripts"]
    show(f"TypeScript v2 {era}: {len(found['files'])} files of skill {found['name']} verified")


def test_the_folder_of_the_skill_can_be_installed_for_an_agent(tmp_path: Path, show: Callable[[str], None]) -> None:
    project = tmp_path / "project"
    project.mkdir()
    options = ["--agent", "claude-code", "--copy", "--yes", "--json"]
    ended = node(SKILLS, "add", str(skill.FOLDER), *options, home=tmp_path, cwd=project)
    assert ended.code == 0, ended.err
    installed = project / ".claude" / "skills" / skill.NAME
    files = {path.relative_to(installed).as_posix(): path for path in installed.rglob("*") if path.is_file()}
    assert {path: file.read_bytes() for path, file in files.items()} == skill.files()
    assert files["scripts/terway-mcp"].stat().st_mode & 0o100
    show(f"skills add: {len(files)} files installed for an agent")
