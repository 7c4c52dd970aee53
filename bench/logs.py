"""Scanning a log, beside reading the same bytes with the same client and doing nothing with them.

Server and readers are processes of their own.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

import msgspec

from bench import big_cluster, big_log
from bench.identity import Identity, issue
from bench.log_reader import Reading
from bench.result import Result, Row
from bench.serving import ROOT, served

_PLAIN = "Without TLS {size:,} MB are read raw at {raw:,.0f} MB/s and scanned at {scan:,.0f} MB/s, {ratio:.2f} of that."


def measure(megabytes: Sequence[int], repeats: int) -> Result:
    """Logs of these sizes over TLS, as a real API server serves them; the last but one also without."""
    result = Result("logs", "Throughput of reading a log, by its size", "MB", "MB/s", ["raw MB/s", "scan MB/s"])
    with tempfile.TemporaryDirectory() as folder:
        identity = issue(Path(folder))
        for size in megabytes:
            result.rows.append(_row(f"{size:,} MB", size, repeats, identity))
    size = megabytes[-2]
    plain = _row("", size, repeats, None).values
    result.notes.append(_PLAIN.format(size=size, raw=plain["raw MB/s"], scan=plain["scan MB/s"], ratio=plain["ratio"]))
    return result


def _row(case: str, size: int, repeats: int, identity: Identity | None) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        cluster = big_cluster.write(Path(folder), nodes=1)
        told = big_log.write(cluster.log, size * 1_000_000)
        with served(cluster.path, identity) as api:
            reads = [read(mode, api.url, cluster.daemon, identity) for _ in range(repeats) for mode in ("raw", "scan")]
    raw, scans = reads[::2], reads[1::2]
    if any(each.matched != told for each in scans):
        raise RuntimeError(f"{scans[0].matched} of {told} records were found")
    # The median of the pairs, each measured back to back, not the ratio of two medians.
    pairs = list(zip(raw, scans, strict=True))
    values = {
        "raw MB/s": median(each.bytes / each.seconds / 1e6 for each in raw),
        "scan MB/s": median(each.bytes / each.seconds / 1e6 for each in scans),
        "ratio": median(one.seconds / other.seconds for one, other in pairs),
        "processor ratio": median(one.processor_seconds / other.processor_seconds for one, other in pairs),
        "raw peak MiB": max(each.peak_mib for each in raw),
        "scan peak MiB": max(each.peak_mib for each in scans),
        "records found": told,
    }
    return Row(case, values, size)


def read(mode: str, url: str, pod: str, identity: Identity | None = None) -> Reading:
    """One read in a new process."""
    command = [sys.executable, "-m", "bench.log_reader", mode, url, pod]
    command += [str(identity.authority)] if identity else []
    run = partial(subprocess.run, capture_output=True, check=True, cwd=ROOT)
    return msgspec.json.decode(run(command).stdout, type=Reading)
