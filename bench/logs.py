"""Scanning a log, beside reading the same bytes with the same client and doing nothing with them."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

import msgspec

from bench import big_cluster, big_log
from bench.log_reader import Reading
from bench.machine import slowdown_of_two
from bench.result import Result, Row
from bench.serving import ROOT, served


def measure(megabytes: Sequence[int], repeats: int) -> Result:
    """Logs of these sizes, served by another process, each read in a process of its own."""
    result = Result("logs", "Throughput of reading a log, by its size", "MB", "MB/s", ["raw MB/s", "scan MB/s"])
    for size in megabytes:
        with tempfile.TemporaryDirectory() as folder:
            cluster = big_cluster.write(Path(folder), nodes=1)
            told = big_log.write(cluster.log, size * 1_000_000)
            with served(cluster.path) as api:
                reads = [(read(mode, api.url, cluster.daemon)) for _ in range(repeats) for mode in ("raw", "scan")]
        raw, scans = reads[::2], reads[1::2]
        if any(each.matched != told for each in scans):
            raise RuntimeError(f"{scans[0].matched} of {told} records were found")
        raw_rate, scan_rate = (median(each.bytes / each.seconds / 1e6 for each in some) for some in (raw, scans))
        # The median of the pairs, each measured back to back, not the ratio of two medians.
        ratio = median(one.seconds / other.seconds for one, other in zip(raw, scans, strict=True))
        values = {
            "raw MB/s": raw_rate,
            "scan MB/s": scan_rate,
            "ratio": ratio,
            "raw peak MiB": max(each.peak_mib for each in raw),
            "scan peak MiB": max(each.peak_mib for each in scans),
            "records found": told,
        }
        result.rows.append(Row(f"{size:,} MB", values, size))
    result.notes.append(
        f"Two busy processes at once took {slowdown_of_two():.2f} times as long as one on this machine: where that is "
        "1, receiving and searching overlap, where it is 2, they add up, and so does the server's own work."
    )
    return result


def read(mode: str, url: str, pod: str) -> Reading:
    """One read in a new process."""
    command = [sys.executable, "-m", "bench.log_reader", mode, url, pod]
    run = partial(subprocess.run, capture_output=True, check=True, cwd=ROOT)
    return msgspec.json.decode(run(command).stdout, type=Reading)
