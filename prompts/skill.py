"""The Agent Skill of this project: its name and description, and the files that make it up.

The folder `agent-skills/terway-troubleshooting` beside this module is generated (scripts/docs) from SKILL.md, the
knowledge and the scripts; it is what a host installs, and what the server serves.
"""

from functools import cache
from pathlib import Path

NAME = "terway-troubleshooting"

FRONTMATTER: dict[str, str | dict[str, str]] = {
    "name": NAME,
    "description": (
        "Finds out why the network of Kubernetes pods or nodes fails where Terway (the Alibaba Cloud CNI) is in use, "
        'and says so with evidence. Use it for pods stuck in ContainerCreating or Terminating, "cni plugin not '
        'initialized", FailedCreatePodSandBox, "cmdAdd: error alloc ip", nodes that are NotReady or report '
        "SufficientIP=False, vSwitches without free addresses, ENI or IP quotas, OpenAPI throttling or permissions, "
        "trunk or PodENI pods, a crashing Terway daemon or controlplane, and questions about eni-config. Works with "
        "the terway-mcp server, with its command line, or with kubectl alone. Not for clusters with another CNI, nor "
        "for Services, Ingress or DNS once the pods have their addresses."
    ),
    "license": "Apache-2.0",
    "compatibility": (
        "Best with the terway-mcp server (Python 3.11 or newer) attached over MCP; without it, kubectl and read "
        "access to the cluster."
    ),
    "metadata": {"project": "terway-mcp"},
}
"""What SKILL.md begins with; a host chooses skills by it."""

FOLDER = Path(__file__).parent / "agent-skills" / NAME


@cache
def files() -> dict[str, bytes]:
    """Every file of the skill by its path below the folder, SKILL.md first."""
    found = sorted(path for path in FOLDER.rglob("*") if path.is_file())
    paths = sorted(found, key=lambda path: path.name != "SKILL.md")
    return {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in paths}
