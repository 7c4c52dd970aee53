"""The built package in environments of its own, away from the checkout, run the ways users run it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
import msgspec
from mcp import Client, StdioServerParameters

from release import Failed

_SCENARIO = "vswitch-exhausted"


class Step(msgspec.Struct, frozen=True):
    """One thing tried: what was seen, and the seconds it took."""

    what: str
    seen: str
    seconds: float


def installed(wheel: Path, folder: Path) -> list[Step]:
    """Install into an empty environment with pip, and do what users do first."""
    environment = folder / "environment"
    _run([sys.executable, "-m", "venv", str(environment)], folder)
    program = environment / "bin" / "terway-mcp"
    bundle = f"import terway_mcp.cluster.scenarios.catalog as c; print(c.bundle_path({_SCENARIO!r}))"
    install = _timed("pip install", [str(environment / "bin" / "pip"), "install", "-q", str(wheel)], folder)
    path = _run([str(environment / "bin" / "python"), "-c", bundle], folder).strip()
    if not path.startswith(str(environment)):
        raise Failed(f"{path} is not of the installed package")
    version = _timed("--version", [str(program), "--version"], folder)
    first, second = handshake([str(program)], folder), handshake([str(program)], folder)
    report = folder / "report.html"
    demo = _timed("demo --html", [str(program), "demo", "--html", str(report)], folder)
    if "</html>" not in report.read_text("utf-8"):
        raise Failed(f"{report.name} is not whole")
    diagnosis = _timed("diagnose --json", [str(program), "diagnose", "--bundle", path, "--json"], folder)
    verdict = json.loads(diagnosis.seen)["verdict"]
    if verdict["category"] != "resource_exhaustion":
        raise Failed(f"the verdict on {_SCENARIO} is {verdict}")
    return [
        install,
        version,
        msgspec.structs.replace(first, what=f"{first.what}, the first time"),
        second,
        msgspec.structs.replace(demo, seen=f"{len(demo.seen.splitlines())} lines"),
        msgspec.structs.replace(diagnosis, seen=f"{verdict['category']}, {verdict['confidence']}"),
    ]


def without_installing(wheel: Path, folder: Path) -> list[Step]:
    """`uvx` and `pipx run`, from nothing and again."""
    programs = Path(sys.executable).parent
    uvx = [str(programs / "uvx"), "-q", "--from", str(wheel), "terway-mcp"]
    pipx = [str(programs / "pipx"), "run", "-q", "--spec", str(wheel), "terway-mcp"]
    caches = {
        "UV_CACHE_DIR": str(folder / "uv"), "PIPX_HOME": str(folder / "pipx"),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    steps = []
    for name, runner in (("uvx", uvx), ("pipx run", pipx)):
        steps += [_timed(f"{name}, {how}", [*runner, "--version"], folder, caches) for how in ("empty cache", "again")]
        described = json.loads(_run([*runner, "hosts", "generic", "--json"], folder, caches))["generic"]["server"]
        answered = handshake([described["command"], *described["args"]], folder, caches)
        steps.append(msgspec.structs.replace(answered, what=f"{name}, as `hosts` printed it"))
    return steps


def handshake(command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> Step:
    """Start a stdio server, shake hands and list its tools: the time from nothing to the first answer."""

    async def talk() -> list[str]:
        server = StdioServerParameters(
            command=command[0], args=[*command[1:]], env={**_environment(folder), **(env or {})}, cwd=folder
        )
        async with Client(server) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    begun = time.perf_counter()
    tools = anyio.run(talk)
    seconds = time.perf_counter() - begun
    if not tools:
        raise Failed(f"{command[0]} lists no tools")
    return Step("initialize and tools/list", f"{len(tools)} tools", seconds)


def _environment(home: Path) -> dict[str, str]:
    """This environment without a way to a cluster or to the checkout."""
    ours = ("KUBE", "TERWAY_MCP_", "PYTHON", "VIRTUAL_ENV", "XDG_")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(ours)}, "HOME": str(home)}


def _timed(what: str, command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> Step:
    begun = time.perf_counter()
    seen = _run(command, folder, env)
    return Step(what, seen.strip(), time.perf_counter() - begun)


def _run(command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> str:
    """What a command wrote to stdout.

    Raises:
        Failed: It ended with an error.
    """
    done = subprocess.run(
        command, cwd=folder, env={**_environment(folder), **(env or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
