# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the checks on reapd as a service: starts that must fail and how they say so, reload, swap
that comes and goes, a second instance, the stop, missing privileges, other people's environments.

A step of a case (`step NAME` in the guest) cuts the journal into pieces; most checks here are "in
this step exactly these lines were said". Lines are given as regular expressions, one for each line
and all of them: what is said twice, or in passing, fails too.
"""

from __future__ import annotations

import re
import typing

import report
from checks import Checks, check_kernel_idle, check_neighbours, show
from facts import Facts

# What the unit is allowed to cost in systemd-analyze's terms (0 is perfect, 10 is none).
EXPOSURE_LIMIT = 1.0
STOP_LIMIT_USEC = 5_000_000
EX_CONFIG = 78
CONFIG, DROPINS = "/etc/reapd.conf", "/etc/reapd.conf.d"


def said(facts: Facts, step: str, *kinds: str) -> list[str]:
    """The daemon's lines of a step, of some kinds or all, as a person sees them."""
    wanted = {report.message_ids()[kind] for kind in kinds}
    return [entry["MESSAGE"] if isinstance(entry["MESSAGE"], str) else repr(entry["MESSAGE"])
            for entry in facts.said(step) if not kinds or entry.get("MESSAGE_ID") in wanted]


def matches(lines: list[str], patterns: typing.Iterable[str]) -> bool:
    """Each line is one of the patterns' and each pattern has its line, in order."""
    patterns = list(patterns)
    return len(lines) == len(patterns) and all(
        re.search(pattern, line) for pattern, line in zip(patterns, lines))


def check_said(facts: Facts, checks: Checks, step: str, name: str, *patterns: str,
               kinds: tuple[str, ...] = ()) -> None:
    lines = said(facts, step, *kinds)
    checks.that(matches(lines, patterns), name, show(lines))


def attempt(facts: Facts, step: str) -> dict[str, str]:
    return facts.unit(f"attempt-{step}")


def check_ran_to_end(facts: Facts, checks: Checks) -> None:
    checks.that(facts.status == 0 and not facts.failures, "the case ran to its end",
                show(facts.failures) if facts.failures else f"status {facts.status}")


# ---- configurations with mistakes

# Step: the lines that must be said. A start that fails for its configuration ends with status 78.
BAD_CONFIGS = {
    "missing": [r"^reapd: /etc/nowhere\.conf: No such file or directory$"],
    "unreadable": [rf"^reapd: {CONFIG}: Permission denied$"],
    "unknown-key": [rf"^reapd: {CONFIG}:3: SoftMemroy=: unknown key, see reapd\.conf\(5\)$"],
    "unknown-section": [rf"^reapd: {CONFIG}:1: \[Limit\]: unknown section, expected \[Limits\]"],
    "out-of-range": [rf"^reapd: {CONFIG}:2: SoftMemory=120%: expected a percentage",
                     rf"^reapd: {CONFIG}:4: TermTimeout=3h: expected a duration.* from "],
    "soft-below-hard": [rf"^reapd: {CONFIG}:4: HardMemory= is .* expected at most SoftMemory="],
    "folder": [rf"^reapd: {DROPINS}/50-folder\.conf: expected a regular file$"],
    "long-line": [rf"^reapd: {DROPINS}/60-long\.conf:2: SoftMemory=9+: expected a percentage",
                  rf"^reapd: {DROPINS}/60-long\.conf:4: Sofa=: unknown key"],
}
GARBAGE_LINES_MAX = 21


def check_refused(facts: Facts, checks: Checks, step: str) -> None:
    """Down for good, with the status that says configuration."""
    unit = attempt(facts, step)
    found = {key: unit.get(key) for key in ("ActiveState", "ExecMainStatus", "NRestarts")}
    checks.that(found == {"ActiveState": "failed", "ExecMainStatus": str(EX_CONFIG),
                          "NRestarts": "0"}, f"{step}: not started, status 78, not tried again",
                found)


