"""Options of the command line; those with a value may also come from the environment, see `environment.py`."""

import argparse
import os
from pathlib import Path

from terway_mcp.server import __version__
from terway_mcp.server.environment import Target, in_brackets, is_on, option, repeatable
from terway_mcp.server.http.settings import add_http_options

HOSTS = ("claude-desktop", "claude-code", "vscode", "cursor", "generic")
"""MCP hosts that `terway-mcp hosts` knows how to tell about this server."""

_EPILOG = "Options may also come from the environment: as the variable in brackets."


def parser() -> argparse.ArgumentParser:
    """The whole command line; without a command it is the stdio server that an MCP host runs."""
    root = argparse.ArgumentParser(
        prog="terway-mcp",
        description="Troubleshoot the Terway CNI over MCP, read-only.",
        parents=[_common()],
        epilog=_EPILOG,
    )
    root.add_argument("--version", action="version", version=f"terway-mcp {__version__}")
    _audit(root)
    commands = root.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, help_text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help_text, parents=[_common(suppress=True)], epilog=_EPILOG)

    serve = command("serve", "run the MCP server")
    option(serve, "--transport", choices=("stdio", "streamable-http"), default="stdio", help="default: %(default)s")
    option(serve, "--store", type=Path, help="SQLite file (default: in memory; on HTTP below $XDG_STATE_HOME)")
    _audit(serve, default=argparse.SUPPRESS)
    add_http_options(serve)

    token = command("token", "make a bearer token for a client of the HTTP server")
    token.add_argument("name", help="of the client, as the audit will call it")
    option(token, "--token-file", type=Path, metavar="FILE", help="add the client to this file")

    diagnose = command("diagnose", "let a scripted agent find the root cause")
    diagnose.add_argument("target", nargs="?", help="pod, or kind/name of a workload; default: the worst suspect")
    option(diagnose, "--namespace", "-n", default="", help="namespace of the target")
    option(diagnose, "--node", default="", help="diagnose a node instead")
    option(diagnose, "--symptom", default="", help="what is wrong, in your words")
    diagnose.add_argument("--json", action="store_true", help="print one JSON object")
    option(diagnose, "--html", type=Path, metavar="FILE", help="also write a report with the picture of the incident")

    inspect = command("inspect", "print one report: cluster, pod NAMESPACE POD, or node [NODE...]")
    inspect.add_argument("kind", choices=("cluster", "pod", "node"))
    inspect.add_argument("names", nargs="*", help="namespace and pod, or nodes (default: the first 20)")
    inspect.add_argument("--json", action="store_true", help="print JSON instead of YAML")

    demo = command("demo", "diagnose a built-in captured cluster")
    demo.add_argument("scenario", nargs="?", help="default: the first; `list` names them all")
    option(demo, "--svg", type=Path, metavar="FILE", help="also write the output as a picture")
    option(demo, "--html", type=Path, metavar="FILE", help="also write a report with the picture of the incident")

    capture = command("capture", "write a redacted bundle of a live cluster")
    option(capture, "-o", "--output", type=Path, required=True, metavar="BUNDLE.tar.gz", help="to write")
    repeatable(capture, "-n", "--namespace", command="capture", help="also this namespace (repeatable)")

    rbac = command("rbac", "print the RBAC manifest that the tools need")
    option(rbac, "--namespace", "-n", command="rbac", default="kube-system", help="of the service account")
    rbac.add_argument("--capture", action="store_true", help="also what `capture` lists")
    repeatable(rbac, "--configmap", help="also this dynamic node configuration (repeatable)")

    hosts = command("hosts", "print what to tell an MCP host, with this installation's paths")
    hosts.add_argument("host", nargs="?", choices=HOSTS, metavar="HOST", help=f"{', '.join(HOSTS)}; default: all")
    hosts.add_argument("--json", action="store_true", help="print one JSON object")

    api = command("api", "serve a bundle as a Kubernetes API for kubectl")
    option(api, "--host", command="api", default="127.0.0.1", help="loopback address to listen on")
    option(api, "--port", command="api", type=int, default=0, help="default: a free one")
    kubeconfig, leads = Path("terway-mcp.kubeconfig"), "that leads kubectl there (default: %(default)s)"
    option(api, "--write-kubeconfig", type=Path, default=kubeconfig, metavar="FILE", help=leads)
    return root


def cluster_options(options: argparse.Namespace) -> list[str]:
    """The common options again as arguments, to hand them to a server subprocess."""
    given: list[str] = []
    for name in ("context", "kubeconfig", "bundle"):
        if value := getattr(options, name):
            given += [f"--{name}", str(value)]
    for path in options.knowledge:
        given += ["--knowledge", str(path)]
    return [*given, "--anonymize"] if options.anonymize else given


def _audit(target: Target, default: str | None = None) -> None:
    """On stdio a host keeps its own record, so nothing is written unless it is asked for."""
    option(
        target,
        "--audit",
        metavar="FILE|-|none",
        help="one line of JSON per call into a file or (-) to stderr (default: - on HTTP, none on stdio)",
        default=default,
    )


def _common(*, suppress: bool = False) -> argparse.ArgumentParser:
    """Options of every command. Below a command their defaults are suppressed, so that they may stand before it."""
    shared = argparse.ArgumentParser(add_help=False)
    hidden = {"default": argparse.SUPPRESS} if suppress else {}
    option(shared, "--context", help="kubeconfig context (default: the current one)", **hidden)
    option(shared, "--kubeconfig", help="kubeconfig file (default: KUBECONFIG, then ~/.kube/config)", **hidden)
    option(shared, "--bundle", type=Path, help="captured cluster: a directory or .tar.gz", **hidden)
    knowledge = os.environ.get("TERWAY_MCP_KNOWLEDGE", "")
    shared.add_argument(
        "--knowledge",
        type=Path,
        action="append",
        metavar="FILE",
        help=in_brackets("more Terway facts as YAML (repeatable)", "TERWAY_MCP_KNOWLEDGE"),
        default=argparse.SUPPRESS if suppress else [Path(path) for path in knowledge.split(os.pathsep) if path],
    )
    shared.add_argument(
        "--anonymize",
        action="store_true",
        help=in_brackets("pseudonyms for names, addresses and ids", "TERWAY_MCP_ANONYMIZE"),
        default=argparse.SUPPRESS if suppress else is_on("TERWAY_MCP_ANONYMIZE"),
    )
    return shared
