# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the list of the arena's cells: for each a workload, a machine, and what is right there and why.

Not the whole product of workloads and machines, but each workload and each machine several times,
where they make a difference to each other.
"""

from __future__ import annotations

import dataclasses
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vm"))

from guest import Boot  # noqa: E402

SETUPS = {
    "none": {"swap": "none"},
    "disk": {"swap": "disk", "swap_mib": 512},
    "slow": {"swap": "slow", "swap_mib": 1024, "slow_iops": 400, "slow_bytes_per_second": 20 << 20},
    # The same drive, with files on it and no swap.
    "files": {"swap": "slow", "swap_mib": 1024, "slow_iops": 400,
              "slow_bytes_per_second": 20 << 20},
    "zram": {"swap": "zram", "swap_mib": 512},
    "zram-large": {"swap": "zram", "swap_mib": 2048},
    "zswap": {"swap": "zswap", "swap_mib": 512},
}


@dataclasses.dataclass(frozen=True)
class Cell:
    work: str  # words of cell.sh
    setup: str
    memory_mib: int
    must: tuple[str, ...]  # who has to die
    why: str
    may: tuple[str, ...] = ()  # and who may beside
    may_when_stuck: tuple[str, ...] = ()  # the same, but only once the bystander was stuck
    peers: bool = False  # whether the other daemons are measured too

    @property
    def many(self) -> bool:
        """Of many processes, of whom a daemon need not end all."""
        return self.work.startswith("children ")

    @property
    def machine(self) -> Boot:
        return Boot(memory_mib=self.memory_mib, **SETUPS[self.setup])


LEAK = "the leak is what takes the memory"
NOBODY = "nobody has to die for it"

CELLS = {}


def add(name: str, work: str, must: str, why: str, setups: str = "none", memory_mib: int = 1024,
        may: str = "", may_when_stuck: str = "", peers: str = "") -> None:
    for setup in setups.split():
        CELLS[f"{name}-{setup}"] = Cell(work, setup, memory_mib, tuple(must.split()), why,
                                        tuple(may.split()), tuple(may_when_stuck.split()),
                                        setup in peers.split())


# Leaks at several rates, on every machine.
add("leak-20", "leak 20", "leak", LEAK, "none disk zram")
add("leak-100", "leak 100", "leak", LEAK, "none disk slow zram zram-large zswap",
    peers="none disk zram zram-large")
add("leak-400", "leak 400", "leak", LEAK, "none disk zram", peers="none")
add("leak-100-2g", "leak 100", "leak", LEAK, "none disk", memory_mib=2048)
add("leak-400-2g", "leak 400", "leak", LEAK, "none zram", memory_mib=2048)
# What can be compressed costs zram next to nothing, until it is full.
add("same-100", "leak 100 const", "leak", LEAK, "disk zram zram-large zswap", peers="zram")

add("burst", "burst", "leak", "what was calm for long is no reason to be slow",
    "none disk zram", peers="none", may="hold")
add("burst-2g", "burst", "leak", "what was calm for long is no reason to be slow", "none",
    memory_mib=2048, may="hold")

add("children-32", "children 64 32", "leak", "they are one job, though each is small",
    "none disk zram", peers="none")
add("children-200", "children 64 200", "leak", "they are one job, though each is small",
    "none disk", peers="none")

add("threads-100", "threads 100", "leak", LEAK, "none zram", peers="none")
add("threads-400", "threads 400", "leak", LEAK, "none disk")

# More is needed than there is, with swap for all of it.
add("hot", "hot 1100", "hot", "it makes everybody lose his time, and half of swap stays free",
    "slow", peers="slow")
add("hot-zram", "hot 1000", "hot", "what it needs does not fit, compressed or not", "zram")
add("mapped", "mapped 300 120", "holder", "who leaves nothing for the files that are needed",
    "files", peers="files", may="reader")
# The same with so much left that 15 % count as available, though every file in it is needed.
add("mapped-140", "mapped 300 140", "holder", "who leaves nothing for the files that are needed",
    "files", may="reader")

add("stuck", "stuck", "leak", "its memory can be had, if not its end", "none", peers="none")
add("deaf", "deaf ignore", "leak", "it ignores SIGTERM", "none disk", peers="none")
add("outlives", "deaf catch", "leak", "SIGTERM was not enough", "none")
add("zombie", "zombie", "leak", "its first thread has ended, and it holds all its memory",
    "none disk", peers="none")
add("locked-100", "locked 100", "leak", "swap stays free, and can take nothing of it", "disk",
    peers="disk")
add("kept-100", "kept 100", "leak", "swap stays free, and it may not use any", "disk",
    peers="disk")
add("offered", "offered", "leak", "whom its owner has offered is not the reason",
    "none disk", peers="none")

# False alarms.
add("files", "files", "", "who fills it at most: what a tmpfs holds is no process's",
    "none disk", may="writer dd", peers="none")
add("stream", "stream", "", NOBODY, "none disk slow", peers="slow")
add("reread", "reread 400 100", "", "who reads a file in a circle only keeps itself waiting", "files")
add("reread-200", "reread 400 200", "", "who reads a file in a circle only keeps itself waiting", "files")
add("balloon", "balloon", "", NOBODY, "none disk zram")
add("balloon-2g", "balloon", "", NOBODY, "none", memory_mib=2048)
add("cold", "cold 150", "", NOBODY, "disk zram zram-large zswap", peers="disk")
# Whose drive is that slow takes seconds to get the bystander's memory in again, if some of it went there
# too. If not, nobody waits but who pushes.
add("cold", "cold 150", "", "nobody has to die for it while nobody else is stuck", "slow",
    may_when_stuck="pusher", peers="slow")
add("cold-kept", "cold 150 kept", "", NOBODY, "slow", peers="slow")
add("cold-both", "cold 150 kept both", "", NOBODY, "slow")
add("jobs", "jobs 4 60", "", NOBODY, "none disk zram", peers="none")
add("spike", "spike", "", NOBODY, "none")
add("throttled", "throttled", "", NOBODY, "none disk", peers="none")