def check_bad_config(facts: Facts, checks: Checks) -> None:
    check_ran_to_end(facts, checks)
    check_kernel_idle(facts, checks)
    for step, patterns in BAD_CONFIGS.items():
        check_refused(facts, checks, step)
        check_said(facts, checks, step, f"{step}: one line for each mistake", *patterns)
    check_refused(facts, checks, "garbage")
    lines = said(facts, "garbage")
    checks.that(0 < len(lines) <= GARBAGE_LINES_MAX and
                all(line.startswith(f"reapd: {CONFIG}") and line.isascii() and line.isprintable()
                    and len(line) < 512 for line in lines),
                "garbage: a few printable lines", show(lines))
    for step in ("none", "empty"):
        checks.that(attempt(facts, step).get("ActiveState") == "active",
                    f"{step}: a configuration that says nothing is right",
                    show(said(facts, step)))


# ---- a day in the life of the service

STATUS_LINE = re.compile(r'Status: "Level calm; SIGTERM at (\S+), SIGKILL at (\S+) available')


def check_status(facts: Facts, checks: Checks, file: str, percent: int, name: str) -> None:
    text = (facts.folder / file).read_text(errors="replace")
    match = STATUS_LINE.search(text)
    soft = facts.number("mem_total_kib") * percent // 100 / 1024
    checks.that(match is not None and match[1].endswith("M")
                and abs(float(match[1][:-1]) - soft) < 1, name, f"expected {soft:.1f}M in:\n{text}")


def check_exposure(facts: Facts, checks: Checks) -> None:
    """What systemd-analyze still counts is printed, so that a rise names its cause."""
    text = (facts.folder / "security.txt").read_text(errors="replace")
    overall = re.search(r"Overall exposure level for reapd\.service: ([\d.]+)", text)
    rows = re.findall(r"^. (\S+=\S*|\S+)\s+(.*?)\s+([\d.]+)\s*$", text, re.M)
    for name, what, points in rows:
        print(f"# exposure {points}: {name} {what}")
    checks.that(overall is not None and float(overall[1]) <= EXPOSURE_LIMIT,
                f"systemd-analyze security: at most {EXPOSURE_LIMIT}",
                overall[0] if overall else text[-500:])
    if overall:
        checks.figure("exposure", float(overall[1]))


def check_self(facts: Facts, checks: Checks) -> None:
    """What protects the daemon itself, read from the kernel."""
    wanted = {"own_adj": "-1000", "own_policy": "SCHED_RR"}
    found = {name: facts.notes.get(name) for name in wanted}
    checks.that(found == wanted, "oom_score_adj -1000, real time", found)
    checks.that(facts.number("own_locked_kib") > 0, "its memory is locked")
    cap_sys_resource = 1 << 24
    held = int(facts.notes.get("own_capabilities", "f"), 16)
    checks.that(held & cap_sys_resource == 0, "CAP_SYS_RESOURCE is given up", f"{held:x}")


