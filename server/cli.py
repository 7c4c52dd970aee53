"""The command line. The stdio server is the default command, so imports are made per command."""

import argparse
import gc
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terway_mcp.cluster.errors import InvalidInput, TerwayMcpError
from terway_mcp.server.options import cluster_options, parser
from terway_mcp.server.stderr import guard_stderr

if TYPE_CHECKING:
    from mcp.server.context import ServerMiddleware
    from mcp.server.mcpserver import MCPServer

    from terway_mcp.cluster.clusters import Clusters
    from terway_mcp.knowledge.base import Knowledge
    from terway_mcp.server.agent import Question
    from terway_mcp.server.audit import Audit
    from terway_mcp.server.store import SqliteStore
    from terway_mcp.server.waiting import Audience

EXIT_ERROR = 1


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    guard_stderr()
    try:
        options = parser().parse_args(arguments)
    except InvalidInput as error:
        return _exit_code(error)
    # stdout belongs to JSON-RPC (and to results); everything else goes to stderr, in plain lines.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        return _COMMANDS[options.command or "stdio"](options)
    except (TerwayMcpError, KeyboardInterrupt, OSError, SystemExit, BaseExceptionGroup) as error:
        return _exit_code(error)


def _exit_code(error: BaseException) -> int:
    """Say in one line why a command ended; what nobody foresaw is raised again.

    The client of a server subprocess runs in task groups, so its errors arrive in exception groups.
    """
    for found in _leaves(error):
        match found:
            case KeyboardInterrupt():
                return 130
            case BrokenPipeError() | SystemExit():  # rich turns the one into the other
                # The reader of the pipe has seen enough; what is still buffered must not fail at exit either.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return 0
            case TerwayMcpError() | OSError():
                print(f"terway-mcp: {found}", file=sys.stderr)  # noqa: T201
                return EXIT_ERROR
    raise error


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


