"""What the coverage-guided fuzzer runs: `python -m tests.security.fuzz_target TARGET [libFuzzer options]`."""

import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["terway_mcp"]):
    from terway_mcp.cluster.decode import decode_page, lenient_json
    from terway_mcp.cluster.naming import names_in
    from terway_mcp.knowledge.base import Knowledge
    from terway_mcp.knowledge.identifiers import identifiers
    from terway_mcp.knowledge.pseudonyms import Pseudonyms, is_system
    from terway_mcp.knowledge.redaction import clean, redact
    from terway_mcp.tools.eni_conf import check_json
    from terway_mcp.tools.log_filters import telling_filter
    from terway_mcp.tools.log_scan import LogScan

import msgspec

_SECRET = "Zq7planted9SecretXvBn"
_knowledge = Knowledge.load(())


def redaction(data: bytes) -> None:
    """A secret under a key stays hidden whatever stands before it; twice is as good as once."""
    text = data.decode("utf-8", "surrogateescape")
    once = redact(text)
    assert redact(once) == once
    assert clean(once, 200).isprintable()
    assert _SECRET not in redact(f"{text}\naccess_secret: {_SECRET}")
    identifiers(text)


def logs(data: bytes) -> None:
    """The scan ends, counts every line, and keeps no more than it may."""
    scan = LogScan(telling_filter(_knowledge, "log"), keep_lines=2, limit=10)
    for start in range(0, len(data), 61):
        scan.feed(data[start : start + 61])
    scan.close()
    assert scan.bytes == len(data)
    assert len(scan.groups()) <= 10


def configuration(data: bytes) -> None:
    """`eni_conf` is judged or refused, never trusted."""
    check = check_json(data.decode("utf-8", "replace"), "eni_conf", _knowledge)
    assert check.error or isinstance(check.values, dict)


def names(data: bytes) -> None:
    """Names are found in any answer, and known ones are nowhere in what is disguised."""
    found = names_in(data)
    text = data.decode("utf-8", "replace")
    pseudonyms = Pseudonyms(b"k" * 32, found)
    disguised = pseudonyms.text(text)
    assert not any(f" {name} " in disguised for name in found if len(name) > 1 and not is_system(name))
    pseudonyms.real(disguised)


def json(data: bytes) -> None:
    """Answers of an API server are decoded or refused with one kind of error."""
    for decode in (decode_page, lenient_json):
        try:
            decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue


_TARGETS: dict[str, Callable[[bytes], None]] = {
    "redaction": redaction, "logs": logs, "configuration": configuration, "names": names, "json": json,
}  # fmt: skip

if __name__ == "__main__":
    chosen = _TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, chosen)
    atheris.Fuzz()
