# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the score of a cell: from what the guest reported, the one line that is kept of it."""

from __future__ import annotations

import cells  # noqa: F401 (the path of the vm suite)
from facts import Facts, Signal

FATAL = (9, 15)
SHORT_PERCENT = 10
BACK_PERCENT = 90
ENOUGH_PERCENT = 15
# The bystander was stuck when it had lost a quarter of its time for so long at a stretch: half of the
# time after which a daemon has to act.
STUCK_USEC = 5_000_000
BYSTANDERS = ("neighbour", "protected", "bystander")


def victims(facts: Facts) -> list[Signal]:
    """Who was ended by the daemon or by the kernel's killer, each once, in order."""
    found: dict[int, Signal] = {}
    start = facts.number("load_start_usec")
    for entry in facts.signals:
        ended = facts.sent_by_daemon(entry) or (entry.from_kernel and entry.number == 9)
        if ended and entry.number in FATAL and entry.at_usec >= start:
            found.setdefault(entry.pid, entry)
    return list(found.values())


def name_of(facts: Facts, entry: Signal) -> str:
    """A load's name where it is one: its comm may have been that of the program still."""
    for key, value in facts.notes.items():
        if key.startswith("pid_") and value == str(entry.pid):
            return key.removeprefix("pid_")
    return entry.comm


def inevitable_usec(facts: Facts) -> int | None:
    """From when on somebody had to die: a tenth of memory is left, and of swap on a disk (that on
    zram adds what only the daemon can know). Where the machine only loses its time: from when on all
    that is needed is there."""
    if facts.number("needed_usec") >= 0:
        return facts.number("needed_usec")
    memory = facts.number("mem_total_kib") * SHORT_PERCENT // 100
    swap = facts.number("swap_total_kib") * SHORT_PERCENT // 100
    on_disk = facts.notes.get("swap") in ("disk", "slow", "zswap")
    for sample in facts.since(facts.number("load_start_usec")):
        if sample.available_kib <= memory and (not on_disk or sample.swap_free_kib <= swap):
            return sample.at_usec
    return None


def back_usec(cell: cells.Cell, facts: Facts, first: Signal) -> int | None:
    low = facts.at(first.at_usec)
    before = facts.number("available_before_kib")
    if low is None:
        return None
    if cell.many:
        return facts.back_usec(facts.number("mem_total_kib") * ENOUGH_PERCENT // 100,
                               first.at_usec)
    return facts.back_usec(low.available_kib
                           + (before - low.available_kib) * BACK_PERCENT // 100, first.at_usec)


def rate(facts: Facts, key: str) -> float | None:
    before, after = facts.unit("daemon-start"), facts.unit("daemon-end")
    if key not in before or key not in after:
        return None
    return int(after[key]) - int(before[key])


def faults(cell: cells.Cell, facts: Facts, died: list[str], back: int | None,
           watched: int | None) -> list[str]:
    if facts.status != 0:  # and nobody has counted who lives
        found = ["the case did not get to its end: " + "; ".join(facts.failures)]
    else:
        found = [f"{name} died" for name in BYSTANDERS if not facts.alive(name)]
    stuck = watched is not None and watched >= STUCK_USEC
    strangers = sorted(set(died) - set(cell.must) - set(cell.may) - set(BYSTANDERS)
                       - set(cell.may_when_stuck if stuck else ()))
    found += [f"{name} died" for name in strangers]
    if facts.oom_kills > 0:
        found.append(f"the kernel killed {facts.oom_kills}")
    for name in cell.must:
        if name not in died or facts.notes.get(f"dead_{name}") == "no":
            found.append(f"{name} lives")
    if cell.must and died and back is None:
        found.append("memory did not come back")
    return found


def score(cell: cells.Cell, facts: Facts) -> dict:
    ended = victims(facts)
    died = [name_of(facts, entry) for entry in ended]
    back = back_usec(cell, facts, ended[0]) if ended else None
    inevitable = inevitable_usec(facts) if cell.must else None
    start, end = facts.number("load_start_usec"), facts.number("end_usec")
    first, last = facts.at(start), facts.at(end)
    gaps = facts.gaps("bystander")
    watched = facts.trouble_usec("bystander", start, ended[0].at_usec if ended else end)
    wrong = faults(cell, facts, died, back, watched)
    counted: dict[str, int] = {}
    for name in died:
        counted[name] = counted.get(name, 0) + 1
    cpu = rate(facts, "CPUUsageNSec")
    return {
        "right": not wrong,
        "wrong": wrong,
        "died": counted,
        "back_ms": round((back - inevitable) / 1000) if back and inevitable and back > inevitable
        else None,
        "gap_ms": round(gaps["worst_gap_usec"] / 1000) if gaps else None,
        "lost_percent": round(100 * gaps["lost_usec"] / (end - start)) if gaps and end > start
        else None,
        "watched_ms": round(watched / 1000) if watched else None,
        "some_ms": (last.some_usec - first.some_usec) // 1000 if first and last else None,
        "full_ms": (last.full_usec - first.full_usec) // 1000 if first and last else None,
        "cpu_ms": round(cpu / 1e6) if cpu is not None else None,
        "rss_kib": int(facts.unit("daemon-end").get("NoteVmRSSKiB", 0)) or None,
        "seconds": round((end - start) / 1e6, 1),
    }
