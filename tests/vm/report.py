# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the checks on what reapd itself says: its journal entries must be complete, must agree with
each other, and must agree with what the referee, the tracepoints and the case know.

The identifiers are read from the daemon's source: a copy would agree with itself for ever. Several
kills of one run are judged together, a line of TAP for each promise, so that a case with sixteen
kills reads like one with a single kill.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import pathlib
import re

from checks import SIGKILL, SIGTERM, Checks, show
from facts import Facts, Signal

HEADER = pathlib.Path(__file__).resolve().parents[2] / "src" / "daemon" / "message-id.h"
PAGE = 4096
MIB = 1 << 20

# The referee samples every 5 ms and the daemon somewhere in between, on a machine that loses
# memory at 100 MB/s and whose samples can be late.
SAMPLE_SLACK_BYTES = 16 * MIB
SAMPLE_WINDOW_USEC = 30_000
# The victim's exit is traced in do_exit(), the daemon learns of it at its next look.
DEATH_EARLY_USEC, DEATH_LATE_USEC = 10_000, 300_000

# Ten tables in five seconds, counted from the first of them, and a second for the writer.
TABLES, TABLES_USEC = 10, 6_000_000

SIGNAL_NAMES = {SIGTERM: "SIGTERM", SIGKILL: "SIGKILL"}
NUMBERS = """
    MEM_TOTAL_BYTES MEM_AVAILABLE_BYTES MEM_FREE_BYTES MEM_LIMIT_BYTES
    SWAP_TOTAL_BYTES SWAP_FREE_BYTES SWAP_USABLE_BYTES SWAP_LIMIT_BYTES
    VICTIM_PID VICTIM_TID VICTIM_UID VICTIM_START_TIME UNIT_KILLS GROUP_SIZE SHARERS
    RSS_PAGES RSS_ANON_BYTES RSS_FILE_BYTES RSS_SHMEM_BYTES SWAP_PAGES PGTABLES_PAGES
    OOM_SCORE_ADJ ADJ_PAGES BADNESS_PAGES RULES_PAGES TOTAL_PAGES OOM_SCORE
    EXPECTED_BYTES FREED_BYTES SIGNAL_USEC DEATH_USEC MRELEASE_TRIES
""".split()
WORDS = "LEVEL REASON VICTIM_COMM VICTIM_CGROUP VICTIM_UNIT SIGNAL OUTCOME MRELEASE".split()
STALL_NUMBERS = "STALL_PERMYRIAD STALL_SOME_USEC STALL_FULL_USEC".split()

KILL_TIMEOUT_USEC = 3_000_000  # KillTimeout=

# __oom_kill_process() in mm/oom_kill.c, with the name in between as the kernel prints it.
KERNEL_WORDING = (r" process {pid} \({comm}\) total-vm:\d+kB, anon-rss:\d+kB, file-rss:\d+kB, "
                  r"shmem-rss:\d+kB, UID:{uid} pgtables:\d+kB oom_score_adj:-?\d+$")
LEVEL_WORDING = re.compile(r"memory level (\w+) \(was (\w+)\): ")


@functools.cache
def message_ids() -> dict[str, str]:
    """`KILL` and so on, as src/daemon/message-id.h has them."""
    found = re.findall(r'^#define MESSAGE_ID_(\w+) "([0-9a-f]{32})"$', HEADER.read_text(), re.M)
    return dict(found)


def entries(facts: Facts, kind: str | None = None) -> list[dict]:
    """What the daemon wrote, of one kind or all, oldest first."""
    wanted = message_ids()[kind] if kind else None
    return [entry for entry in facts.journal_all if entry.get("SYSLOG_IDENTIFIER") == "reapd"
            and (wanted is None or entry.get("MESSAGE_ID") == wanted)]


@dataclasses.dataclass
class Kill:
    """One KILL entry and what the trace knows of the same victim."""
    entry: dict
    signals: list[Signal]
    exit_usec: int | None  # of the last one of a family
    own_exit_usec: int | None

    def number(self, name: str) -> int:
        return int(self.entry[f"REAPD_{name}"])

    def word(self, name: str) -> str:
        return self.entry[f"REAPD_{name}"]

    @property
    def pid(self) -> int:
        return self.number("VICTIM_PID")

    @property
    def outlived(self) -> bool:
        """By the kernel's account it did not die in time: it hung, in a write to a slow swap say."""
        return (self.own_exit_usec is None
                or self.own_exit_usec - self.signals[-1].at_usec > KILL_TIMEOUT_USEC)