def check_swap(facts: Facts, checks: Checks) -> None:
    """One line when it comes, one when it goes, and the limits follow. (mkswap takes a page.)"""
    check_said(facts, checks, "swap-on", "swap added: one line",
               r"total swap was 0B and is 511M now$", kinds=("MACHINE",))
    check_said(facts, checks, "swap-off", "swap removed: one line",
               r"total swap was 511M and is 0B now$", kinds=("MACHINE",))
    for step, total in (("swap-on", facts.number("swap_total_kib") * 1024), ("swap-off", 0)):
        states = [entry for entry in facts.said(step)
                  if entry.get("MESSAGE_ID") == report.message_ids()["STATE"]]
        last = states[-1] if states else {}
        # At calm the limit shown is that of warning: half as much again as soft, 12 % of it here
        # only for memory, 10 % for swap.
        soft = total // 10
        wanted = (str(total), str(soft + soft // 2))
        found = (last.get("REAPD_SWAP_TOTAL_BYTES"), last.get("REAPD_SWAP_LIMIT_BYTES"))
        checks.that(found == wanted, f"{step}: the limits follow", f"{found}, expected {wanted}")


def check_other_swap(facts: Facts, checks: Checks) -> None:
    checks.that(facts.notes.get("alive_other") == "yes",
                "of two empty areas one is switched off: nobody dies", facts.notes.get("alive_other"))
    checks.that(facts.number("other_unused_kib") == 0, "and the other was empty",
                facts.notes.get("other_unused_kib"))
    total = facts.number("swap_total_kib") * 1024
    states = [entry for entry in facts.said("swap-same")
              if entry.get("MESSAGE_ID") == report.message_ids()["STATE"]
              and entry.get("REAPD_SWAP_TOTAL_BYTES") == str(total)]
    usable = [int(entry["REAPD_SWAP_USABLE_BYTES"]) for entry in states]
    checks.that(bool(usable) and usable[0] == total, "a drive counts in full", usable)
    checks.that(bool(usable) and usable[-1] < total // 2,
                "zram of the same size in its place counts for what it adds", usable)


def check_reload(facts: Facts, checks: Checks) -> None:
    check_said(facts, checks, "reload-good", "reload: one line",
               r"^the configuration was reloaded$", kinds=("RELOAD",))
    check_status(facts, checks, "status-reloaded.txt", 12, "reload: the new limits hold")
    check_said(facts, checks, "reload-bad", "refused reload: a line for each mistake, and one more",
               rf"^{CONFIG}:2: SoftMemory=200%: expected", rf"^{CONFIG}:3: Sofa=: unknown key",
               rf"^{CONFIG}:6: \[Kills\]: unknown section", r"was not reloaded: the old one stays",
               kinds=("RELOAD",))
    check_status(facts, checks, "status-refused.txt", 12, "refused reload: the old limits hold")
    checks.that(facts.number("refused_reload_status") > 0, "refused reload: systemctl reload fails")
    check_said(facts, checks, "reload-undone", "reload without a file: one line",
               r"^the configuration was reloaded$", kinds=("RELOAD",))


def check_usage(facts: Facts, checks: Checks) -> None:
    twice = (facts.folder / "twice.txt").read_text(errors="replace").splitlines()
    checks.that(facts.number("twice_status") not in (0, -1)
                and matches(twice, [rf"already running as process {facts.number('daemon_pid')}:"]),
                "started twice: one line, and not status 0",
                show([f"status {facts.notes.get('twice_status')}", *twice]))
    for row in (facts.folder / "usages").read_text(errors="replace").splitlines():
        words, status, lines, text = row.split("|", 3)
        checks.that(status == "2" and lines == "1" and "expected" in text,
                    f"reapd {words}: status 2 and one line", row)


def check_protocol(facts: Facts, checks: Checks) -> None:
    path = facts.folder / "notify.txt"
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    names = [line.split("=", 1)[0] for line in lines]
    checks.that(names.count("READY") == 1 and names.count("STOPPING") == 1
                and "STOPPING" in names[-2:] and names.index("READY") < names.index("STOPPING"),
                "protocol: READY=1 once, STOPPING=1 at the end", show(lines))
    checks.that("WATCHDOG" in names, "protocol: WATCHDOG=1 when one is asked for", show(lines))
    checks.that("protocol_status" not in facts.notes, "SIGTERM: exit status 0",
                facts.notes.get("protocol_status"))


def check_uninstall(facts: Facts, checks: Checks) -> None:
    """Nothing stays, and what somebody had configured was shown before it went."""
    installed, left = ((facts.folder / f"files-{when}").read_text().splitlines()
                       for when in ("installed", "left"))
    wanted = {"/usr/sbin/reapd", "/usr/lib/systemd/system/reapd.service", "/run/reapd",
              "/etc/systemd/system/multi-user.target.wants/reapd.service"}
    checks.that(wanted <= set(installed), "uninstall: it was installed", show(installed))
    text = (facts.folder / "uninstall.txt").read_text()
    checks.that(any(re.fullmatch(r"/var/lib/reapd/record-.*\.trace", path) for path in installed),
                "uninstall: there was a trace", show(installed))
    checks.that("uninstall_status" not in facts.notes, "uninstall: succeeds", text)
    checks.that(not left, "uninstall: nothing stays", show(left))
    checks.that("SoftMemory=7%" in text, "uninstall: a setting is shown before it goes", text)


def check_operations(facts: Facts, checks: Checks) -> None:
    check_ran_to_end(facts, checks)
    check_kernel_idle(facts, checks)
    checks.that(not facts.daemon_signals(), "nobody was signalled", show(facts.daemon_signals()))
    check_status(facts, checks, "status.txt", 10, "systemctl status: level and limits")
    check_self(facts, checks)
    check_exposure(facts, checks)
    check_reload(facts, checks)
    check_swap(facts, checks)
    check_other_swap(facts, checks)
    check_usage(facts, checks)
    before, after = facts.unit("daemon-start"), facts.unit("daemon-end")
    for key in ("MainPID", "InvocationID"):
        checks.that(bool(before) and before.get(key) == after.get(key),
                    f"through all of it the same daemon: {key}",
                    f"{before.get(key)} before, {after.get(key)} after")
    checks.that(after.get("NRestarts") == "0", "NRestarts is 0", after.get("NRestarts"))
    stopped = facts.unit("stopped")
    found = {key: stopped.get(key) for key in ("ActiveState", "Result", "ExecMainStatus")}
    checks.that(found == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"},
                "it stops cleanly", found)
    checks.that(0 <= facts.number("stop_usec") < STOP_LIMIT_USEC, "it stops within 5 s",
                facts.notes.get("stop_usec"))
    check_protocol(facts, checks)
    check_uninstall(facts, checks)


# ---- what is missing

# Step: whether it starts, and what must be said, once, about what is missing.
ENVIRONMENTS = {
    "no-CAP_KILL": ("failed", "cannot signal other users' processes: CAP_KILL is required"),
    # The unit's own ProtectProc= hides everybody from a daemon without it.
    "no-CAP_SYS_PTRACE": ("failed", "hidepid, where CAP_SYS_PTRACE is required"),
    "no-CAP_IPC_LOCK": ("active", r"memory is not locked \(CAP_IPC_LOCK\)"),
    "no-CAP_SYS_RESOURCE": ("active", r"read but cannot wake it \(CAP_SYS_RESOURCE\)"),
    "no-NOTHING": ("active", r"pressure wakes it; .*memory is locked; own oom_score_adj is -1000"),
    "no-mrelease": ("active", "process_mrelease is missing: Linux 5.15 or later has it"),
    "no-pidfd": ("failed", r"expected Linux \d.*, with pidfds"),
    "no-journal": ("active", "watches .* of memory"),
    "hidepid": ("active", "kcmp works"),
}
ROOMS = {
    "no-proc": ("1", r"^reapd: /proc/meminfo: .*expected /proc to be mounted$"),
    "old-meminfo": ("1", r"^reapd: /proc/meminfo: expected a line MemAvailable"),
    "container": ("124", r"a container with 300M of memory of its own"),
}


def check_kill_in(facts: Facts, checks: Checks, load: str, mrelease: tuple[str, ...]) -> None:
    """The load died by the daemon, and the journal has it."""
    pid = facts.pid(load)
    own = [entry for entry in facts.signals_to(pid) if facts.sent_by_daemon(entry)]
    checks.that(facts.notes.get(f"dead_{load}") == "yes" and bool(own),
                f"{load}: died by the daemon's signal", show(facts.signals_to(pid)))
    kills = [entry for entry in report.entries(facts, "KILL")
             if entry.get("REAPD_VICTIM_PID") == str(pid)]
    checks.that(len(kills) == 1 and kills[0].get("REAPD_MRELEASE") in mrelease
                and kills[0].get("REAPD_VICTIM_UNIT") == f"{load}.service",
                f"{load}: one KILL entry, mrelease {' or '.join(mrelease)}",
                show(f"{entry['MESSAGE']}" for entry in kills))


def check_held(facts: Facts, checks: Checks) -> None:
    """Nobody tiny died for a victim that held the memory and did not die."""
    pid, begin = facts.pid("held"), facts.number("step_held_usec")
    sent = [entry for entry in facts.daemon_signals() if entry.at_usec > begin]
    checks.that(bool(sent) and {entry.pid for entry in sent if entry.comm != "reapd-drill"}
                == {pid}, "held: it alone was signalled", show(sent))
    alive = [facts.alive(f"tiny{number + 1}") for number in range(facts.number("tiny"))]
    checks.that(bool(alive) and all(alive), "held: the tiny ones live", alive)
    checks.that(facts.notes.get("dead_held") == "yes", "held: it died when it could")
    barren = [entry for entry in report.entries(facts, "BARREN")
              if entry.get("REAPD_STUCK_PID") == str(pid)]
    checks.that(len(barren) == 1 and int(barren[0]["REAPD_STUCK_BYTES"]) >> 20 > 300,
                "held: said once who holds the memory",
                show(entry["MESSAGE"] for entry in report.entries(facts, "BARREN")))


def check_restarter(facts: Facts, checks: Checks) -> None:
    """A service restarted into the same end: each kill is counted, and the lines say so."""
    kills = [entry for entry in report.entries(facts, "KILL")
             if entry.get("REAPD_VICTIM_COMM") == "restarter"]
    counts = [int(entry["REAPD_UNIT_KILLS"]) for entry in kills]
    checks.that(len(counts) >= 3 and counts == list(range(1, len(counts) + 1)),
                "restarted and killed again: the count", counts)
    lines = [entry["MESSAGE"] for entry in kills[1:]]
    checks.that(all(f"kill number {number} within an hour" in line
                    for number, line in enumerate(lines, 2)), "and the line says it", show(lines))


def check_environment(facts: Facts, checks: Checks) -> None:
    check_ran_to_end(facts, checks)
    check_kernel_idle(facts, checks)
    check_neighbours(facts, checks)
    for step, (state, pattern) in ENVIRONMENTS.items():
        unit, lines = attempt(facts, step), said(facts, step)
        checks.that(unit.get("ActiveState") == state, f"{step}: {state}",
                    show([f"{unit.get('ActiveState')}, {unit.get('Result')}", *lines]))
        found = [line for line in lines if re.search(pattern, line)]
        checks.that(len(found) == 1, f"{step}: it says so", show(lines))
        checks.that(unit.get("NRestarts") == "0", f"{step}: not tried again",
                    unit.get("NRestarts"))
    checks.that(facts.notes.get("journal_stopped_state") == "active",
                "it starts while journald is stopped", facts.notes.get("journal_stopped_state"))
    check_kill_in(facts, checks, "kill-mrelease", ("ENOSYS",))
    check_kill_in(facts, checks, "kill-hidepid", ("0", "ESRCH"))
    check_restarter(facts, checks)
    check_held(facts, checks)
    for name, (status, pattern) in ROOMS.items():
        lines = (facts.folder / f"room-{name}").read_text(errors="replace").splitlines()
        found = [line for line in lines if re.search(pattern, line)]
        checks.that(facts.notes.get(f"room_{name}") == status and len(found) == 1,
                    f"{name}: status {status}, and one line says why",
                    show([f"status {facts.notes.get(f'room_{name}')}", *lines]))
