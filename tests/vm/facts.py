# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the reading of what a guest reported: one folder of results as one object.

Checks speak of signals, samples and journal entries, never of files. All times are microseconds
of the guest's CLOCK_MONOTONIC, whichever of the referee, the tracepoints, the journal or the
kernel log they come from, so that they can be subtracted from each other.
"""

from __future__ import annotations

import collections
import csv
import dataclasses
import functools
import json
import pathlib
import re
import typing

# A neighbour is in trouble while it has lost a quarter of the last so many.
TROUBLE_WINDOW_USEC = 4_000_000
BIN_USEC = 10_000


class Sample(typing.NamedTuple):
    """One line of the referee; -1 where the kernel has no such number."""
    at_usec: int
    available_kib: int
    free_kib: int
    swap_free_kib: int
    oom_kill: int
    some_usec: int
    full_usec: int


@dataclasses.dataclass(frozen=True)
class Signal:
    """One signal sent, as the kernel saw it. `sender_tgid` is -1 where the trace lost it."""
    at_usec: int
    sender_comm: str
    sender_pid: int
    sender_tgid: int
    number: int
    code: int
    comm: str
    pid: int
    result: str

    @property
    def from_kernel(self) -> bool:
        return self.code == 128  # SI_KERNEL

    def __str__(self) -> str:
        return (f"signal {self.number} from {self.sender_comm}[{self.sender_pid}] "
                f"{'(kernel) ' if self.from_kernel else ''}to {self.comm}[{self.pid}] "
                f"at {self.at_usec / 1e6:.3f} s, {self.result}")


class TraceEvent(typing.NamedTuple):
    at_usec: int
    comm: str
    pid: int
    tgid: int
    name: str
    text: str


TRACE_LINE = re.compile(r"^ *(?P<comm>.{1,16})-(?P<pid>\d+) +(?:\( *(?P<tgid>[\d-]+)\) +)?"
                        r"\[\d+\] +\S+ +(?P<seconds>\d+)\.(?P<usec>\d{6}): (?P<name>\w+): ?"
                        r"(?P<text>.*)$")
SIGNAL_TEXT = re.compile(r"^sig=(\d+) errno=-?\d+ code=(-?\d+) comm=(.*) pid=(\d+) grp=\d res=(\d)")
KERNEL_LINE = re.compile(r"^<(\d+)>\[ *(\d+)\.(\d{6})\] ?(.*)$")
# enum in include/trace/events/signal.h. A SIGTERM that is ignored was sent all the same.
RESULTS = ("delivered", "ignored", "already pending", "overflow fail", "lose info")


def parse_pairs(path: pathlib.Path) -> dict[str, str]:
    """KEY=VALUE lines; the last of a key counts; a file that is not there is empty."""
    if not path.exists():
        return {}
    lines = path.read_text(errors="replace").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


class Facts:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.notes = parse_pairs(folder / "facts")
        self.status = int((folder / "status").read_text())
        failures = folder / "failures"
        self.failures = failures.read_text().splitlines() if failures.exists() else []

    def number(self, note: str) -> int:
        """A note of the case as a number, -1 where the case did not get to it."""
        return int(self.notes.get(note, "-1"))

    def pid(self, load: str) -> int:
        return self.number(f"pid_{load}")

    def alive(self, neighbour: str) -> bool:
        return self.notes.get(f"alive_{neighbour}") == "yes"

    def unit(self, name: str) -> dict[str, str]:
        """`systemctl show` of a unit the case noted; `daemon-start`, `daemon-end`: the daemon's."""
        return parse_pairs(self.folder / "units" / name)

    def gaps(self, neighbour: str) -> dict[str, int]:
        pairs = parse_pairs(self.folder / f"{neighbour}.gaps")
        return {key: int(value) for key, value in pairs.items()}

    def losses(self, neighbour: str) -> list[tuple[int, int]]:
        """What it lost, in pieces: until when, and how much, in µs."""
        path = self.folder / f"{neighbour}.gaps.losses"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(until), int(lost)) for until, lost in map(str.split, lines)]

    def trouble_usec(self, neighbour: str, since_usec: int, until_usec: int) -> int | None:
        """How long at a stretch it had always lost a quarter of the last TROUBLE_WINDOW_USEC. None:
        it never had. Who gets his pages in again by himself needs nobody's help."""
        bins: dict[int, int] = collections.Counter()
        for until, lost in self.losses(neighbour):
            for at in range(max(until - lost, since_usec), min(until, until_usec), BIN_USEC):
                bins[at // BIN_USEC] += min(BIN_USEC, until - at)
        lost = stretch = longest = 0
        for at in range(since_usec // BIN_USEC, until_usec // BIN_USEC):
            lost += bins[at] - bins[at - TROUBLE_WINDOW_USEC // BIN_USEC]
            stretch = stretch + BIN_USEC if lost * 4 >= TROUBLE_WINDOW_USEC else 0
            longest = max(longest, stretch)
        return longest or None

    # ---- the referee

    @functools.cached_property
    def samples(self) -> list[Sample]:
        path = self.folder / "samples.csv"
        if not path.exists():
            return []
        with open(path, newline="") as file:
            return [Sample(*map(int, row)) for row in list(csv.reader(file))[1:]]

    def since(self, usec: int) -> typing.Iterator[Sample]:
        return (sample for sample in self.samples if sample.at_usec >= usec)

    def crossing_usec(self, limit_kib: int, since_usec: int = 0) -> int | None:
        """The first sample with at most this much available."""
        return next((sample.at_usec for sample in self.since(since_usec)
                     if sample.available_kib <= limit_kib), None)

    def back_usec(self, limit_kib: int, since_usec: int) -> int | None:
        """The first sample after a moment with at least this much available again."""
        return next((sample.at_usec for sample in self.since(since_usec)
                     if sample.available_kib >= limit_kib), None)

    def longest_short_usec(self, limit_kib: int, since_usec: int, until_usec: int) -> int:
        """How long at most it stayed at this much available or less, in one piece."""
        longest = begin = 0
        for sample in self.samples:
            if sample.available_kib > limit_kib or not since_usec <= sample.at_usec < until_usec:
                begin = 0
                continue
            begin = begin or sample.at_usec
            longest = max(longest, sample.at_usec - begin)
        return longest

    def at(self, usec: int) -> Sample | None:
        """The last sample before a moment."""
        before = [sample for sample in self.samples if sample.at_usec <= usec]
        return before[-1] if before else None

    @property
    def oom_kills(self) -> int:
        """How many kills the kernel counted while the case ran."""
        return self.number("oom_kill_after") - self.number("oom_kill_before")

    @property
    def sample_lateness_usec(self) -> int:
        """The longest time between two samples: how far the referee itself can be trusted."""
        times = [sample.at_usec for sample in self.samples]
        return max((b - a for a, b in zip(times, times[1:])), default=0)

    # ---- tracepoints

    @functools.cached_property
    def trace(self) -> list[TraceEvent]:
        path = self.folder / "trace.txt"
        events = []
        for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
            match = TRACE_LINE.match(line)
            if not match:
                continue
            tgid = match["tgid"] or "-1"
            events.append(TraceEvent(int(match["seconds"]) * 1_000_000 + int(match["usec"]),
                                     match["comm"].strip(), int(match["pid"]),
                                     int(tgid) if tgid.strip("-") else -1,
                                     match["name"], match["text"]))
        return events

    @property
    def trace_lost(self) -> int:
        """Events the trace had no room for: with any, absence proves nothing."""
        path = self.folder / "trace-stats"
        if not path.exists():
            return -1
        return sum(int(line.rsplit(" ", 1)[1]) for line in path.read_text().splitlines())

    @functools.cached_property
    def signals(self) -> list[Signal]:
        found = []
        for event in self.trace:
            match = SIGNAL_TEXT.match(event.text) if event.name == "signal_generate" else None
            if match:
                found.append(Signal(event.at_usec, event.comm, event.pid, event.tgid,
                                    int(match[1]), int(match[2]), match[3], int(match[4]),
                                    RESULTS[int(match[5])]))
        return found

    def signals_to(self, pid: int) -> list[Signal]:
        return [entry for entry in self.signals if entry.pid == pid]

    def sent_by_daemon(self, entry: Signal) -> bool:
        """By any thread of the daemon, by identity and not by name."""
        if entry.from_kernel:
            return False
        threads = self.unit("daemon-end").get("NoteTasks", "").split()
        return (entry.sender_pid in self.daemon_pids or entry.sender_tgid in self.daemon_pids
                or str(entry.sender_pid) in threads)

    @functools.cached_property
    def daemon_pids(self) -> set[int]:
        """Every process that was the daemon; a case may start it more than once."""
        path = self.folder / "daemon-pids"
        lines = path.read_text().split() if path.exists() else []
        return {int(line) for line in lines} - {0}

    def daemon_signals(self) -> list[Signal]:
        return [entry for entry in self.signals if self.sent_by_daemon(entry)]

    def exit_usec(self, pid: int) -> int | None:
        """When the last of its threads had given up its memory and was about to be a zombie: on a
        slow disk one may wait half a second longer than another for the page that it began to
        read."""
        return max((event.at_usec for event in self.trace if event.name == "sched_process_exit"
                    and (event.tgid == pid or f" pid={pid} " in event.text + " ")), default=None)

    # ---- logs

    @functools.cached_property
    def journal_all(self) -> list[dict]:
        path = self.folder / "journal.json"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line]

    def journal(self, unit: str | None = None, message_id: str | None = None) -> list[dict]:
        """Entries that came from a unit's own processes, oldest first, as journalctl's JSON."""
        return [entry for entry in self.journal_all
                if (unit is None or entry.get("_SYSTEMD_UNIT") == unit)
                and (message_id is None or entry.get("MESSAGE_ID") == message_id)]

    def step(self, name: str) -> tuple[int, int] | None:
        """From when to when a step of the case took place."""
        starts = sorted(int(value) for key, value in self.notes.items()
                        if re.fullmatch(r"step_.*_usec", key))
        start = self.number(f"step_{name}_usec")
        if start < 0:
            return None
        return start, next((later for later in starts if later > start), 1 << 62)

    def said(self, step: str, identifier: str = "reapd") -> list[dict]:
        """What a program wrote into the journal during a step."""
        start, end = self.step(step) or (0, 0)
        return [entry for entry in self.journal_all
                if entry.get("SYSLOG_IDENTIFIER") == identifier
                and start <= int(entry["__MONOTONIC_TIMESTAMP"]) < end]

    @functools.cached_property
    def kernel_log(self) -> list[tuple[int, str]]:
        path = self.folder / "kernel.log"
        found = []
        for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
            match = KERNEL_LINE.match(line)
            if match:
                found.append((int(match[2]) * 1_000_000 + int(match[3]), match[4]))
        return found

    def kernel_lines(self, pattern: str) -> list[str]:
        return [text for _, text in self.kernel_log if re.search(pattern, text)]
