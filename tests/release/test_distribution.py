"""What is in the files that users install. `scripts/package` also installs and runs them."""

import configparser
import email
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from release import ROOT
from release.distribution import Distribution, build, contents, differences, project_files, wheel_of_the_tree
from terway_mcp.server import __version__

FOLDERS = ("cluster", "knowledge", "prompts", "server", "tools")
LARGEST = 1024 * 1024


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    pytest.importorskip("build", reason="./scripts/package --install-only brings the build tools")
    return build(tmp_path_factory.mktemp("dist"), isolated=False)


def sources() -> set[str]:
    """Every file of the packages by its name in the wheel."""
    return {f"terway_mcp/{file}" for file in project_files() if file.parts[0] in FOLDERS}


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(distribution: Distribution) -> None:
    found = set(contents(distribution.wheel))
    ours = {name for name in found if ".dist-info/" not in name}
    assert ours == sources()
    suffixes = {Path(name).suffix for name in ours}
    assert {".py", ".typed", ".yaml", ".gz"} <= suffixes


def test_the_sdist_builds_the_wheel_of_the_checkout(distribution: Distribution, tmp_path: Path) -> None:
    direct = wheel_of_the_tree(tmp_path, isolated=False)
    assert differences(contents(distribution.wheel), contents(direct)) == []


def test_a_difference_between_wheels_is_noticed() -> None:
    assert differences({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == ["b", "c"]


def test_the_sdist_holds_what_is_needed_to_build_and_deploy_and_no_leavings(distribution: Distribution) -> None:
    found = contents(distribution.sdist)
    tops = {name.partition("/")[0] for name in found}
    assert tops == {
        *FOLDERS, "docs", "deploy", "terway_mcp.egg-info", "CHANGELOG.md", "LICENSE", "MANIFEST.in", "PKG-INFO",
        "README.md", "SKILL.md", "Dockerfile", ".dockerignore", "pyproject.toml", "server.json", "setup.cfg",
    }  # fmt: skip
    assert [name for name in found if re.search(r"__pycache__|\.py[co]$|\.venv|\.cache|\.mcpb$", name)] == []


def test_both_files_are_small(distribution: Distribution) -> None:
    for file in (distribution.wheel, distribution.sdist):
        print(f"{file.name}: {file.stat().st_size:,} bytes, {len(contents(file))} files")
        assert file.stat().st_size < LARGEST


def test_the_metadata_name_version_licence_and_command(distribution: Distribution) -> None:
    with zipfile.ZipFile(distribution.wheel) as wheel:
        folder = f"terway_mcp-{__version__}.dist-info"
        metadata = email.message_from_bytes(wheel.read(f"{folder}/METADATA"))
        commands = configparser.ConfigParser()
        commands.read_string(wheel.read(f"{folder}/entry_points.txt").decode())
        assert f"{folder}/licenses/LICENSE" in wheel.namelist()
    assert (metadata["Name"], metadata["Version"], metadata["License-Expression"]) == (
        "terway-mcp", __version__, "Apache-2.0",
    )  # fmt: skip
    assert dict(commands["console_scripts"]) == {"terway-mcp": "terway_mcp.server.cli:main"}
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_the_description_proves_to_the_mcp_registry_whose_package_it_is(distribution: Distribution) -> None:
    with zipfile.ZipFile(distribution.wheel) as wheel:
        metadata = wheel.read(f"terway_mcp-{__version__}.dist-info/METADATA").decode()
    name = json.loads((ROOT / "server.json").read_text("utf-8"))["name"]
    assert f"mcp-name: {name} " in metadata


def test_the_description_and_the_metadata_are_accepted_by_the_index(distribution: Distribution) -> None:
    pytest.importorskip("twine", reason="./scripts/package --install-only brings twine")
    files = [str(distribution.wheel), str(distribution.sdist)]
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("PASSED") == 2


def test_no_dependency_of_the_package_is_one_of_its_tools() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = {re.split(r"[><=;\[ ]", line)[0] for line in project["project"]["dependencies"]}
    tools = {re.split(r"[><=;\[ ]", line)[0] for line in project["dependency-groups"]["packages"]}
    assert needed & tools == set()
