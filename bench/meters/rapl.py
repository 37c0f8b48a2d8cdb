"""Energy of the CPU packages by RAPL, Intel's and AMD's running average power limit counters.

Source: Linux kernel documentation, "Power Capping Framework": `energy_uj` counts microjoules and returns to zero
after `max_energy_range_uj`.
"""

from __future__ import annotations

from pathlib import Path

from bench.errors import BenchError

POWERCAP = Path("/sys/class/powercap")


class RaplError(BenchError):
    """The counters are not there or may not be read."""


class RaplCounter:
    """Joules of all CPU packages since this object was made; read it more often than the counters wrap.

    At 150 W a counter wraps after about half an hour.

    Raises:
        RaplError: there is no readable package counter.
    """

    def __init__(self) -> None:
        packages = [zone for zone in sorted(POWERCAP.glob("intel-rapl:*")) if _is_package(zone)]
        if not packages:
            raise RaplError(f"the CPU's energy is unknown because {POWERCAP} has no RAPL package counter")
        self._ranges = {zone: _read(zone / "max_energy_range_uj") for zone in packages}
        self._last = {zone: _read(zone / "energy_uj") for zone in packages}
        self._microjoules = 0

    def joules(self) -> float:
        """Joules so far; a counter smaller than at the last call has wrapped once."""
        for zone, last in self._last.items():
            now = _read(zone / "energy_uj")
            self._microjoules += now - last if now >= last else now - last + self._ranges[zone]
            self._last[zone] = now
        return self._microjoules * 1e-6


def _is_package(zone: Path) -> bool:
    # subzones (core, dram) and psys count the same joules again
    name = zone / "name"
    return zone.name.count(":") == 1 and name.is_file() and name.read_text().startswith("package")


def _read(path: Path) -> int:
    try:
        return int(path.read_text())
    except OSError as error:
        raise RaplError(
            f"the CPU's energy is unknown because {path} cannot be read ({error.strerror});"
            " an administrator can allow it with chmod a+r"
        ) from None
