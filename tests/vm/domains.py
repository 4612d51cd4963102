# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the checks on domains besides the host: who dies when a control group or a memory node is
short and the machine is not, and whom the kernel's killer takes in the same place."""

from __future__ import annotations

import json
import re

import report
from checks import Checks, check_neighbours, show
from facts import Facts, Signal, parse_pairs

MIB = 1 << 20
GROUP, NODE = "/box.slice", "nodes 1"
# Step: the domain, who is signalled in it, and how many more die by memory.oom.group.
STEPS = {
    "group": (GROUP, ["boxed"]),
    "members": (GROUP, ["heavy"]),
    "together": (GROUP, ["grouped", "light"]),
    "node": (NODE, ["bound"]),
}
# Steps before which the domain was calm: a level falls after five seconds.
LEVELS = ("group", "node")
# The machine is looked at every five seconds while it is calm.
PAUSE_LIMIT_USEC = 1_000_000
TOTAL_BYTES = {GROUP: (200 * MIB, 200 * MIB), NODE: (440 * MIB, 512 * MIB)}


def signals_in(facts: Facts, step: str) -> list[Signal]:
    start, end = facts.step(step) or (0, 0)
    return [entry for entry in facts.daemon_signals()
            if start <= entry.at_usec < end and entry.comm != "reapd-drill"]


def said(facts: Facts, step: str, kind: str) -> list[dict]:
    return [entry for entry in facts.said(step)
            if entry.get("MESSAGE_ID") == report.message_ids()[kind]]


def check_start(facts: Facts, checks: Checks) -> None:
    lines = [entry["MESSAGE"] for entry in said(facts, "start", "START")]
    for pattern in (r"^watches /box\.slice too: 200M of memory and none of swap: SIGTERM at 20M, "
                    r"SIGKILL at 10M of", r"^watches nodes 1 too: (4[4-9]\d|50\d)M of memory and none of swap",
                    r"^WatchNodes=5: not watched: there are no"):
        checks.that(sum(bool(re.search(pattern, line)) for line in lines) == 1,
                    f"start: said once: {pattern[:30]}", show(lines))
    text = (facts.folder / "domains").read_text(errors="replace")
    checks.that(re.search(r"^    Domain: /box\.slice, level calm: [\d.]+M of 200M; warning at 30M, "
                          r"SIGTERM at 20M, SIGKILL at 10M; no swap$", text, re.M) is not None,
                "start: reapctl status shows the group", text)
    rows = json.loads((facts.folder / "domains.json").read_text()).get("Domains", [])
    found = {row["Name"]: row for row in rows}
    checks.that(set(found) == {GROUP, NODE, "/gone"} and len(rows) == 3
                and found[GROUP]["MemoryTotal"] == 200 * MIB
                and found[GROUP]["HardMemory"] == 10 * MIB,
                "start: and reapctl status --json, all", show(rows))


def check_vanish(facts: Facts, checks: Checks) -> None:
    """Groups go and come, the last of them with its process, in the middle of a kill."""
    short = "/system.slice/short.service"
    lines = [entry["MESSAGE"] for entry in facts.said("vanish")]
    found = [line for line in lines if re.search(r"^(watches|/).* (too: |not watched)", line)]
    last = [line for line in found if line.startswith("/gone is not watched any more")]
    checks.that(len(last) in (1, 2) and found[-1:] == [f"{short} is not watched any more"]
                and any(line.startswith(f"watches {short} too: 60M of") for line in found),
                "vanish: what comes and goes is said", show(found))
    kills = [(entry.get("REAPD_DOMAIN"), int(entry["REAPD_VICTIM_PID"]), entry["REAPD_OUTCOME"])
             for entry in said(facts, "vanish", "KILL")]
    checks.that(kills == [(short, facts.pid("short"), "settled")]
                and {entry.pid for entry in signals_in(facts, "vanish")} == {facts.pid("short")}
                and facts.notes.get("dead_short") == "yes",
                "vanish: a kill that ends with the group is settled", show(kills))


def check_levels(facts: Facts, checks: Checks, step: str, domain: str) -> None:
    levels = said(facts, step, "LEVEL")
    rising = [entry for entry in levels if entry.get("REAPD_DOMAIN") == domain
              and re.search(r"^memory level (warning|soft|hard) \(was \w+\) of " + domain,
                            entry["MESSAGE"])]
    short = [entry for entry in levels if entry.get("REAPD_DOMAIN") == "host"
             and entry.get("REAPD_LEVEL") not in ("calm", "warning")]
    checks.that(bool(rising) and not short, f"{step}: the domain is short, and the host is not",
                show(entry["MESSAGE"] for entry in levels))


