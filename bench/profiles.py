"""Where the time of the two most expensive jobs goes, by the functions that spend it."""

import cProfile
import pstats
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import big_cluster, big_log
from bench.result import Result, Row, side_by_side
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.tools.log_filters import telling_filter
from terway_mcp.tools.log_scan import LogScan

_MEGABYTES = 50
_BLOCK = 64 * 1024
_SHOWN = 8
_UNTELLING = b"a line of a log in which everything is as it should be, always.\n"


def of_a_scan() -> Result:
    """Searching a log that is in memory already: what is left of a scan when receiving costs nothing."""
    wanted = telling_filter(Knowledge.load(), "log")
    with tempfile.TemporaryDirectory() as folder:
        cluster = big_cluster.write(Path(folder), nodes=1)
        big_log.write(cluster.log, _MEGABYTES * 1_000_000)
        data = cluster.log.read_bytes()

    def scan() -> None:
        found = LogScan(wanted)
        for start in range(0, len(data), _BLOCK):
            found.feed(data[start : start + _BLOCK])
        found.close()

    quiet = _UNTELLING * (len(data) // len(_UNTELLING))
    ((whole, _), (automaton, _)) = side_by_side(3, scan, lambda: wanted.coarse.search(quiet))
    result = _profiled("scan-profile", f"Where the time of scanning {len(data) / 1e6:.0f} MB goes", scan)
    rates = [len(data) / 1e6 / seconds for seconds in (whole, automaton)]
    result.notes.append(
        f"From memory {rates[0]:,.0f} MB/s are scanned; RE2's automaton, one table look-up for each byte, passes over "
        f"{rates[1]:,.0f} MB/s of text that holds nothing of interest."
    )
    return result


def _profiled(job: str, title: str, work: Callable[[], None]) -> Result:
    work()
    profile = cProfile.Profile()
    profile.runcall(work)
    stats = pstats.Stats(profile).get_stats_profile()
    whole = sum(each.tottime for each in stats.func_profiles.values()) or 1
    spent = sorted(stats.func_profiles.items(), key=lambda pair: -pair[1].tottime)[:_SHOWN]
    result = Result(job, title, "", "%", [])
    for name, each in spent:
        place = Path(each.file_name)
        where = f"{place.parent.name}/{place.name}: " if each.file_name != "~" else ""
        result.rows.append(Row(f"{where}{name}", {"% of the time": 100 * each.tottime / whole}))
    return result