def family_pids(entry: dict) -> list[int]:
    return [int(pid) for pid in entry.get("REAPD_FAMILY_PIDS", "").split()]


def last_exit_usec(facts: Facts, pids: list[int]) -> int | None:
    """When the last of them was dead; None: somebody is not."""
    exits = [facts.exit_usec(pid) for pid in pids]
    return None if None in exits else max(exits)


class Problems:
    """What is wrong with one promise, over all kills of a run."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def unless(self, condition: bool, kill: Kill, text: object) -> None:
        if not condition:
            self.lines.append(f"process {kill.pid}: {text}")

    def equal(self, kill: Kill, name: str, wanted: object) -> None:
        found = kill.word(name)
        self.unless(str(found) == str(wanted), kill, f"{name} is {found}, expected {wanted}")

    def judged(self, checks: Checks, name: str) -> None:
        checks.that(not self.lines, name, show(self.lines))


def missing_fields(entry: dict, has_psi: bool) -> list[str]:
    names = NUMBERS + WORDS + (STALL_NUMBERS if has_psi else [])
    if entry.get("REAPD_OUTCOME") == "stuck":
        names = [name for name in names if name != "DEATH_USEC"]
    gone = [name for name in names if f"REAPD_{name}" not in entry]
    strange = [name for name in NUMBERS if f"REAPD_{name}" in entry
               and not re.fullmatch(r"-?\d+", entry[f"REAPD_{name}"])]
    return gone + [f"{name} is no number" for name in strange]


def check_identity(kill: Kill, facts: Facts, load: str, problems: Problems) -> None:
    unit = f"{load}.service"
    problems.equal(kill, "VICTIM_TID", kill.pid)
    problems.equal(kill, "VICTIM_COMM", load)
    problems.equal(kill, "VICTIM_UID", max(facts.number(f"uid_{load}"), 0))
    problems.equal(kill, "VICTIM_UNIT", unit)
    problems.equal(kill, "VICTIM_CGROUP", f"/system.slice/{unit}")


def check_badness(kill: Kill, facts: Facts, problems: Problems) -> None:
    """The kernel's formula, oom_badness() and proc_oom_score(), from the fields alone."""
    total = (facts.number("mem_total_kib") + kill.number("SWAP_TOTAL_BYTES") // 1024) * 1024 // PAGE
    resident = sum(kill.number(f"RSS_{kind}_BYTES") for kind in ("ANON", "FILE", "SHMEM")) // PAGE
    adj = kill.number("OOM_SCORE_ADJ")
    badness = (kill.number("RSS_PAGES") + kill.number("SWAP_PAGES")
               + kill.number("PGTABLES_PAGES") + kill.number("ADJ_PAGES"))
    score = int((1000 + int(badness * 1000 / total)) * 2 / 3)  # C truncates
    problems.equal(kill, "TOTAL_PAGES", total)
    problems.equal(kill, "RSS_PAGES", resident)
    problems.equal(kill, "ADJ_PAGES", adj * (total // 1000))
    problems.equal(kill, "BADNESS_PAGES", badness)
    problems.equal(kill, "OOM_SCORE", score)


def check_decision(kill: Kill, problems: Problems) -> None:
    """Level, limit and signal belong together, and so do the signals and the trace."""
    level, reason = kill.word("LEVEL"), kill.word("REASON")
    problems.unless(level in ("soft", "hard"), kill, f"killed at level {level}")
    problems.unless(reason in ("exhaustion", "thrash"), kill, f"killed for {reason}")
    problems.equal(kill, "SIGNAL", SIGNAL_NAMES.get(kill.signals[-1].number))
    problems.equal(kill, "OUTCOME", "stuck" if kill.outlived else "settled")
    first = SIGNAL_NAMES.get(kill.signals[0].number)
    problems.unless((level == "hard" or kill.word("TERM_IGNORED") == "1")
                    == (first == "SIGKILL"), kill,
                    f"{first} first at level {level}")
    if reason == "exhaustion":
        for what in ("MEM_AVAILABLE_BYTES MEM_LIMIT_BYTES", "SWAP_USABLE_BYTES SWAP_LIMIT_BYTES"):
            have, limit = what.split()
            problems.unless(kill.number(have) <= kill.number(limit), kill,
                            f"{have} {kill.number(have)} is above {limit} {kill.number(limit)}")


def check_sample(kill: Kill, facts: Facts, problems: Problems) -> None:
    """The numbers that it decided by lie where the referee's lay at the same time."""
    end = kill.signals[0].at_usec
    start = end - kill.number("SIGNAL_USEC") - SAMPLE_WINDOW_USEC
    near = [sample for sample in facts.samples
            if start <= sample.at_usec <= end + SAMPLE_WINDOW_USEC]
    if not near:
        problems.unless(False, kill, "the referee has no sample near the signal")
        return
    problems.unless(kill.number("MEM_TOTAL_BYTES") == facts.number("mem_total_kib") * 1024, kill,
                    f"MEM_TOTAL_BYTES {kill.number('MEM_TOTAL_BYTES')}")
    for name, values in (("MEM_AVAILABLE_BYTES", [sample.available_kib for sample in near]),
                         ("SWAP_FREE_BYTES", [sample.swap_free_kib for sample in near])):
        low, high = min(values) * 1024, max(values) * 1024
        problems.unless(low - SAMPLE_SLACK_BYTES <= kill.number(name) <= high + SAMPLE_SLACK_BYTES,
                        kill, f"{name} is {kill.number(name)}, the referee saw {low} to {high}")
    if near[0].some_usec >= 0:
        problems.unless(near[0].full_usec - 1_000_000 <= kill.number("STALL_FULL_USEC")
                        <= near[-1].full_usec + 1_000_000, kill,
                        f"STALL_FULL_USEC is {kill.number('STALL_FULL_USEC')}, "
                        f"the referee saw {near[0].full_usec} to {near[-1].full_usec}")


def check_freed(kill: Kill, facts: Facts, problems: Problems) -> None:
    anonymous, expected = kill.number("RSS_ANON_BYTES"), kill.number("EXPECTED_BYTES")
    most = (kill.number("RSS_PAGES") + kill.number("SWAP_PAGES")
            + kill.number("PGTABLES_PAGES") + 1) * PAGE
    if family_pids(kill.entry):
        most = kill.number("FAMILY_BYTES")
    problems.unless(anonymous <= expected <= most, kill,
                    f"EXPECTED_BYTES {expected} is not from {anonymous} to {most}")
    freed = kill.number("FREED_BYTES")
    if "REAPD_BACK_USEC" in kill.entry:
        problems.unless(freed >= expected // 2, kill,
                        f"back with FREED_BYTES {freed} of {expected}")
    start = kill.signals[0].at_usec - kill.number("SIGNAL_USEC") - SAMPLE_WINDOW_USEC
    lived = KILL_TIMEOUT_USEC if kill.outlived else kill.number("DEATH_USEC")
    end = kill.signals[0].at_usec + lived + 1_000_000
    reserve = [(sample.available_kib + sample.swap_free_kib) * 1024 for sample in facts.samples
               if start <= sample.at_usec <= end]
    rise = max(reserve) - min(reserve) if reserve else 0
    problems.unless(freed <= rise + SAMPLE_SLACK_BYTES, kill,
                    f"FREED_BYTES {freed}, but the referee saw a rise of {rise} only")


def check_times(kill: Kill, problems: Problems) -> None:
    signal = kill.number("SIGNAL_USEC")
    if "REAPD_BACK_USEC" in kill.entry:
        back = kill.number("BACK_USEC")
        problems.unless(signal < back, kill, f"signal after {signal} µs, back after {back}")
    if kill.outlived:
        problems.unless("REAPD_BACK_USEC" in kill.entry, kill, "it hung, and so did its memory")
        return
    death = kill.number("DEATH_USEC")
    problems.unless(0 < signal < death, kill, f"signal after {signal} µs, death after {death}")
    if kill.exit_usec is None:
        problems.unless(False, kill, "its exit was not traced")
        return
    traced = kill.exit_usec - kill.signals[0].at_usec
    problems.unless(traced - DEATH_EARLY_USEC <= death - signal <= traced + DEATH_LATE_USEC, kill,
                    f"death {death - signal} µs after the signal, traced {traced}")


def check_mrelease(kill: Kill, problems: Problems) -> None:
    problems.unless(kill.word("MRELEASE") in ("0", "ESRCH"), kill,
                    f"MRELEASE is {kill.word('MRELEASE')}")
    problems.unless(kill.number("MRELEASE_TRIES") >= 1, kill,
                    f"MRELEASE_TRIES is {kill.word('MRELEASE_TRIES')}")


def check_signal_entries(kill: Kill, facts: Facts, problems: Problems) -> None:
    """One a signal that the trace saw, in the kernel's wording, with the numbers of the KILL."""
    said = [entry for entry in entries(facts, "SIGNAL")
            if entry.get("REAPD_VICTIM_PID") == str(kill.pid)]
    numbers = [SIGNAL_NAMES.get(signal.number) for signal in kill.signals]
    problems.unless([entry.get("REAPD_SIGNAL") for entry in said] == numbers, kill,
                    f"{len(said)} SIGNAL entries for {numbers}")
    wording = KERNEL_WORDING.format(pid=kill.pid, comm=re.escape(kill.word("VICTIM_COMM")),
                                    uid=kill.number("VICTIM_UID"))
    openings = {"SIGTERM": "Low on memory: Sent SIGTERM to", "SIGKILL": "Out of memory: Killed"}
    for entry in said:
        opening = openings.get(entry.get("REAPD_SIGNAL"), "?")
        kernels = re.split(r" and \d+ more of its family|; the kernel would|, not asked first",
                           entry["MESSAGE"])[0]
        problems.unless(re.fullmatch(re.escape(opening) + wording, kernels) is not None,
                        kill, f"not the kernel's wording: {entry['MESSAGE']}")
        anon_kib = kill.number("RSS_ANON_BYTES") // 1024
        problems.unless(f" anon-rss:{anon_kib}kB," in entry["MESSAGE"], kill,
                        f"anon-rss is {anon_kib} kB in the KILL entry: {entry['MESSAGE']}")
    reaped = f"reaped process {kill.pid} ({kill.word('VICTIM_COMM')})"
    if not kill.outlived:
        reaped += ", now anon-rss:"
    problems.unless(kill.entry["MESSAGE"].startswith(reaped), kill,
                    f"not the kernel's wording: {kill.entry['MESSAGE']}")


def is_limited(kill: Kill, facts: Facts) -> bool:
    """Whether there were as many tables shortly before as the kernel's limit permits."""
    at = kill.signals[0].at_usec
    near = [entry for entry in entries(facts, "TABLE")
            if at - TABLES_USEC <= int(entry["__MONOTONIC_TIMESTAMP"]) <= at + DEATH_LATE_USEC]
    return len(near) >= TABLES


def check_table(kill: Kill, facts: Facts, problems: Problems) -> None:
    tables = [entry for entry in entries(facts, "TABLE")
              if entry.get("REAPD_VICTIM_PID") == str(kill.pid)]
    problems.unless(len(tables) == 1 or (not tables and is_limited(kill, facts)), kill,
                    f"{len(tables)} tables")
    for table in tables:
        rows = [line for line in table["MESSAGE"].splitlines()
                if re.match(rf"\[ *{kill.pid}\] ", line)]
        fields = rows[0].split() if len(rows) == 1 else []
        problems.unless(fields[-2:] == ["victim", kill.word("VICTIM_COMM")]
                        and kill.word("BADNESS_PAGES") in fields, kill,
                        f"its row in the table: {show(rows)}")


def check_levels(facts: Facts, checks: Checks) -> None:
    """A level is announced when it changes, with the one before it, and not again."""
    problems, before, reason_before = [], "calm", None
    for entry in entries(facts, "LEVEL"):
        match = LEVEL_WORDING.match(entry["MESSAGE"])
        level, was = match.groups() if match else ("?", "?")
        reason = entry.get("REAPD_REASON")
        if was != before or level != entry.get("REAPD_LEVEL"):
            problems.append(f"after {before}: {entry['MESSAGE']}")
        if (level, reason) == (before, reason_before):
            problems.append(f"said again: {entry['MESSAGE']}")
        before, reason_before = level, reason
    checks.that(not problems, "journal: each change of level once", show(problems))


def check_start(facts: Facts, checks: Checks) -> None:
    """One drill and one start, which names the limits in bytes."""
    drills, starts = entries(facts, "DRILL"), entries(facts, "START")
    total = facts.number("mem_total_kib") * 1024
    soft = total // 10
    limits = (f"({soft} bytes)", f"({soft // 2} bytes)")
    checks.that(len(drills) == 1 and "passed" in drills[0]["MESSAGE"],
                "journal: the drill passed, once", show(entry["MESSAGE"] for entry in drills))
    checks.that(len(starts) == 1 and all(text in starts[0]["MESSAGE"] for text in limits),
                "journal: one start, with the limits in bytes",
                show([f"expected {limits}", *(entry["MESSAGE"] for entry in starts)]))


def check_once(facts: Facts, checks: Checks) -> None:
    """Nothing repeated, nothing lost, nothing without an identifier."""
    said = entries(facts)
    texts = collections.Counter((entry.get("MESSAGE_ID"), entry["MESSAGE"]) for entry in said)
    twice = [text for (_, text), count in texts.items() if count > 1]
    checks.that(not twice, "journal: nothing said twice", show(twice))
    known = set(message_ids().values())
    odd = [entry["MESSAGE"] for entry in said if entry.get("MESSAGE_ID") not in known
           or not entry.get("PRIORITY", "").isdigit()]
    checks.that(not odd, "journal: each entry has an identifier and a priority", show(odd))
    lost = [entry["MESSAGE"] for entry in said if "were lost)" in entry["MESSAGE"]]
    checks.that(not lost, "journal: no report was lost", show(lost))


def check_kills(facts: Facts, checks: Checks, load: str = "leak") -> list[Kill]:
    """Each victim that the trace knows has one KILL entry, complete and true."""
    kill_entries = [entry for entry in entries(facts, "KILL")
                    if entry.get("REAPD_VICTIM_COMM") == load]
    counted = collections.Counter(entry.get("REAPD_VICTIM_PID") for entry in kill_entries)
    relatives = {pid for entry in kill_entries for pid in family_pids(entry)
                 if str(pid) not in counted}
    victims = list(dict.fromkeys(entry.pid for entry in facts.daemon_signals()
                                 if entry.comm == load and entry.pid not in relatives))
    checks.that(bool(victims) and counted == {str(pid): 1 for pid in victims},
                "journal: one KILL entry for each victim",
                f"victims {victims}\nentries {dict(counted)}")
    has_psi = any(sample.some_usec >= 0 for sample in facts.samples)
    gaps = {entry.get("REAPD_VICTIM_PID"): missing_fields(entry, has_psi)
            for entry in kill_entries}
    checks.that(not any(gaps.values()), "journal: KILL has all fields",
                show(f"process {pid}: {', '.join(names)}" for pid, names in gaps.items() if names))
    kills = [Kill(entry, [signal for signal in facts.signals_to(int(entry["REAPD_VICTIM_PID"]))
                          if facts.sent_by_daemon(signal)],
                  last_exit_usec(facts, family_pids(entry)
                                 or [int(entry["REAPD_VICTIM_PID"])]),
                  facts.exit_usec(int(entry["REAPD_VICTIM_PID"])))
             for entry in kill_entries if not gaps[entry.get("REAPD_VICTIM_PID")]]
    kills = [kill for kill in kills if kill.signals]
    promises = {
        "pid, tid, comm, uid, unit and cgroup are the load's":
            lambda kill, problems: check_identity(kill, facts, load, problems),
        "badness is the sum of its terms, and oom_score follows from it":
            lambda kill, problems: check_badness(kill, facts, problems),
        "level, reason, signal and outcome belong together": check_decision,
        "the sample is what the referee saw":
            lambda kill, problems: check_sample(kill, facts, problems),
        "expected and freed bytes": lambda kill, problems: check_freed(kill, facts, problems),
        "signal, then death and memory, as traced": check_times,
        "process_mrelease succeeded, or came after the end": check_mrelease,
        "SIGNAL entries as sent, in the kernel's wording":
            lambda kill, problems: check_signal_entries(kill, facts, problems),
        "one table, with the victim in it":
            lambda kill, problems: check_table(kill, facts, problems),
    }
    for name, promise in promises.items():
        problems = Problems()
        for kill in kills:
            promise(kill, problems)
        problems.judged(checks, f"journal: {name}")
    for kill in kills[:1]:
        checks.figure("reapd: deciding sample to signal, ms", kill.number("SIGNAL_USEC") / 1000)
    return kills


def check_catalog(facts: Facts, checks: Checks) -> None:
    """`journalctl -x` explains a kill, with the victim's pid in the explanation."""
    path = facts.folder / "catalog.txt"
    text = path.read_text(errors="replace") if path.exists() else ""
    pid = facts.pid("leak")
    wanted = [f"Subject: Process {pid} was sent SIG", "Defined-By: reapd",
              f"Subject: The end of process {pid}", "If it is always the same program"]
    gone = [words for words in wanted if words not in text]
    checks.that(not gone, "journalctl -x explains the kill", f"not there: {show(gone)}")


def check_report(facts: Facts, checks: Checks, load: str = "leak") -> None:
    """All of it, for a case in which reapd starts once and kills one load. Others say nothing."""
    if facts.notes.get("daemon") != "reapd":
        return
    check_kills(facts, checks, load)
    check_levels(facts, checks)
    check_start(facts, checks)
    check_once(facts, checks)
