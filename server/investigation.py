"""One investigation as a tool sees it: its ledger, and the setting a judgement needs."""

import msgspec

from terway_mcp.knowledge.redaction import clean, redact
from terway_mcp.knowledge.sealing import masked
from terway_mcp.server.state import State
from terway_mcp.server.store import Store
from terway_mcp.tools.correlation.judgement import Setting
from terway_mcp.tools.evidence import Evidence, Fact, Noted

_FACT_TEXT = 600
_FACT_DATA = 2000


class InvestigationLedger:
    """`Ledger` over a store; facts are cleaned and redacted before they are kept."""

    def __init__(self, store: Store, investigation: str) -> None:
        self._store = store
        self._investigation = investigation

    async def record(self, facts: list[Fact]) -> list[Noted]:
        """See `Ledger`."""
        return await self._store.record(self._investigation, [_safe(fact) for fact in facts])

    async def evidence(self) -> list[Evidence]:
        """See `Ledger`."""
        return await self._store.evidence(self._investigation)


def setting(state: State) -> Setting:
    """What a judgement must know of how the investigation was conducted."""
    skipped = tuple(f"{skip.missing} (before {skip.tool}; the caller says: {skip.reason})" for skip in state.skips)
    missing = []
    if state.cluster.get("controlplane") == "hosted":
        missing.append("logs of the controlplane: it is hosted outside the cluster")
    return Setting(state.focus(), str(state.cluster.get("version", "")), skipped, tuple(missing))


def _safe(fact: Fact) -> Fact:
    data = masked(fact.data, lambda text: clean(redact(text), _FACT_DATA))
    text, group = clean(redact(fact.text), _FACT_TEXT), redact(fact.group)
    return msgspec.structs.replace(fact, text=text, group=group, data=data)
