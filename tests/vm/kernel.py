# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the checks on what mm/oom_kill.c does beyond choosing the largest: who dies with a victim,
who is spared, who is waited for, victims that cannot die. A step of the case is one of its rules.
"""

from __future__ import annotations

import re

import report
from checks import Checks, check_daemon, check_neighbours, show
from facts import Facts, Signal
from operations import said

# How soon the memory of a victim that cannot die has to be back.
BACK_USEC = 1_000_000

# Step: who is signalled in it, by the names of the case's loads; and who outlives it.
VICTIMS = {
    "sharers": ["sharers"],
    "zombie": ["zombie"],
    "vforker": ["vforker"],
    "group": ["group", "member0", "member1"],
    "frozen-v2": ["frozen2"],
    "dump": ["dump"],
    "stuck": ["stuck"],
    "frozen1": ["frozen1"],
    "thawed": ["thawed"],
    "adopted": ["adopted"],
    "kernel": [],
    "swapoff": ["swapoff"],
    "barren": [],
}
# Those who die in the end; swapoff is judged by what it says itself.
DEAD = [name for names in VICTIMS.values() for name in names if name != "swapoff"] + ["kernel"]
ALIVE = ["push", "spared", "ballast", "stuck", "frozen1", "bystander", "swapped", "filler"]

# Step: which entry says what about it.
WORDS = {
    "sharers": ("SIGNAL", r"Sent SIG\w+ to process \d+ \(sharers?\).* and 2 more that share its "
                          r"memory$"),
    "zombie": ("SIGNAL", r"process \d+ \(zombie\).*, its memory read from thread \d+: its leader "
                         r"has exited$"),
    "vforker": ("SIGNAL", r"process \d+ \(vforker\).* and 1 more that shares its memory$"),
    "group": ("GROUP", r"^Tasks in /vmgroup are going to be killed due to memory\.oom\.group set: "
                       r"2 more than process \d+$"),
    "stuck": ("KILL", r"^reaped process \d+ \(stuck\) \[stuck\.service\]: it does not die and is "
                      r"put aside, in state D, waiting in \w+"),
    "frozen1": ("GROUP", r"^process \d+ is frozen and cannot die before it is thawed: "),
    "thawed": ("GROUP", r"^the frozen control group of process \d+ was thawed until it was dead$"),
    "swapoff": ("SIGNAL", r"process \d+ \(swapoff\).*, taken first because it is in swapoff$"),
    "barren": ("BARREN", r"no process can be killed: .*shared memory and tmpfs hold [5-9]\d\d"),
}


def signals_in(facts: Facts, step: str) -> list[Signal]:
    start, end = facts.step(step) or (0, 0)
    return [entry for entry in facts.daemon_signals()
            if start <= entry.at_usec < end and entry.comm != "reapd-drill"]


def pids_of(facts: Facts, load: str) -> set[int]:
    """All processes of a load: what the case noted of its cgroup, else its first."""
    noted = facts.notes.get(f"pids_{load}", "").split()
    return {int(pid) for pid in noted} or {facts.pid(load)}


def check_back_soon(facts: Facts, checks: Checks, step: str) -> None:
    """What cannot die gives its memory back all the same, through process_mrelease."""
    # SIGTERM does not reach one that is frozen in the v1 hierarchy: it counts from SIGKILL.
    signals = signals_in(facts, step)[-1:]
    wanted = facts.number("mem_total_kib") * 25 // 100
    back = facts.back_usec(wanted, signals[0].at_usec) if signals else None
    checks.that(back is not None and back - signals[0].at_usec < BACK_USEC,
                f"{step}: its memory is back within a second",
                f"signal at {signals[0].at_usec if signals else '-'}, back at {back}")
    if back is not None:
        checks.figure(f"{step}: signal to memory back, ms", (back - signals[0].at_usec) / 1000)


def check_fields(facts: Facts, checks: Checks) -> None:
    """What the entries say in their fields about who shares, and which thread was read."""
    for step, wanted in {"sharers": "2", "vforker": "1", "zombie": "0"}.items():
        kills = [entry for entry in facts.said(step)
                 if entry.get("MESSAGE_ID") == report.message_ids()["KILL"]]
        checks.that(len(kills) == 1 and kills[0].get("REAPD_SHARERS") == wanted
                    and kills[0].get("REAPD_OUTCOME") == "settled"
                    and int(kills[0].get("REAPD_VICTIM_PID", "0")) in pids_of(facts, step),
                    f"{step}: one KILL entry, with {wanted} who share its memory",
                    show(entry["MESSAGE"] for entry in kills))
        same = [entry.get("REAPD_VICTIM_TID") == entry.get("REAPD_VICTIM_PID") for entry in kills]
        checks.that(same == [step != "zombie"], f"{step}: and the thread that was read", same)


def check_semantics(facts: Facts, checks: Checks) -> None:
    checks.that(facts.status == 0 and not facts.failures, "the case ran to its end",
                show(facts.failures) if facts.failures else f"status {facts.status}")
    checks.that(facts.trace_lost == 0, "the trace is whole", f"{facts.trace_lost} events lost")
    for step, loads in VICTIMS.items():
        wanted = set().union(*(pids_of(facts, load) for load in loads))
        signals = signals_in(facts, step)
        checks.that({entry.pid for entry in signals} == wanted and facts.step(step) is not None,
                    f"{step}: the daemon signalled {', '.join(loads) or 'nobody'} and no other",
                    show([f"expected {sorted(wanted)}", *signals]))
    for name in DEAD:
        checks.that(facts.notes.get(f"dead_{name}") == "yes", f"{name} died in the end",
                    facts.notes.get(f"dead_{name}"))
    for name in ALIVE:
        checks.that(facts.alive(name), f"{name} outlived its step",
                    facts.notes.get(f"alive_{name}"))
    check_neighbours(facts, checks)
    for step, (kind, pattern) in WORDS.items():
        lines = said(facts, step, kind)
        checks.that(len(lines) == 1 and re.search(pattern, lines[0]) is not None,
                    f"{step}: it is said once, as {kind}", show(lines))
    check_fields(facts, checks)
    for step in ("stuck", "frozen1", "thawed", "adopted"):
        check_back_soon(facts, checks, step)
    checks.that(facts.notes.get("thawed_state") == "1", "thawed: its group is frozen again",
                facts.notes.get("thawed_state"))
    checks.that(not said(facts, "adopted", "SIGNAL"), "adopted: nothing is said of a signal",
                show(said(facts, "adopted")))
    killed = facts.kernel_lines("Killed process")
    checks.that(facts.oom_kills == 1 and len(killed) == 1 and "(kernel)" in killed[0],
                "the kernel killed whom it was told to, and nobody else", show(killed))
    checks.that(facts.notes.get("swapoff_status") not in (None, "0")
                and facts.number("swap_before_kib") == facts.number("swap_after_kib") > 0,
                "swapoff: it failed, and the swap is there as before",
                show([facts.notes.get("swapoff_status"), facts.notes.get("swap_before_kib"),
                      facts.notes.get("swap_after_kib")]))
    lines = (facts.folder / "init.txt").read_text(errors="replace").splitlines()
    aside = [line for line in lines
             if re.search(r"process 2 \(sharer\) cannot be killed and is put aside: its memory is "
                          r"init's too", line)]
    checks.that(len(aside) == 1 and facts.notes.get("init_status") == "0",
                "init: whoever shares its memory is put aside, said, and lives",
                show([f"status {facts.notes.get('init_status')}", *lines]))
    check_daemon(facts, checks)
