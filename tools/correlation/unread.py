"""What could not be read, in as few lines as say all of it: reads that failed alike stand in one line."""

from collections.abc import Iterable

from terway_mcp.cluster.coverage import Coverage, Grantable

_NAMED = 5


def in_brief(reads: Iterable[Coverage]) -> list[str]:
    """One line for each permission to grant, with all its resources, and one for each other kind of failure."""
    grants: dict[tuple[str, str], list[str]] = {}
    others: dict[tuple[str, str], list[str]] = {}
    for read in reads:
        wanted = Grantable.of(read.detail)
        if wanted is not None:
            grants.setdefault((wanted.verb, wanted.namespace), []).append(wanted.resource)
        else:
            others.setdefault((read.outcome, read.detail), []).append(read.what)
    return [
        *(_permission(verb, namespace, resources) for (verb, namespace), resources in grants.items()),
        *(_failure(outcome, detail, reads) for (outcome, detail), reads in others.items()),
    ]


def _permission(verb: str, namespace: str, resources: list[str]) -> str:
    return f"forbidden: {Grantable(verb, ', '.join(dict.fromkeys(resources)), namespace).words.partition(' ')[2]}"


def _failure(outcome: str, detail: str, reads: list[str]) -> str:
    more = f" and {len(reads) - _NAMED} more" if len(reads) > _NAMED else ""
    why = f" ({detail})" if detail else ""
    return f"{'; '.join(reads[:_NAMED])}{more}: {outcome}{why}"
