"""One investigation as a tool sees it: its ledger, and the setting a judgement needs."""

from collections.abc import Set

import msgspec

from terway_mcp.knowledge.redaction import disarmed
from terway_mcp.knowledge.sealing import masked
from terway_mcp.server.state import State
from terway_mcp.server.store import Store
from terway_mcp.tools.correlation.current import CHANGED
from terway_mcp.tools.correlation.judgement import Setting
from terway_mcp.tools.evidence import Evidence, Fact, Noted

_FACT_TEXT = 600
_FACT_DATA = 2000


class InvestigationLedger:
    """`Ledger` over a store; facts are cleaned and redacted before they are kept, and hidden once withdrawn.

    `noted` is the evidence that was recorded through it.
    """

    def __init__(self, store: Store, investigation: str, withdrawn: Set[str] = frozenset()) -> None:
        self._store = store
        self._investigation = investigation
        self._withdrawn = withdrawn
        self.noted: list[str] = []

    async def record(self, facts: list[Fact]) -> list[Noted]:
        """See `Ledger`."""
        noted = await self._store.record(self._investigation, [_safe(fact) for fact in facts])
        self.noted += [entry.id for entry in noted]
        return noted

    async def evidence(self) -> list[Evidence]:
        """See `Ledger`."""
        kept = self._withdrawn - set(self.noted)
        return [entry for entry in await self._store.evidence(self._investigation) if entry.id not in kept]


def no_longer_so(before: list[str], noted: list[str], ledger: list[Evidence], answered: Set[str]) -> list[str]:
    """What an equal call had noted before and this one, which read the same again, did not.

    Events, logs and changes have happened all the same. Only what rests on a request that was `answered` this time
    is withdrawn; what rests on several names none, which is answered ("") when everything was.
    """
    lasting = [entry for entry in ledger if entry.fact.kind in ("status", "config") and entry.fact.name != CHANGED]
    sources = {entry.id: entry.fact.source for entry in lasting}
    return [known for known in before if known not in noted and sources.get(known) in answered]


def setting(state: State) -> Setting:
    """What a judgement must know of how the investigation was conducted."""
    skipped = tuple(skip.claim for skip in state.skips)
    missing = []
    if state.cluster.get("controlplane") == "hosted":
        missing.append("logs of the controlplane: it is hosted outside the cluster")
    target = state.focus()
    if (state.marks("inspect_pod", f"pod/{target.namespace}/{target.name}") or {}).get("missing"):
        missing.append(f"pod {target.namespace}/{target.name} is gone: what is told of it is from before")
    return Setting(target, str(state.cluster.get("version", "")), skipped, tuple(missing))


def _safe(fact: Fact) -> Fact:
    data = masked(fact.data, lambda text: disarmed(text, _FACT_DATA))
    text, group = disarmed(fact.text, _FACT_TEXT), disarmed(fact.group, _FACT_DATA)
    return msgspec.structs.replace(fact, text=text, group=group, data=data)
