"""The built-in demos, and where their committed archives are."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from ..errors import InvalidInput
from .cni_not_initialized import cni_not_initialized
from .healthy import healthy
from .scenario import Scenario
from .vswitch_exhausted import vswitch_exhausted
from .world import World

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (vswitch_exhausted(World()), cni_not_initialized(World()), healthy(World()))
    }
)
"""The demos by name; the first one is the default."""

_HOME = Path(__file__).parent


def bundle_path(name: str) -> Path:
    """The archive of a demo."""
    if name not in SCENARIOS:
        raise InvalidInput(f"no scenario called {name!r}; there are {', '.join(SCENARIOS)}")
    return _HOME / f"{name}.tar.gz"


def write_all(folder: Path = _HOME) -> list[Path]:
    """Make every demo's archive anew."""
    return [scenario.build().write(folder / f"{name}.tar.gz") for name, scenario in SCENARIOS.items()]
