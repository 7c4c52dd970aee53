"""Rules about the code itself: which way imports point, how large modules are, and that nothing can write."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("cluster", "knowledge", "prompts", "server", "tools")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]

MAY_IMPORT = {
    "cluster": {"cluster"},
    "knowledge": {"knowledge"},
    "tools": {"tools", "cluster", "knowledge"},
    "prompts": {"prompts", "tools", "knowledge"},
    "server": set(FOLDERS),
}
# The tree of exceptions is one for the whole project; it imports nothing.
FOR_EVERYONE = {"terway_mcp.cluster.errors"}

PURE = [
    *sorted((ROOT / "knowledge").glob("*.py")),
    *sorted((ROOT / "tools").glob("log_*.py")),
    *sorted((ROOT / "tools" / "correlation").glob("*.py")),
    ROOT / "tools" / "event_groups.py",
    *(ROOT / "server" / f"{name}.py" for name in ("steps", "gate", "plan", "state")),
    *(ROOT / "prompts" / f"{name}.py" for name in ("sop", "entries")),
]
OUTSIDE = {"mcp", "mcp_types", "httpx2", "kubernetes", "uvicorn", "starlette", "sqlite3", "socket", "subprocess"}
WRITING_VERBS = {"post", "put", "patch", "delete", "request", "send"}
LONGEST_MODULE = 400


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def dotted(path: Path) -> str:
    """Import name of a module's file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("terway_mcp", *(part for part in parts if part != "__init__")))


def imports(path: Path, nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Absolute names of what these nodes import."""
    package = dotted(path) if path.name == "__init__.py" else dotted(path).rpartition(".")[0]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            yield ".".join([*base, *([node.module] if node.module else [])])


def all_imports(path: Path) -> set[str]:
    return set(imports(path, ast.walk(parsed(path))))


def at_import_time(path: Path) -> set[str]:
    """What importing the module imports: not what its functions import when they run."""
    return set(imports(path, iter(parsed(path).body)))


def module_file(name: str) -> Path | None:
    """The file of one of this project's modules."""
    place = ROOT.joinpath(*name.split(".")[1:])
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return next((path for path in candidates if name.startswith("terway_mcp.") and path.is_file()), None)


def reached(path: Path) -> set[str]:
    """Top-level names of everything that importing a module imports, through this project's own modules."""
    seen, waiting, outside = {path}, [path], set()
    while waiting:
        for name in at_import_time(waiting.pop()):
            own = module_file(name)
            if own is None:
                outside.add(name.partition(".")[0])
            elif own not in seen:
                seen.add(own)
                waiting.append(own)
    return outside


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_imports_point_down_only(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    own = {name for name in all_imports(path) if name.startswith("terway_mcp.")} - FOR_EVERYONE
    assert {name.split(".")[1] for name in own} <= MAY_IMPORT[folder]


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_pure_parts_reach_no_sdk_no_network_and_no_database(path: Path) -> None:
    assert reached(path) & OUTSIDE == set()


def test_kubernetes_is_imported_by_functions_of_one_module_only() -> None:
    def names_it(names: set[str]) -> bool:
        return any(name.partition(".")[0] == "kubernetes" for name in names)

    assert [name for path, name in zip(MODULES, NAMES, strict=True) if names_it(all_imports(path))] == [
        "cluster/credentials.py"
    ]
    assert not any(names_it(at_import_time(path)) for path in MODULES)


def test_only_the_server_knows_the_sdk() -> None:
    users = {
        name.partition("/")[0]
        for path, name in zip(MODULES, NAMES, strict=True)
        if {found.partition(".")[0] for found in all_imports(path)} & {"mcp", "mcp_types"}
    }
    assert users == {"server"}


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_a_module_is_short_and_named_for_what_it_holds(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE
    assert path.stem not in {"utils", "util", "helpers", "helper", "manager", "misc", "common"}


def is_broad(handler: ast.ExceptHandler) -> bool:
    """True for a bare `except` or one that names Exception, unless it raises again whatever it caught."""
    caught = handler.type
    named = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    broad = caught is None or any(
        isinstance(name, ast.Name) and name.id in ("Exception", "BaseException") for name in named
    )
    last = handler.body[-1]
    return broad and not (isinstance(last, ast.Raise) and last.exc is None)


def test_only_the_boundary_of_a_call_catches_everything() -> None:
    broad = [
        name
        for path, name in zip(MODULES, NAMES, strict=True)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler) and is_broad(node)
    ]
    assert broad == ["server/calls.py"]


def test_the_connection_to_a_cluster_can_send_nothing_but_get() -> None:
    for path in sorted((ROOT / "cluster").glob("*.py")):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in WRITING_VERBS, f"{path.name}:{node.lineno} calls {node.func.attr}"
                if node.func.attr == "stream" and node.args and isinstance(node.args[0], ast.Constant):
                    assert node.args[0].value == "GET", f"{path.name}:{node.lineno}"
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in ("POST", "PUT", "PATCH", "DELETE"), f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("folder", ["cluster", "knowledge", "prompts", "tools"])
def test_only_the_server_starts_processes(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        assert "subprocess" not in all_imports(path), path.name


def test_every_package_is_part_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = {dotted(path) for path in MODULES if path.name == "__init__.py"}
    assert set(project["tool"]["setuptools"]["packages"]) == found


def test_every_third_party_import_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    optional = [line for extra in project["project"]["optional-dependencies"].values() for line in extra]
    declared = {line.partition(">")[0].lower() for line in [*project["project"]["dependencies"], *optional]}
    distribution = {"yaml": "pyyaml", "re2": "google-re2", "mcp_types": "mcp", "starlette": "mcp"} | {
        "jwt": "pyjwt[crypto]",
        "prometheus_client": "prometheus-client",
        "opentelemetry": "opentelemetry-api",
    }
    for path, name in zip(MODULES, NAMES, strict=True):
        for found in {module.partition(".")[0] for module in all_imports(path)}:
            if found not in sys.stdlib_module_names and found != "terway_mcp":
                assert distribution.get(found, found) in declared, f"{name} imports {found}"
