"""How another program starts this very installation: absolute paths, because desktop apps have no shell and no PATH."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import msgspec

from terway_mcp.cluster.credentials import credential_plugin

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


class Launch(msgspec.Struct, frozen=True):
    """A command with its arguments and the environment variables it needs beside those of a desktop session.

    `remarks` say in plain sentences what may keep it from working.
    """

    command: str
    args: list[str]
    env: dict[str, str] = {}
    remarks: list[str] = []


def launch(options: argparse.Namespace, environment: Mapping[str, str]) -> Launch:
    """The stdio server on the cluster that the common options, or KUBECONFIG, choose."""
    command, *args = _program(environment)
    paths = {"bundle": options.bundle, "kubeconfig": options.kubeconfig}
    for name, value in paths.items():
        if value:
            args += [f"--{name}", _absolute(str(value))]
    if options.context:
        args += ["--context", options.context]
    for path in options.knowledge:
        args += ["--knowledge", _absolute(str(path))]
    if options.anonymize:
        args.append("--anonymize")
    env = {} if options.bundle else _live_environment(options, environment)
    files = [env.get("KUBECONFIG", ""), *(_absolute(str(value)) for value in paths.values() if value)]
    missing = [file for some in files for file in some.split(os.pathsep) if file and not Path(file).exists()]
    return Launch(command, args, env, [f"there is no file {file}" for file in missing])


def _live_environment(options: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, str]:
    """What a live cluster needs: the kubeconfig of this shell, and the PATH on which its credential plugin is found."""
    found = {}
    inherited = environment.get("KUBECONFIG", "")
    if inherited and not options.kubeconfig:
        found["KUBECONFIG"] = _absolute(inherited)
    plugin = credential_plugin(options.kubeconfig or inherited or None, options.context)
    at = shutil.which(plugin) if plugin and not os.path.dirname(plugin) else None
    if at and os.name == "posix":
        folder = str(Path(at).parent)
        found["PATH"] = _SYSTEM_PATH if folder in _SYSTEM_PATH.split(":") else f"{folder}:{_SYSTEM_PATH}"
    return found


def _absolute(paths: str) -> str:
    """One path, or several as KUBECONFIG may have them."""
    return os.pathsep.join(str(Path(path).expanduser().absolute()) for path in paths.split(os.pathsep) if path)


def _program(environment: Mapping[str, str]) -> list[str]:
    """What started this process, in a way that lasts: `uvx` and `pipx run` throw their environments away."""
    folders = Path(sys.prefix).parts
    if (uv := environment.get("UV")) and any(part.startswith(("archive-v", "environments-v")) for part in folders):
        return [str(Path(uv).with_name("uvx")), *_source("--from"), "terway-mcp"]
    if "pipx" in folders and "venvs" not in folders and (pipx := shutil.which("pipx")):
        return [pipx, "run", *_source("--spec"), "terway-mcp"]
    started = Path(sys.argv[0])
    if started.stem == "terway-mcp" and (found := shutil.which(started)):
        return [str(Path(found).absolute())]
    return [sys.executable, "-m", "terway_mcp.server"]


def _source(option: str) -> list[str]:
    """Where this installation came from, if not from an index: there the name may be somebody else's."""
    try:
        told = metadata.distribution("terway-mcp").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return []
    url = str(json.loads(told)["url"]) if told else ""
    return [option, url] if url else []
