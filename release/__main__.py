"""`scripts/package`: build, compare, check, run elsewhere, bundle. Ends with 1 at the first thing that fails."""

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from release import ROOT, Failed
from release.container import as_an_image
from release.distribution import build, contents, differences, wheel_of_the_tree
from release.mcp_bundle import assemble, node_is_there, pack, try_out
from release.trial import Step, installed, without_installing

OUTPUT = ROOT / "dist"


def main() -> int:
    """Fill `dist/` with what a release uploads, after all of it has been tried out."""
    OUTPUT.mkdir(exist_ok=True)
    for old in OUTPUT.iterdir():
        old.unlink()
    try:
        with tempfile.TemporaryDirectory(prefix="terway-mcp-") as scratch:
            _release(Path(scratch))
    except Failed as failure:
        print(f"scripts/package: {failure}", file=sys.stderr)
        return 1
    for file in sorted(OUTPUT.iterdir()):
        print(f"{file.stat().st_size / 1024:8.1f} KiB  dist/{file.name}")
    return 0


def _release(scratch: Path) -> None:
    distribution = build(OUTPUT)
    wheel = distribution.wheel
    if differing := differences(contents(wheel), contents(wheel_of_the_tree(scratch / "tree"))):
        raise Failed(f"the sdist builds another wheel than the checkout: {', '.join(differing)}")
    print(f"the wheel is the same from sdist and checkout: {len(contents(wheel))} files")
    checked = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *map(str, (wheel, distribution.sdist))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if checked.returncode:
        raise Failed(f"twine check\n{checked.stdout}{checked.stderr}")
    print("metadata and README are accepted by twine check --strict")
    for name, trial in (("elsewhere", installed), ("runners", without_installing)):
        (scratch / name).mkdir()
        _show(trial(wheel, scratch / name))
    scratch.chmod(0o755)
    (scratch / "image").mkdir()
    _show(as_an_image(wheel, scratch / "image"))
    if not node_is_there():
        print("no .mcpb: its tool needs Node.js, and scripts/node found none for this platform", file=sys.stderr)
        return
    bundle = OUTPUT / f"{wheel.name.partition('-py3')[0].replace('_', '-')}.mcpb"
    pack(assemble(wheel, scratch / "bundle"), bundle)
    _show([try_out(bundle, scratch / "extension", {})])


def _show(steps: Iterable[Step]) -> None:
    for step in steps:
        print(f"{step.seconds:7.2f} s  {step.what:<42} {step.seen}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
