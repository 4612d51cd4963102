# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns what a check is, and the checks that many cases share: who was killed and by whom, who
lives, whether memory came back, whether the daemon is still what it was.

A check names one thing that must be so and says what was found instead. The same checks judge
every daemon; with none at all they must fail, which is how they show that they can. What only
reapd promises (its journal) is in report.py.
"""

from __future__ import annotations

import typing

from facts import Facts, Signal

SIGTERM, SIGKILL = 15, 9
LIMIT_PERCENT = 10
BACK_PERCENT = 90


class Checks:
    """Collects results as TAP, numbered through all runs of a command, and figures to print."""

    total = 0

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self.figures: dict[str, float] = {}

    def that(self, condition: bool, name: str, found: object = "") -> bool:
        if condition:
            self.passed += 1
        else:
            self.failed += 1
        Checks.total += 1
        print(f"{'ok' if condition else 'not ok'} {Checks.total} - {name}")
        if not condition and str(found):
            for line in str(found).splitlines():
                print(f"#   found: {line}")
        return condition

    def figure(self, name: str, value: float | None) -> None:
        if value is not None:
            self.figures[name] = value
            print(f"# {name}: {value:.1f}")


def show(entries: typing.Iterable[object]) -> str:
    return "\n".join(map(str, entries)) or "none"


def check_ran(facts: Facts, checks: Checks) -> None:
    checks.that(facts.status == 0 and not facts.failures, "the case ran to its end",
                show(facts.failures) if facts.failures else f"status {facts.status}")
    checks.that(facts.trace_lost == 0, "the trace is whole", f"{facts.trace_lost} events lost")
    checks.that(len(facts.samples) > 100, "the referee sampled", f"{len(facts.samples)} samples")
    checks.figure("referee: longest time between samples, ms", facts.sample_lateness_usec / 1000)


def check_kernel_idle(facts: Facts, checks: Checks) -> None:
    kills = facts.kernel_lines("Killed process")
    checks.that(facts.oom_kills == 0 and not kills, "the kernel killed nobody",
                f"oom_kill moved by {facts.oom_kills}\n{show(kills)}")


def check_neighbours(facts: Facts, checks: Checks) -> None:
    for name in ("neighbour", "protected"):
        checks.that(facts.alive(name), f"{name} lives", show(facts.signals_to(facts.pid(name))))
        gap = facts.gaps(name).get("worst_gap_usec")
        checks.figure(f"{name}: longest stall, ms", gap / 1000 if gap is not None else None)


def check_daemon(facts: Facts, checks: Checks) -> None:
    """The daemon is the process it was, and never failed in between."""
    before, after = facts.unit("daemon-start"), facts.unit("daemon-end")
    for key in ("MainPID", "NRestarts", "InvocationID", "ActiveState"):
        checks.that(bool(before) and before.get(key) == after.get(key), f"daemon: {key} unchanged",
                    f"{before.get(key)} before, {after.get(key)} after")


def check_victim(facts: Facts, checks: Checks, load: str = "leak") -> Signal | None:
    """The load died, by the daemon's signal and nobody else's; no other process got one.
    Returns the first signal of the daemon to it."""
    pid = facts.pid(load)
    checks.that(facts.notes.get(f"dead_{load}") == "yes" and facts.exit_usec(pid) is not None,
                f"{load} died", f"dead: {facts.notes.get(f'dead_{load}')}")
    received = facts.signals_to(pid)
    own = [entry for entry in received if facts.sent_by_daemon(entry)]
    checks.that(bool(own) and own == received, f"{load} died by the daemon's signal alone",
                show(received))
    strangers = [entry for entry in facts.daemon_signals() if entry.pid != pid]
    checks.that(not strangers, "the daemon signalled nobody else", show(strangers))
    return own[0] if own else None


def check_back(facts: Facts, checks: Checks, signal: Signal | None) -> None:
    """Memory came back, and how long after the crossing of the limit each step was."""
    start = facts.number("load_start_usec")
    before = facts.number("available_before_kib")
    limit = facts.number("mem_total_kib") * LIMIT_PERCENT // 100
    crossing = facts.crossing_usec(limit, start)
    checks.that(crossing is not None, f"available memory fell to {LIMIT_PERCENT} %")
    lowest = min((sample.available_kib for sample in facts.since(start)), default=0)
    checks.figure("lowest available, MiB", lowest / 1024)
    if not checks.that(signal is not None and crossing is not None, "memory came back",
                       "no signal of the daemon to count from"):
        return
    low = facts.at(signal.at_usec)
    back = facts.back_usec(low.available_kib + (before - low.available_kib) * BACK_PERCENT // 100,
                           signal.at_usec)
    if not checks.that(back is not None, f"{BACK_PERCENT} % of it within the case",
                       f"{facts.samples[-1].available_kib} of {before} KiB"):
        return
    dead = facts.exit_usec(signal.pid)
    swap = facts.number("swap_total_kib")
    if swap > 0:
        both = next((sample.at_usec for sample in facts.since(start)
                     if sample.available_kib <= limit
                     and sample.swap_free_kib <= swap * LIMIT_PERCENT // 100), None)
        checks.figure("swap free at the signal, MiB", low.swap_free_kib / 1024)
        if both is not None:
            checks.figure("crossing of swap too to signal, ms", (signal.at_usec - both) / 1000)
            checks.figure("crossing of swap too to memory back, ms", (back - both) / 1000)
    checks.figure("available at the signal, MiB", low.available_kib / 1024)
    checks.figure("crossing to signal, ms", (signal.at_usec - crossing) / 1000)
    checks.figure("crossing to memory back, ms", (back - crossing) / 1000)
    checks.figure("signal to memory back, ms", (back - signal.at_usec) / 1000)
    checks.figure("signal to exit, ms", (dead - signal.at_usec) / 1000 if dead else None)
