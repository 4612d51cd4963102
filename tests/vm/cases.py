# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the cases of the vm suite: for each its machine, its guest script, and what it must prove.

Checks that several cases share are in checks.py, those on reapd's journal in report.py, those on
reapd as a service in operations.py.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing

import report
from checks import (LIMIT_PERCENT, SIGKILL, SIGTERM, Checks, check_back, check_daemon,
                    check_kernel_idle, check_neighbours, check_ran, check_victim, show)
from control import check_control
from domains import check_domains
from facts import Facts
from guest import Boot
from kernel import check_semantics
from operations import check_bad_config, check_environment, check_operations
from parity import check_parity
from surroundings import check_surroundings

# The budgets of an idle daemon, with 20 % of 2 GiB in use: what the design promises. That of CPU is
# for a machine; where the emulator does not keep it, because its host is slow or does something else,
# the daemon may cost as much as a program that reads /proc/meminfo once a second and does nothing
# else, and a quarter more. Runs came out as 0.7 to 1.36 of the reader: how often it wakes
# follows from how fast the drill found that this guest fills its memory, 0.4 to 0.7 times a second.
CPU_MSEC_A_SECOND = 0.5
READERS = 1.25
# With 30 % left it looks more often: 2.3 ms of CPU and 1.2 wake-ups a second in place of 0.4 and 0.4.
BUSY_FACTOR = 8
WAKEUPS_A_SECOND = 1.0
RESIDENT_KIB = 4096
ANONYMOUS_KIB = 440  # 160 of them are libsystemd's and its libraries': HACKING.md
TRACE_KIB = 304  # apart from that: what TraceMemory=256K takes, against 0
# The timer's accuracy, the watchdog's and the edges of the interval: one in twenty.
WAKEUPS_TOLERANCE = 1.05

# The window of the pressure trigger, and as much again.
PRESSURE_SECONDS = 2

BENCH_PROCESSES = 10_000
# How long 64 leaking children may keep memory below the limit in one piece, while one after the
# other is killed; the case's half minute where nobody acts.
CHILDREN_SHORT_USEC = 5_000_000
# The same for a family, and how many of 64 children die in one action at least: on a host that lets
# them leak at 30 MB/s it takes ten.
FAMILY_SHORT_USEC = 3_000_000
FAMILY_SIZE = 4
# StallWindow= and half as much again.
THRASH_SECONDS = 15


@dataclasses.dataclass(frozen=True)
class Case:
    script: str
    machine: Boot
    check: typing.Callable[[Facts, Checks], None]
    about: str

PF_MEMALLOC_NOIO = 0x00080000  # include/linux/sched.h


def check_leak(facts: Facts, checks: Checks) -> None:
    check_ran(facts, checks)
    signal = check_victim(facts, checks)
    check_kernel_idle(facts, checks)
    check_neighbours(facts, checks)
    check_back(facts, checks, signal)
    check_daemon(facts, checks)
    report.check_report(facts, checks)


def check_traces(facts: Facts, checks: Checks) -> None:
    """A trace was written after the kill and one when it was asked for; their replays decide as the
    daemon did, and the kill is in them, with what was before and after it."""
    folder = facts.folder / "traces"
    modes = dict(reversed(line.rsplit(" ", 1)) for line in (folder / "modes").read_text().splitlines())
    of_kill = [path for path in modes if re.search(rf"/kill-\d+T\d+Z-{facts.pid('leak')}\.trace$",
                                                   path)]
    requested = facts.notes.get("trace_requested", "")
    checks.that(len(of_kill) == 1 and len(modes) == 3 and requested in modes,
                "traces: of the kill, and on request", show(modes))
    checks.that(all(mode == "600 reapd" for path, mode in modes.items() if path != "/var/lib/reapd"),
                "traces: are the daemon's", show(modes.items()))
    for path in (*of_kill, requested):
        name = path.rpartition("/")[2]
        remarks = (folder / f"{name}.remarks").read_text()
        steps = json.loads((folder / f"{name}.json").read_text() or '{"steps": []}')["steps"]
        actions = [step["action"] for step in steps]
        signal = next((i for i, action in enumerate(actions) if action in ("term", "kill")), 0)
        checks.that(not remarks and all(step["action"] == step["recorded"] for step in steps),
                    f"traces: {name.partition('-')[0]}: decides as the daemon did", remarks)
        checks.that(signal > 10 and "settled" in actions[signal:]
                    and steps[-1]["time"] - steps[signal]["time"] > 2_000_000,
                    "traces: the kill, what was before it and what came of it", actions)
        checks.figure(f"trace: {name.partition('-')[0]}: steps", len(steps))
        checks.figure(f"trace: {name.partition('-')[0]}: KiB",
                      (folder / name).stat().st_size / 1024)


