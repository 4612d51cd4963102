# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns what each case of the vm suite must prove: its machine, its guest script, its checks.

A check names one thing that must be so and says what was found instead. The same checks judge
every daemon; with none at all they must fail, which is how they show that they can.
"""

from __future__ import annotations

import dataclasses
import typing

from facts import Facts, Signal
from guest import Boot

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


@dataclasses.dataclass(frozen=True)
class Case:
    script: str
    machine: Boot
    check: typing.Callable[[Facts, Checks], None]
    about: str


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


def check_leak(facts: Facts, checks: Checks) -> None:
    check_ran(facts, checks)
    signal = check_victim(facts, checks)
    check_kernel_idle(facts, checks)
    check_neighbours(facts, checks)
    check_back(facts, checks, signal)
    check_daemon(facts, checks)


def check_leak_swap(facts: Facts, checks: Checks) -> None:
    check_leak(facts, checks)
    lowest = min((sample.swap_free_kib for sample in facts.samples), default=-1)
    checks.that(0 <= lowest < facts.number("swap_total_kib"), "there was swap, and it was used",
                f"{lowest} of {facts.number('swap_total_kib')} KiB free at the least")


def check_leak_no_psi(facts: Facts, checks: Checks) -> None:
    check_leak(facts, checks)
    checks.that(all(sample.some_usec == -1 for sample in facts.samples), "there was no PSI")


def check_term_ignored(facts: Facts, checks: Checks) -> None:
    check_leak(facts, checks)
    numbers = [entry.number for entry in facts.signals_to(facts.pid("leak"))]
    checks.that(SIGKILL in numbers, "SIGKILL in the end", numbers)
    checks.that(numbers[:1] == [SIGTERM], "SIGTERM first: the leak is slow", numbers)


def check_children(facts: Facts, checks: Checks) -> None:
    check_ran(facts, checks)
    check_kernel_idle(facts, checks)
    check_neighbours(facts, checks)
    sent = facts.daemon_signals()
    checks.that(bool(sent), "the daemon acted")
    others = [entry for entry in sent if entry.comm != "leak"]
    checks.that(not others, "the daemon signalled children only", show(others))
    checks.figure("children signalled", len({entry.pid for entry in sent}))
    checks.figure("signals sent", len(sent))
    check_daemon(facts, checks)


def check_idle(facts: Facts, checks: Checks) -> None:
    check_ran(facts, checks)
    check_kernel_idle(facts, checks)
    checks.that(facts.alive("hold200") and facts.alive("hold700"), "both loads live")
    checks.that(not facts.daemon_signals(), "the daemon signalled nobody",
                show(facts.daemon_signals()))
    for permille in (200, 700):
        checks.figure(f"in use, {permille // 10} % wanted, %",
                      facts.number(f"in_use_permille_{permille}") / 10)
    lines = [entry["MESSAGE"] for entry in facts.journal(facts.notes.get("daemon_unit", "-"))
             if facts.number("calm_start_usec") <= int(entry["__MONOTONIC_TIMESTAMP"])
             <= facts.number("busy_end_usec")]
    checks.that(not lines, "the daemon logged nothing", show(lines))
    for phase in ("calm", "busy"):
        before, after = facts.unit(f"daemon-{phase}-start"), facts.unit(f"daemon-{phase}-end")
        if not checks.that(bool(before) and bool(after), f"{phase}: the daemon was observed"):
            continue

        def rate(key: str) -> float:
            seconds = (int(after["NoteAtUSec"]) - int(before["NoteAtUSec"])) / 1e6
            return (int(after[key]) - int(before[key])) / seconds

        checks.figure(f"{phase}: CPU, ms a second", rate("CPUUsageNSec") / 1e6)
        checks.figure(f"{phase}: wake-ups a second", rate("NoteVoluntarySwitches"))
        checks.figure(f"{phase}: resident, KiB", int(after.get("NoteVmRSSKiB", "-1")))
        checks.figure(f"{phase}: resident anonymous, KiB", int(after.get("NoteRssAnonKiB", "-1")))
    check_daemon(facts, checks)


CASES = {
    "leak": Case("leak", Boot(), check_leak, "100 MB/s, no swap"),
    "leak-disk": Case("leak", Boot(swap="disk"), check_leak_swap, "100 MB/s, swap on disk"),
    "leak-slow-disk": Case("leak", Boot(swap="slow", swap_mib=128), check_leak_swap,
                           "100 MB/s, swap on a slow disk"),
    "leak-zram": Case("leak", Boot(swap="zram"), check_leak_swap,
                      "100 MB/s of data that does not compress, swap on zram"),
    "leak-no-psi": Case("leak", Boot(cmdline="psi=0"), check_leak_no_psi,
                        "100 MB/s, booted with psi=0"),
    "term-ignored": Case("term-ignored", Boot(), check_term_ignored, "30 MB/s, SIGTERM ignored"),
    "children": Case("children", Boot(memory_mib=2048), check_children,
                     "64 children leak a quarter of a MB/s each"),
    "idle": Case("idle", Boot(memory_mib=2048, timeout_seconds=420), check_idle,
                 "a minute at 20 %, a minute at 70 %"),
    "journald-stopped": Case("journald-stopped", Boot(), check_leak,
                             "100 MB/s while journald is stopped"),
}