def check_step(facts: Facts, checks: Checks, step: str) -> None:
    domain, loads = STEPS[step]
    sent = signals_in(facts, step)
    checks.that({entry.pid for entry in sent} == {facts.pid(load) for load in loads}
                and facts.step(step) is not None,
                f"{step}: the daemon signalled {' and '.join(loads)}, and nobody else", show(sent))
    checks.that(all(facts.notes.get(f"dead_{load}") == "yes" for load in loads),
                f"{step}: dead in the end: {' and '.join(loads)}")
    entries = said(facts, step, "SIGNAL") + said(facts, step, "TABLE") + said(facts, step, "KILL")
    kinds = {entry["MESSAGE_ID"] for entry in entries}
    low, high = TOTAL_BYTES[domain]
    checks.that(len(kinds) == 3 and all(
        entry.get("REAPD_DOMAIN") == domain and entry["REAPD_VICTIM_PID"] == str(facts.pid(loads[0]))
        and low <= int(entry["REAPD_MEM_TOTAL_BYTES"]) <= high for entry in entries),
        f"{step}: signal, table and kill name the domain and its total",
        show((entry.get("REAPD_DOMAIN"), entry.get("REAPD_MEM_TOTAL_BYTES"), entry["MESSAGE"])
             for entry in entries))
    words = (r"^Memory cgroup (low on|out of) memory: (Sent SIGTERM to|Killed) process \d+ .*, for "
             r"/box\.slice$" if domain == GROUP else
             r"^(Low on|Out of) memory: (Sent SIGTERM to|Killed) process \d+ .*, for nodes 1$")
    lines = [entry["MESSAGE"] for entry in said(facts, step, "SIGNAL")]
    checks.that(bool(lines) and all(re.search(words, line) for line in lines),
                f"{step}: in the kernel's words", show(lines))
    kills = said(facts, step, "KILL")
    checks.that(len(kills) == 1 and kills[0].get("REAPD_OUTCOME") == "settled",
                f"{step}: one kill, settled", show(entry["MESSAGE"] for entry in kills))
    if step in LEVELS:
        check_levels(facts, checks, step, domain)
    if kills:
        checks.figure(f"{step}: deciding sample to signal, ms",
                      int(kills[0]["REAPD_SIGNAL_USEC"]) / 1000)


def check_acting(facts: Facts, checks: Checks) -> None:
    for step in STEPS:
        check_step(facts, checks, step)
    check_vanish(facts, checks)
    check_preempted(facts, checks)
    check_interposed(facts, checks)
    lines = [entry["MESSAGE"] for entry in said(facts, "together", "GROUP")]
    checks.that(len(lines) == 1 and lines[0].startswith("Tasks in /box.slice are going to be killed "
                                                        "due to memory.oom.group set: 1 more"),
                "together: memory.oom.group is said", show(lines))
    for name in ("outsider", "wide", "parked"):
        checks.that(facts.alive(name), f"{name}, outside of what was short or smaller, lives",
                    show(facts.signals_to(facts.pid(name))))
    checks.that(facts.alive("light"), "light outlived the step before")
    events = (facts.folder / "box-acting").read_text()
    checks.that("\noom_kill 0\n" in events
                and facts.number("oom_kill_acting") == facts.number("oom_kill_before"),
                "the kernel killed nobody, in the group or elsewhere, while the daemon acted",
                events)


def check_interposed(facts: Facts, checks: Checks) -> None:
    """What was counted between each deciding sample and its last signal. Where the machine's kill
    comes before a group's, the end of that one frees an event source."""
    path = facts.folder / "interpose"
    text = path.read_text() if path.exists() else ""
    lines = [dict(pair.split("=", 1) for pair in line.split()) for line in text.splitlines()]
    dirty = [line for line in lines
             if any(int(line[key]) for key in ("allocations", "maps", "major"))]
    checks.that(len(lines) > len(STEPS) and not dirty,
                "nothing was allocated and nothing read from disk before a signal",
                f"{len(lines)} actions\n{show(dirty)}")


def check_preempted(facts: Facts, checks: Checks) -> None:
    """Two shortages at once, and the smaller one's victim does not die: the machine goes on."""
    sent = signals_in(facts, "preempted")
    first = {pid: min((entry.at_usec for entry in sent if entry.pid == pid), default=0)
             for pid in (facts.pid("stubborn"), facts.pid("flood"))}
    checks.that({entry.pid for entry in sent} == set(first)
                and 0 < first[facts.pid("stubborn")] < first[facts.pid("flood")]
                and facts.notes.get("dead_flood") == "yes" and facts.alive("stubborn"),
                "preempted: the machine's victim dies while the group's is awaited", show(sent))
    found = [(entry.get("REAPD_DOMAIN"), int(entry["REAPD_VICTIM_PID"]), entry["REAPD_OUTCOME"])
             for entry in said(facts, "preempted", "KILL")]
    checks.that((GROUP, facts.pid("stubborn"), "superseded") in found
                and ("host", facts.pid("flood"), "settled") in found,
                "preempted: both are reported, each for its domain", show(found))
    later = [entry for entry in sent if entry.pid == facts.pid("stubborn")
             and entry.at_usec > first[facts.pid("flood")]]
    checks.that(bool(later), "preempted: then it is the group's turn again", show(sent))