def check_leak_explained(facts: Facts, checks: Checks) -> None:
    check_leak(facts, checks)
    if facts.notes.get("daemon") == "reapd":
        flags = int(facts.unit("daemon-end").get("NoteFlags", "0"))
        checks.that(bool(flags & PF_MEMALLOC_NOIO), "daemon: allocates without I/O", hex(flags))
        check_traces(facts, checks)
        report.check_catalog(facts, checks)


def check_leak_swap(facts: Facts, checks: Checks) -> None:
    check_leak(facts, checks)
    lowest = min((sample.swap_free_kib for sample in facts.samples), default=-1)
    checks.that(0 <= lowest < facts.number("swap_total_kib"), "there was swap, and it was used",
                f"{lowest} of {facts.number('swap_total_kib')} KiB free at the least")


def check_leak_no_psi(facts: Facts, checks: Checks) -> None:
    check_leak(facts, checks)
    checks.that(all(sample.some_usec == -1 for sample in facts.samples), "there was no PSI")


def check_term_ignored(facts: Facts, checks: Checks) -> None:
    """Nobody is asked who would not hear it: memory is back as soon as if he had."""
    check_leak(facts, checks)
    numbers = [entry.number for entry in facts.signals_to(facts.pid("leak"))]
    checks.that(numbers[:1] == [SIGKILL] and SIGTERM not in numbers, "SIGKILL at once", numbers)
    kills = report.entries(facts, "SIGNAL")
    checks.that([(entry["REAPD_LEVEL"], entry["REAPD_TERM_IGNORED"]) for entry in kills]
                == [("soft", "1")] and "because it ignores SIGTERM" in kills[0]["MESSAGE"],
                "at soft, and the reason is said", show(kills))


def check_term_outlived(facts: Facts, checks: Checks) -> None:
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
    parent = [entry for entry in sent if entry.pid == facts.pid("leak")]
    checks.that(not parent, "the children's parent got no signal", show(parent))
    limit = facts.number("mem_total_kib") * LIMIT_PERCENT // 100
    start, end = facts.number("load_start_usec"), facts.number("end_usec")
    checks.that(facts.crossing_usec(limit, start) is not None and end > start,
                f"available memory fell to {LIMIT_PERCENT} %")
    short = facts.longest_short_usec(limit, start, end)
    checks.that(short < CHILDREN_SHORT_USEC, "memory came back each time",
                f"short for {short} µs in one piece, limit {limit} KiB")
    checks.figure("longest time below the limit, ms", short / 1000)
    lowest = min((sample.available_kib for sample in facts.samples), default=0)
    checks.figure("lowest available, MiB", lowest / 1024)
    checks.figure("children signalled", len({entry.pid for entry in sent}))
    checks.figure("signals sent", len(sent))
    check_daemon(facts, checks)
    report.check_report(facts, checks)