@contextmanager
def _no_garbage_yet() -> Iterator[None]:
    """Importing and assembling allocates what stays; to look for garbage meanwhile takes a tenth of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _stdio(options: argparse.Namespace) -> int:
    _stdio_server(options).run("stdio")
    return 0


@_no_garbage_yet()
def _stdio_server(options: argparse.Namespace) -> "MCPServer[Audience]":
    from terway_mcp.server.app import create_server  # noqa: PLC0415
    from terway_mcp.server.tracing import export_spans  # noqa: PLC0415

    export_spans()
    middleware: list[ServerMiddleware[object]] = []
    if audit := _audit(options, default="none"):
        from terway_mcp.server.observation import Observation  # noqa: PLC0415

        middleware.append(Observation([audit]))
    clusters, store, knowledge = _clusters(options), _store(options, None), _knowledge(options)
    return create_server(clusters, store=store, knowledge=knowledge, middleware=middleware, anonymize=options.anonymize)


def _serve(options: argparse.Namespace) -> int:
    if options.transport == "stdio":
        return _stdio(options)
    with _no_garbage_yet():
        from terway_mcp.server.http.serve import serve_http  # noqa: PLC0415
    from terway_mcp.server.http.settings import http_settings  # noqa: PLC0415
    from terway_mcp.server.store import default_path  # noqa: PLC0415
    from terway_mcp.server.tracing import export_spans  # noqa: PLC0415

    export_spans()
    settings = http_settings(options)
    store = _store(options, default_path)
    audit = _audit(options, default="-")
    return serve_http(settings, _clusters(options), store, _knowledge(options), audit, anonymize=options.anonymize)


def _clusters(options: argparse.Namespace) -> "Clusters":
    from terway_mcp.cluster.clusters import Clusters  # noqa: PLC0415

    return Clusters(kubeconfig=options.kubeconfig, context=options.context, bundle=options.bundle)


def _store(options: argparse.Namespace, default: Callable[[], Path] | None) -> "SqliteStore":
    from terway_mcp.server.store import SqliteStore  # noqa: PLC0415

    given = options.store if "store" in options else None
    return SqliteStore(given or (default() if default else None))


def _knowledge(options: argparse.Namespace) -> "Callable[[], Knowledge]":
    from terway_mcp.knowledge.base import Knowledge  # noqa: PLC0415
    from terway_mcp.server.warm_up import Once  # noqa: PLC0415

    return Once(partial(Knowledge.load, tuple(options.knowledge)))


def _audit(options: argparse.Namespace, *, default: str) -> "Audit | None":
    destination = options.audit or default
    if destination == "none":
        return None
    from terway_mcp.server.audit import Audit  # noqa: PLC0415

    return Audit(destination)


def _token(options: argparse.Namespace) -> int:
    from terway_mcp.server.http.token_file import add_line, new_token  # noqa: PLC0415

    token, line = new_token(options.name)
    if options.token_file:
        add_line(options.token_file, line)
        print(token)  # noqa: T201
        return 0
    print(f"Token, shown only now:        {token}\nLine for the --token-file:    {line}")  # noqa: T201
    return 0


def _diagnose(options: argparse.Namespace) -> int:
    from terway_mcp.server.diagnose import run_diagnose  # noqa: PLC0415

    where = f"bundle {options.bundle}" if options.bundle else f"context {options.context or 'default'}"
    return run_diagnose(_question(options), cluster_options(options), where, as_json=options.json, html=options.html)


def _question(options: argparse.Namespace) -> "Question":
    from terway_mcp.server.agent import Question  # noqa: PLC0415

    target = options.target or ""
    if target and options.node:
        raise InvalidInput(f"give either {target} or --node {options.node}")
    if target and not options.namespace:
        raise InvalidInput(f"give the namespace of {target} with -n")
    workload = target if "/" in target else ""
    return Question(options.namespace, "" if workload else target, workload, options.node, options.symptom)


def _inspect(options: argparse.Namespace) -> int:
    from terway_mcp.server.inspection import run_inspect  # noqa: PLC0415

    if options.kind == "pod" and len(options.names) != 2:
        raise InvalidInput("inspect pod needs a namespace and a pod")
    if options.kind == "cluster" and options.names:
        raise InvalidInput(f"inspect cluster takes no names, not {' '.join(options.names)}")
    return run_inspect(options.kind, options.names, cluster_options(options), as_json=options.json)


def _demo(options: argparse.Namespace) -> int:
    from terway_mcp.cluster.scenarios.catalog import SCENARIOS, bundle_path  # noqa: PLC0415
    from terway_mcp.server.agent import Question  # noqa: PLC0415
    from terway_mcp.server.diagnose import run_demo  # noqa: PLC0415

    if options.scenario == "list":
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:<22}{scenario.title}")  # noqa: T201
        return 0
    name = options.scenario or next(iter(SCENARIOS))
    path = bundle_path(name)
    scenario = SCENARIOS[name]
    question = Question(scenario.namespace, scenario.pod, scenario.workload, scenario.node, scenario.symptom)
    return run_demo(question, ["--bundle", str(path)], f"scenario {name}", svg=options.svg, html=options.html)


def _capture(options: argparse.Namespace) -> int:
    import anyio  # noqa: PLC0415

    from terway_mcp.cluster.capture import capture  # noqa: PLC0415
    from terway_mcp.knowledge.sealing import masked  # noqa: PLC0415

    seal: Callable[[Any], Any] = masked
    if options.anonymize:
        from terway_mcp.server.anonymous_bundle import AnonymousBundle  # noqa: PLC0415

        seal = AnonymousBundle(_knowledge(options)).sealed
    for line in anyio.run(capture, _clusters(options), options.output, tuple(options.namespace), seal):
        print(seal(line), file=sys.stderr)  # noqa: T201
    return 0


def _rbac(options: argparse.Namespace) -> int:
    import yaml  # noqa: PLC0415

    from terway_mcp.cluster.grants import capture_grants, grants, manifests  # noqa: PLC0415
    from terway_mcp.cluster.names import namespace_name, object_name  # noqa: PLC0415

    table = grants(tuple(object_name(name, "ConfigMap") for name in options.configmap))
    table += capture_grants() if options.capture else ()
    documents = manifests(table, namespace=namespace_name(options.namespace))
    print(yaml.safe_dump_all(documents, sort_keys=False, default_flow_style=False), end="")  # noqa: T201
    return 0


def _hosts(options: argparse.Namespace) -> int:
    from terway_mcp.server.hosts import run_hosts  # noqa: PLC0415
    from terway_mcp.server.launch import launch  # noqa: PLC0415

    return run_hosts(launch(options, os.environ), options.host, as_json=options.json)


def _api(options: argparse.Namespace) -> int:
    from terway_mcp.cluster.bundle import Bundle  # noqa: PLC0415
    from terway_mcp.cluster.embedded.serve import Serving, serve  # noqa: PLC0415

    if options.bundle is None:
        raise InvalidInput("api needs --bundle PATH")

    def announce(serving: Serving) -> None:
        print(f"Kubernetes API at {serving.url}\nkubectl --kubeconfig {serving.kubeconfig} get pods -A", flush=True)  # noqa: T201

    serve(Bundle.open(Path(options.bundle)), options.host, options.port, options.write_kubeconfig, announce)
    return 0


_COMMANDS = {
    "stdio": _stdio,
    "serve": _serve,
    "token": _token,
    "diagnose": _diagnose,
    "inspect": _inspect,
    "demo": _demo,
    "capture": _capture,
    "rbac": _rbac,
    "hosts": _hosts,
    "api": _api,
}
