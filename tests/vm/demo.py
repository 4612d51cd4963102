#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the demonstration: a leak in a guest and reapd catching it, line by line as it happens.

    demo.py --build-dir build/vm

Nothing is killed on this machine: all of it takes place in the guest of the vm suite, which is
built first if it is not there. reapd is what meson has built beside --build-dir. What happens is
shown as the guest tells it; how long it took is then read from the guest's kernel, not from reapd.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import shutil
import signal
import sys
import textwrap
import threading
import time

import guest
import run
from cases import Case
from checks import BACK_PERCENT, LIMIT_PERCENT
from facts import Facts, Signal

WIDTH = 96
BAR_COLUMNS = 40
MACHINE = guest.Boot(timeout_seconds=120)


class Screen:
    """What the guest tells, as lines for a person; also when that is a file."""

    def __init__(self) -> None:
        self.total_kib = MACHINE.memory_mib * 1024
        self.start: float | None = None
        self.table_rows = 0

    def line(self, text: str = "") -> None:
        print(text, flush=True)

    def note(self, text: str, first: str, rest: str) -> None:
        width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
        self.line(textwrap.fill(text, width, initial_indent=first, subsequent_indent=rest,
                                break_long_words=False, break_on_hyphens=False))

    def told(self, kind: str, text: str) -> None:
        if kind == "available":
            self.available(int(text))
        elif kind == "step" and text != "done":
            self.start = time.monotonic()
            self.line()
            self.line(f"== {text}")
        elif kind == "log":
            self.log(text)

    def available(self, kib: int) -> None:
        if self.start is None:
            return
        share = min(kib / self.total_kib, 1)
        bar = "#" * round(share * BAR_COLUMNS)
        self.line(f"{time.monotonic() - self.start:6.1f} s [{bar:<{BAR_COLUMNS}}] "
                  f"{kib // 1024:4d} MiB available")

    def log(self, text: str) -> None:
        """A line of reapd's journal. The table of candidates is too wide for most terminals."""
        if text.startswith("["):
            self.table_rows += 1
            return
        if self.table_rows:
            self.line(f"        ({self.table_rows - 1} candidates follow in the journal, "
                      "with each term of their badness)")
            self.table_rows = 0
        self.note(text, "  reapd: ", "         ")


class Follower(threading.Thread):
    """Reads the guest's console as it grows."""

    def __init__(self, console: pathlib.Path, screen: Screen) -> None:
        super().__init__(daemon=True)
        self.console, self.screen, self.ended = console, screen, threading.Event()

    def run(self) -> None:
        offset = 0
        while True:
            last = self.ended.is_set()
            try:
                with open(self.console, "rb") as file:
                    file.seek(offset)
                    data = file.read()
            except OSError:
                data = b""
            whole = data.rfind(b"\n") + 1
            offset += whole
            for line in data[:whole].decode(errors="replace").splitlines():
                match = re.match(r"demo: (\w+) (.*)", line)
                if match:
                    self.screen.told(match[1], match[2].rstrip())
            if last:
                return
            time.sleep(0.05)


def milliseconds(usec: int | None) -> str:
    return "?" if usec is None else f"{usec / 1000:.0f} ms"


def first_signal(facts: Facts) -> Signal | None:
    own = [entry for entry in facts.signals_to(facts.pid("leak")) if facts.sent_by_daemon(entry)]
    return own[0] if own else None


def show_result(facts: Facts, screen: Screen) -> bool:
    """What the guest's kernel and the referee say. True if all went as it should."""
    sent = first_signal(facts)
    screen.line()
    screen.line("== what the guest's kernel says")
    if not sent:
        screen.line("  reapd signalled nobody")
        return False
    limit = facts.number("mem_total_kib") * LIMIT_PERCENT // 100
    crossing = facts.crossing_usec(limit, facts.number("load_start_usec"))
    low = facts.at(sent.at_usec)
    before = facts.number("available_before_kib")
    wanted = low.available_kib + (before - low.available_kib) * BACK_PERCENT // 100
    back = facts.back_usec(wanted, sent.at_usec)
    stalls = [facts.gaps(name).get("worst_gap_usec", 0) for name in ("neighbour", "protected")]
    living = [name for name in ("neighbour", "protected") if facts.alive(name)]
    name = {15: "SIGTERM", 9: "SIGKILL"}.get(sent.number, str(sent.number))
    since = None if crossing is None else sent.at_usec - crossing
    screen.line(f"  killed:      process {sent.pid} ({sent.comm}), by {name} from reapd, "
                f"{milliseconds(since)} after 10 % was reached")
    screen.line(f"  memory:      {(before - low.available_kib) // 1024} MiB back "
                f"{milliseconds(None if back is None else back - sent.at_usec)} after the signal")
    screen.line(f"  neighbours:  {len(living)} of 2 alive, the longest stall "
                f"{milliseconds(max(stalls))}")
    screen.line(f"  the kernel:  had to kill {facts.oom_kills or 'nobody'}")
    return back is not None and len(living) == 2 and facts.oom_kills == 0


def demonstrate(build_dir: pathlib.Path, screen: Screen) -> bool:
    arguments = argparse.Namespace(build_dir=build_dir, install=None, bin=[], env=[], keep=None,
                                   install_from=build_dir.resolve().parent)
    results = build_dir.resolve() / "results" / "demo"
    guest.require_tools()
    if not guest.is_built(build_dir):
        screen.line("Building the test guest, once: about a minute.")
        guest.build(build_dir)
    screen.line(f"Booting the test guest: Debian, {MACHINE.memory_mib} MiB of memory, "
                f"{MACHINE.cpus} CPUs, emulated: about 15 seconds.")
    follower = Follower(results / "console.log", screen)
    shutil.rmtree(results, ignore_errors=True)
    follower.start()
    try:
        run.boot_case(Case("demo", MACHINE, lambda facts, checks: None, ""), "reapd", arguments,
                      results)
    finally:
        follower.ended.set()
        follower.join()
    return show_result(Facts(results), screen)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    parser = argparse.ArgumentParser(description="reapd catches a leak, in a guest.")
    parser.add_argument("--build-dir", type=pathlib.Path, required=True, help="e.g. build/vm")
    arguments = parser.parse_args()
    try:
        return 0 if demonstrate(arguments.build_dir, Screen()) else 1
    except guest.GuestError as error:
        print(f"demo.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