def check_family(facts: Facts, checks: Checks) -> None:
    """Children died, a family at a time and nobody else, and memory was back each time."""
    check_ran(facts, checks)
    check_kernel_idle(facts, checks)
    check_neighbours(facts, checks)
    sent = facts.daemon_signals()
    checks.that(bool(sent), "the daemon acted")
    others = [entry for entry in sent if entry.comm != "leak" or entry.pid == facts.pid("leak")]
    checks.that(not others, "the daemon signalled children only", show(others))
    limit = facts.number("mem_total_kib") * LIMIT_PERCENT // 100
    short = facts.longest_short_usec(limit, facts.number("load_start_usec"),
                                     facts.number("end_usec"))
    checks.that(0 < short < FAMILY_SHORT_USEC, "memory was short, and came back soon",
                f"{short} µs in one piece")
    back = facts.samples[-1].available_kib if facts.samples else 0
    before = facts.number("available_before_kib")
    checks.that(back >= before * 8 // 10, "memory is back", f"{back} of {before} KiB")
    families = [entry for entry in report.entries(facts, "KILL")
                if "REAPD_FAMILY_PIDS" in entry]
    sizes = [len(entry["REAPD_FAMILY_PIDS"].split()) for entry in families]
    checks.that(max(sizes, default=0) >= FAMILY_SIZE, f"{FAMILY_SIZE} at once", sizes)
    checks.that(all(entry["REAPD_DIFFERENCE"] == "family" for entry in families),
                "and why it is not the kernel's choice is said", show(families))
    listed = {int(pid) for entry in families for pid in entry["REAPD_FAMILY_PIDS"].split()}
    strangers = listed - {entry.pid for entry in sent}
    checks.that(not strangers, "whoever is listed got a signal", sorted(strangers))
    checks.figure("longest time below the limit, ms", short / 1000)
    checks.figure("lowest available, MiB",
                  min((sample.available_kib for sample in facts.samples), default=0) / 1024)
    checks.figure("actions", len(report.entries(facts, "KILL")))
    checks.figure("children signalled", len({entry.pid for entry in sent}))
    check_daemon(facts, checks)
    report.check_report(facts, checks)


def check_journald_stopped(facts: Facts, checks: Checks) -> None:
    check_leak(facts, checks)
    checks.that(facts.number("journal_backlog") > 0, "journald's socket was full",
                facts.notes.get("journal_backlog"))


def check_pressure(facts: Facts, checks: Checks) -> None:
    """Stalls wake it: nothing else shows them, and it would look half a minute later."""
    samples = [sample for sample in facts.samples
               if sample.at_usec >= facts.number("step_pressure_usec")]
    begun = next((now.at_usec for before, now in zip(samples, samples[1:])
                  if now.some_usec - before.some_usec > 10_000), 0)
    steps = re.findall(r"^step (\d+)", (facts.folder / "pressure.trace").read_text(), re.M)
    later = [(int(step) - begun) / 1e6 for step in steps if int(step) >= begun]
    checks.that(begun > 0 and bool(later) and later[0] < PRESSURE_SECONDS,
                f"stalls wake it within {PRESSURE_SECONDS} s", f"{begun}: {later[:3]}")


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
    budgeted = facts.notes.get("daemon") == "reapd"
    if budgeted:
        check_pressure(facts, checks)
    for phase in ("calm", "busy"):
        before, after = facts.unit(f"daemon-{phase}-start"), facts.unit(f"daemon-{phase}-end")
        if not checks.that(bool(before) and bool(after), f"{phase}: the daemon was observed"):
            continue
        seconds = (int(after["NoteAtUSec"]) - int(before["NoteAtUSec"])) / 1e6

        def rate(key: str) -> float:
            return (int(after[key]) - int(before[key])) / seconds

        cpu = rate("CPUUsageNSec") / 1e6
        reader = (facts.number(f"tick_nsec_{phase}-end") -
                  facts.number(f"tick_nsec_{phase}-start")) / 1e6 / seconds
        checks.figure(f"{phase}: CPU, share of a reader's of meminfo", cpu / max(reader, 1e-9))
        factor = BUSY_FACTOR if phase == "busy" else 1
        figures = {
            "ms of CPU a second": (cpu if reader > 0 else -1,
                                   max(CPU_MSEC_A_SECOND, READERS * reader) * factor),
            "wake-ups a second": (rate("NoteVoluntarySwitches"),
                                  WAKEUPS_A_SECOND * WAKEUPS_TOLERANCE * factor),
            "resident, KiB": (int(after.get("NoteVmRSSKiB", "-1")), RESIDENT_KIB + TRACE_KIB),
            "resident anonymous, KiB": (int(after.get("NoteRssAnonKiB", "-1")),
                                        ANONYMOUS_KIB + TRACE_KIB),
        }
        for name, (value, budget) in figures.items():
            checks.figure(f"{phase}: {name}", value)
            if not budgeted:
                continue
            promise = f"{phase}: at most {budget:g} {name}"
            checks.that(0 <= value <= budget, promise, f"{value:.2f}")
    check_daemon(facts, checks)
    checks.that(facts.unit("daemon-end").get("NRestarts") == "0", "daemon: NRestarts is 0")


def check_allocations(facts: Facts, checks: Checks) -> None:
    """Nothing allocated and nothing read from disk, in every way to a signal; and the two
    stretches in which that was injected are told apart from it."""
    check_ran(facts, checks)
    check_kernel_idle(facts, checks)
    check_neighbours(facts, checks)
    wanted = {"term": [SIGTERM], "escalate": [SIGTERM, SIGKILL], "atonce": [SIGKILL]}
    for name, numbers in wanted.items():
        pid = facts.pid(name)
        own = [entry for entry in facts.signals_to(pid) if facts.sent_by_daemon(entry)]
        checks.that([entry.number for entry in own] == numbers and
                    facts.notes.get(f"dead_{name}") == "yes",
                    f"{name}: died by {' and '.join(map(str, numbers))}", show(own))
        lines = interposed(facts, name)
        checks.that([int(line["signal"]) for line in lines] == numbers,
                    f"{name}: each signal was measured", show(lines))
        for key in ("allocations", "frees", "maps"):
            found = [int(line[key]) for line in lines]
            checks.that(bool(found) and not any(found), f"{name}: {key} 0", found)
        found = [int(line["major"]) for line in lines]
        checks.that(bool(found) and not any(found), f"{name}: major faults 0",
                    show([found, *faults_before_signals(facts, name, lines)]))
        checks.figure(f"{name}: minor faults", max((int(line["minor"]) for line in lines),
                                                   default=None))
        for entry in report.entries(facts, "KILL"):
            if entry.get("REAPD_VICTIM_PID") == str(pid):
                checks.figure(f"{name}: deciding sample to signal, ms",
                              int(entry["REAPD_SIGNAL_USEC"]) / 1000)
    injected = {"allocation": "allocations", "fault": "major"}
    for name, key in injected.items() if facts.notes.get("swap") == "none" else ():
        lines = interposed(facts, f"bad-{name}")
        checks.that(bool(lines) and all(int(line[key]) > 0 for line in lines),
                    f"an injected {name} is counted", show(lines))
    strangers = [entry for entry in facts.daemon_signals()
                 if entry.comm != "reapd-drill" and entry.pid not in
                 [facts.pid(name) for name in (*wanted, "bad-allocation", "bad-fault")]]
    checks.that(not strangers, "the daemon signalled nobody else", show(strangers))


def check_bench(facts: Facts, checks: Checks) -> None:
    """Figures to read; what has to be so is that they were measured."""
    check_ran(facts, checks)
    check_kernel_idle(facts, checks)
    path = facts.folder / "bench.txt"
    text = path.read_text() if path.exists() else ""
    for line in text.splitlines():
        print(f"# {line}".rstrip())
    scanned = re.search(r"^scan of (\d+) processes", text, re.M)
    checks.that(scanned is not None and int(scanned[1]) >= BENCH_PROCESSES,
                f"a scan of {BENCH_PROCESSES} processes was measured",
                scanned[0] if scanned else "no scan")


def faults_before_signals(facts: Facts, name: str, lines: list[dict[str, str]]) -> list[str]:
    """Every page fault of the daemon, major or not, in the measured stretches of a kill, with the
    mapping and the offset in it that it was for: what to look at when one of them was major."""
    maps = []
    for line in (facts.folder / f"maps-{name}").read_text().splitlines():
        area, _, offset, _, _, *path = line.split(None, 5)
        start, end = (int(part, 16) for part in area.split("-"))
        maps.append((start, end, int(offset, 16), path[0] if path else "anonymous"))

    def named(address: int) -> str:
        return next((f"{path}+{address - start + offset:#x}" for start, end, offset, path in maps
                     if start <= address < end), hex(address))

    found = []
    for event in facts.trace:
        match = re.match(r"address=(\S+) ip=(\S+) error_code=(\S+)", event.text)
        if event.name != "page_fault_user" or not match:
            continue
        address, ip = int(match[1], 16), int(match[2], 16)
        for line in lines:
            end = int(line["at_usec"])
            if end - int(line["usec"]) <= event.at_usec <= end:
                found.append(f"signal {line['signal']}, {end - event.at_usec} µs before it: "
                             f"{named(address)} from {named(ip)}, code {match[3]}")
    return found


def interposed(facts: Facts, name: str) -> list[dict[str, str]]:
    """What the interposed library counted in one kill, a line an action."""
    path = facts.folder / f"interpose-{name}"
    lines = path.read_text().splitlines() if path.exists() else []
    return [dict(pair.split("=", 1) for pair in line.split()) for line in lines]


def check_thrash(facts: Facts, checks: Checks) -> None:
    """The one that needs more than there is, and nobody else, while there was still swap."""
    check_ran(facts, checks)
    signal = check_victim(facts, checks, "hot")
    check_kernel_idle(facts, checks)
    check_neighbours(facts, checks)
    checks.that(facts.alive("bystander"), "bystander lives")
    check_daemon(facts, checks)
    report.check_report(facts, checks, "hot")
    if signal is None:
        return
    low = facts.at(signal.at_usec)
    checks.that(low.swap_free_kib > facts.number("swap_total_kib") // 4, "swap was still free",
                f"{low.swap_free_kib} KiB")
    trouble = facts.trouble_usec("bystander", facts.number("load_start_usec"), signal.at_usec)
    if checks.that(trouble is not None, "the bystander lost a quarter of its time"):
        took = trouble / 1e6
        checks.figure("for so many seconds at a stretch", took)
        checks.that(took < THRASH_SECONDS, f"for less than {THRASH_SECONDS}", f"{took:.1f}")


def check_nobody(facts: Facts, checks: Checks) -> None:
    """Nobody was signalled, although each step was what it should have been."""
    check_ran(facts, checks)
    check_kernel_idle(facts, checks)
    check_neighbours(facts, checks)
    check_daemon(facts, checks)
    sent = facts.daemon_signals()
    checks.that(not sent, "the daemon signalled nobody", show(sent))
    for name in ("balloon", "spike", "throttled", "cold", "pusher"):
        checks.that(facts.alive(name), f"{name} lives", show(facts.signals_to(facts.pid(name))))
    kills = report.entries(facts, "KILL")
    checks.that(not kills, "and said nothing of a kill", show(kills))
    barren = report.entries(facts, "BARREN")
    checks.that(len(barren) == 1 and int(barren[0]["REAPD_ELSEWHERE_BYTES"]) >> 20 > 300 and
                int(barren[0]["REAPD_SHMEM_BYTES"]) >> 20 > 300,
                "tmpfs: said once how much it holds", show(barren))
    total, begin, end = facts.number("mem_total_kib"), 0, 0
    for name, percent in (("balloon", 20), ("spike", 15), ("tmpfs", 10), ("cold", 10)):
        begin, end = step_usec(facts, name)
        lowest = min((sample.available_kib for sample in facts.samples
                      if begin <= sample.at_usec < end), default=total)
        checks.that(lowest < total * percent // 100, f"{name}: available memory was low",
                    f"{lowest} of {total} KiB")
    swap = [sample.swap_free_kib for sample in facts.samples if begin <= sample.at_usec < end]
    checks.that(min(swap, default=0) < facts.number("swap_total_kib") * 9 // 10,
                "cold: swap was used", f"{min(swap, default=0)} KiB free")


def step_usec(facts: Facts, name: str) -> tuple[int, int]:
    """When a step began, and when the next did."""
    begin = facts.number(f"step_{name}_usec")
    later = [int(value) for key, value in facts.notes.items()
             if key.startswith("step_") and key.endswith("_usec") and int(value) > begin]
    return begin, min(later, default=1 << 62)


CASES = {
    "leak": Case("leak", Boot(), check_leak_explained, "100 MB/s, no swap"),
    "leak-disk": Case("leak", Boot(swap="disk"), check_leak_swap, "100 MB/s, swap on disk"),
    "leak-slow-disk": Case("leak", Boot(swap="slow", swap_mib=128), check_leak_swap,
                           "100 MB/s, swap on a slow disk"),
    "leak-zram": Case("leak", Boot(swap="zram"), check_leak_swap,
                      "100 MB/s of data that does not compress, swap on zram"),
    "leak-no-psi": Case("leak", Boot(cmdline="psi=0"), check_leak_no_psi,
                        "100 MB/s, booted with psi=0"),
    "term-ignored": Case("term", Boot(cmdline="vm.term=ignore"), check_term_ignored,
                         "30 MB/s, SIGTERM ignored"),
    "term-outlived": Case("term", Boot(cmdline="vm.term=catch"), check_term_outlived,
                          "30 MB/s, SIGTERM caught, and it goes on"),
    "children": Case("children", Boot(memory_mib=2048), check_children,
                     "64 children leak half a MB/s each"),
    "family": Case("family", Boot(), check_family, "64 children leak 200 MB/s together"),
    "journald-stopped": Case("journald-stopped", Boot(), check_journald_stopped,
                             "100 MB/s while journald is stopped"),
    "idle": Case("idle", Boot(memory_mib=2048), check_idle,
                 "a minute at 20 %, a minute at 70 %"),
    "allocations": Case("allocations", Boot(memory_mib=2048), check_allocations,
                        "kills among 2,000 processes: no allocation, no major fault"),
    "allocations-disk": Case("allocations", Boot(memory_mib=2048, swap="disk"), check_allocations,
                             "the same with swap on disk in use"),
    "thrash": Case("thrash", Boot(swap="slow", swap_mib=1024, slow_iops=400,
                                  slow_bytes_per_second=20 << 20), check_thrash,
                   "1.1 GiB needed at random, swap half free"),
    "nobody": Case("nobody", Boot(swap="disk"), check_nobody,
                   "streams, balloons, a throttled cgroup, idle memory to swap: nobody dies"),
    "operations": Case("operations", Boot(swap="disk"), check_operations,
                       "reload, swap that comes and goes, a second instance, stop"),
    "parity": Case("parity", Boot(swap="disk", cmdline="log_buf_len=4M"), check_parity,
                   "30 random populations: the kernel's victim and ours"),
    "semantics": Case("semantics", Boot(swap="disk", swap_mib=192),
                      check_semantics, "who dies, with whom, and who does not: as the kernel"),
    "domains": Case("domains", Boot(memory_mib=1536, node_mib=(1024, 512)), check_domains,
                    "a control group and a node run out: who dies, and whom the kernel takes"),
    "control": Case("control", Boot(swap="disk"), check_control,
                    "the control socket, reapctl, and clients that mean no good"),
    "bad-config": Case("bad-config", Boot(), check_bad_config,
                       "configurations with mistakes, a start each"),
    "bench": Case("bench", Boot(memory_mib=4096), check_bench,
                  "what a scan costs among 10,000 processes"),
    "environment": Case("environment", Boot(), check_environment,
                        "privileges, calls, /proc and journal taken away"),
    "surroundings": Case("surroundings", Boot(), check_surroundings,
                         "panic_on_oom, suspend, hooks, slab, memory in pieces, other daemons"),
}
