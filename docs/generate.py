"""Writes what the documents share with the code: tables of README.md, parts of SKILL.md, docs/tools.md,
docs/options.md, docs/demo.svg, the folder of the skill that hosts install and the server serves, and the RBAC rules
below deploy/.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`. With --check nothing is written;
the exit code is 1 if anything is out of date.
"""

import contextlib
import io
import json
import re
import sys
import tempfile
import textwrap
from functools import cache
from html import unescape
from pathlib import Path

import option_reference
import tool_reference
import yaml

from terway_mcp.cluster.grants import grants, manifests
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.prompts import skill
from terway_mcp.prompts.references import reference_pages
from terway_mcp.prompts.sop import sop
from terway_mcp.server.cli import main as terway_mcp
from terway_mcp.server.steps import STEPS, Step

ROOT = Path(__file__).parent.parent
CONTRACTS = ROOT / "tests" / "server" / "contracts"
PICTURE = ROOT / "docs" / "demo.svg"
DEPLOY = ROOT / "deploy"
SKILL_FOLDER = ROOT / "prompts" / "agent-skills" / skill.NAME
SKILL_SCRIPTS = ("terway-mcp", *(f"inspect-terway-{kind}.sh" for kind in ("cluster", "node", "pod")))

_EVERYWHERE = ("investigation", "skip_reason")
"""Arguments that are explained once, above the table."""


def main(arguments: list[str]) -> int:
    """Write, or with --check compare; says which files differ."""
    stale = [path for path, text in wanted().items() if not path.exists() or path.read_text("utf-8") != text]
    picture = new_picture()
    if not PICTURE.exists() or words(PICTURE.read_text("utf-8")) != words(picture):
        stale.append(PICTURE)
    left_over = [path for path in SKILL_FOLDER.rglob("*") if path.is_file() and path not in wanted()]
    for path in [*stale, *left_over]:
        print(f"{path.relative_to(ROOT)} is out of date")  # noqa: T201
        if "--check" in arguments:
            continue
        if path in left_over:
            path.unlink()
        else:
            write(path, picture if path == PICTURE else wanted()[path])
    return 1 if (stale or left_over) and "--check" in arguments else 0


def write(path: Path, text: str) -> None:
    """Write a document; what begins like a program can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    if text.startswith("#!"):
        path.chmod(0o755)


@cache
def wanted() -> dict[Path, str]:
    """The documents as they should be."""
    readme = ROOT / "README.md"
    tables = replaced(replaced(readme.read_text("utf-8"), "steps", steps_table()), "tools", tools_table())
    text = skill_text()
    tools = {ROOT / "docs" / "tools.md": tool_reference.page(), ROOT / "docs" / "options.md": option_reference.page()}
    return {readme: tables, ROOT / "SKILL.md": text, **tools, **skill_folder(text), **permissions()}


def skill_text() -> str:
    """SKILL.md with its head and its procedure."""
    _, _, body = (ROOT / "SKILL.md").read_text("utf-8").split("---\n", 2)
    head = "".join(_yaml(name, value) for name, value in skill.FRONTMATTER.items())
    return replaced(f"---\n{head}---\n{body}", "procedure", procedure())


def _yaml(name: str, value: str | dict[str, str]) -> str:
    if isinstance(value, dict):
        return f"{name}:\n" + "".join(f"  {key}: {text}\n" for key, text in value.items())
    if len(value) <= 100:
        return f"{name}: {value}\n"
    wrapped = textwrap.fill(value, 120, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    return f"{name}: >-\n{wrapped}\n"


def skill_folder(text: str) -> dict[Path, str]:
    """The folder that hosts install: SKILL.md with links from where it lies there, references and scripts."""
    here = re.sub(r"<!-- (?:generated|end): \w+ -->\n", "", text)
    pages = {"SKILL.md": here.replace(f"{SKILL_FOLDER.relative_to(ROOT).as_posix()}/", "")}
    pages |= reference_pages(Knowledge.load())
    pages |= {f"scripts/{name}": (ROOT / "scripts" / name).read_text("utf-8") for name in SKILL_SCRIPTS}
    return {SKILL_FOLDER / path: page for path, page in pages.items()}


def permissions() -> dict[Path, str]:
    """The RBAC manifest, and its rules once more where the chart reads them."""
    documents = {document["kind"]: document for document in manifests(grants())}
    files = {DEPLOY / "rbac.yaml": yaml.safe_dump_all(documents.values(), sort_keys=False, default_flow_style=False)}
    for name, kind in (("cluster", "ClusterRole"), ("system", "Role")):
        rules = yaml.safe_dump(documents[kind]["rules"], sort_keys=False)
        files[DEPLOY / "helm" / "terway-mcp" / "files" / f"{name}-rules.yaml"] = rules
    return files


def replaced(text: str, name: str, body: str) -> str:
    """Put a generated part in its place.

    Raises:
        SystemExit: The markers are missing.
    """
    begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        sys.exit(f"the markers of {name} are missing")
    return f"{before}{begin}\n{body}\n{end}{after}"


def steps_table() -> str:
    """The step graph: what each step is, which tools do it, which steps must precede it."""
    numbers = {step.id: str(number) for number, step in enumerate(STEPS, 1)}
    rows = ["| | Step | Tool | After | Why |", "|---|---|---|---|---|"]
    for step in STEPS:
        after = ", ".join(sorted(numbers[required] for required in step.requires))
        rows.append(f"| {numbers[step.id]} | {step.title} | {_tools(step)} | {after} | {_why(step)} |")
    return "\n".join(rows)


def _tools(step: Step) -> str:
    return ", ".join(f"`{tool}`" for tool in step.tools)


def _why(step: Step) -> str:
    only = f" Only when {step.when}." if step.when else ""
    unless = f" Except: {step.unless}." if step.unless else ""
    return step.why + only + unless


def tools_table() -> str:
    """Every tool with its arguments, as the contract snapshots have them, in the order of the steps."""
    contracts = {path.stem: json.loads(path.read_text("utf-8")) for path in CONTRACTS.glob("*.json")}
    rows = ["| Tool | Arguments | When to call it, and what comes back |", "|---|---|---|"]
    for name in dict.fromkeys(tool for step in STEPS for tool in step.tools):
        contract = contracts[name]
        description = contract["description"].replace("|", "\\|")
        rows.append(f"| `{name}` | {_arguments(contract['inputSchema'])} | {description} |")
    return "\n".join(rows)


def _arguments(schema: dict[str, dict[str, object]]) -> str:
    required = schema.get("required", ())
    named = [name for name in schema["properties"] if name not in _EVERYWHERE]
    return ", ".join(f"`{name}`" if name in required else f"[`{name}`]" for name in named)


def procedure() -> str:
    """The SOP as the server's prompt has it, without its title."""
    return sop(STEPS).partition("\n")[2].strip()


def new_picture() -> str:
    """The terminal output of `terway-mcp demo`, without the comment that names the renderer's home page."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder) / "demo.svg"
        terway_mcp(["demo", "--svg", str(path)])
        return re.sub(r"\s*<!--.*?-->", "", path.read_text("utf-8"), flags=re.DOTALL)


def words(svg: str) -> list[str]:
    """The words in a picture, without durations and sizes: they differ a little from run to run."""
    lines = re.findall(r"<text[^>]*>(.*?)</text>", svg, flags=re.DOTALL)
    plain = unescape(" ".join(lines)).replace("\xa0", " ")
    return re.sub(r"\b[\d.,]+ (?:ms|s|B|bytes|tokens)\b", "", plain).split()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