def check_reload(facts: Facts, checks: Checks) -> None:
    rows = json.loads((facts.folder / "domains-reload.json").read_text())["Domains"]
    checks.that({row["Name"] for row in rows} >= {GROUP, NODE},
                "a reload while a victim is awaited: all of them are still watched", rows)


def check_barren(facts: Facts, checks: Checks) -> None:
    rows = json.loads((facts.folder / "domains-barren.json").read_text())["Domains"]
    levels = {row["Name"]: row["Level"] for row in rows}
    checks.that(levels.get(GROUP) == "hard" and "/late" in levels
                and not signals_in(facts, "barren"),
                "barren: while nobody of a group can be killed another is found", rows)


def check_paused(facts: Facts, checks: Checks) -> None:
    took = facts.number("pause_usec")
    checks.that(facts.notes.get("paused") == "yes" and took < PAUSE_LIMIT_USEC,
                "paused: as soon as the group's victim has gone", f"{took} us")


def check_both(facts: Facts, checks: Checks) -> None:
    names = [(entry["REAPD_DOMAIN"], int(entry["REAPD_VICTIM_PID"]))
             for entry in said(facts, "both", "SIGNAL")]
    checks.that(sorted(names) == [(GROUP, facts.pid("left")), ("/twin.slice", facts.pid("right"))]
                and facts.alive("left") and facts.alive("right"),
                "two groups short at once, in a dry run: one victim of each is named",
                show(names[:10]))


def kernel_kills(facts: Facts, step: str) -> list[tuple[str, int]]:
    """Constraint and victim of each kill of the kernel's, in their order."""
    start, end = facts.step(step) or (0, 0)
    found = []
    for at_usec, text in facts.kernel_log:
        match = re.search(r"^oom-kill:constraint=(\w+),.*,pid=(\d+),", text)
        if match and start <= at_usec < end:
            found.append((match[1], int(match[2])))
    return found


def check_parity(facts: Facts, checks: Checks) -> None:
    checks.that(not signals_in(facts, "parity-group") and not signals_in(facts, "parity-node"),
                "parity: in a dry run the daemon signals nobody")
    wanted = {
        "parity-group": (GROUP, "heavier", [("CONSTRAINT_MEMCG", facts.pid("heavier"))]),
        # To the letter first the largest that may use the node: nothing comes back to it.
        "parity-node": (NODE, "spilled", [("CONSTRAINT_CPUSET", facts.pid("wide")),
                                          ("CONSTRAINT_CPUSET", facts.pid("spilled"))]),
    }
    for step, (domain, load, kills) in wanted.items():
        found = kernel_kills(facts, step)
        checks.that(found == kills, f"{step}: the kernel killed as it should",
                    show([f"expected {kills}", *found]))
        chosen = {(entry.get("REAPD_DOMAIN"), int(entry["REAPD_VICTIM_PID"]))
                  for entry in said(facts, step, "SIGNAL")}
        checks.that(chosen == {(domain, facts.pid(load))} and found[-1:] == kills[-1:],
                    f"{step}: the daemon would have killed {load}, whom the kernel killed at last",
                    show(entry["MESSAGE"] for entry in said(facts, step, "SIGNAL")))
    checks.that(facts.notes.get("alive_lighter") == "yes" and facts.notes.get("spared_wide") == "no"
                and facts.notes.get("spared_parked") == "yes",
                "parity: the kernel spared lighter and parked, and wide died for nothing",
                show(f"{key}={facts.notes.get(key)}"
                     for key in ("alive_lighter", "spared_wide", "spared_parked")))
    pairs = parse_pairs(facts.folder / "facts")
    checks.that(facts.oom_kills == 3, "parity: the kernel killed three, and nobody else",
                f"{facts.oom_kills}: {pairs.get('oom_kill_after')}")


def check_domains(facts: Facts, checks: Checks) -> None:
    checks.that(facts.status == 0 and not facts.failures, "the case ran to its end",
                show(facts.failures) if facts.failures else f"status {facts.status}")
    checks.that(facts.trace_lost == 0, "the trace is whole", f"{facts.trace_lost} events lost")
    check_neighbours(facts, checks)
    check_start(facts, checks)
    check_acting(facts, checks)
    check_parity(facts, checks)
    check_barren(facts, checks)
    check_paused(facts, checks)
    check_reload(facts, checks)
    check_both(facts, checks)
