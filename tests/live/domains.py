#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory nodes and control groups watched by a daemon in a dry run: what it says of them, what
reapctl shows, and what a reload changes. Who dies for one is in the guest.

    domains.py --reapd build/src/reapd --reapctl build/src/reapctl
"""

from __future__ import annotations

import argparse
import pathlib
import re
import sys
import tempfile

import control
from control import Daemon, report

GROUPS = pathlib.Path("/sys/fs/cgroup/cgroup.controllers")
NODE = pathlib.Path("/sys/devices/system/node/node0/meminfo")


def check_nothing(daemon: Daemon) -> None:
    report("too:" not in daemon.log.read_text() and daemon.status()["Domains"] == [],
           "unconfigured: no domain", daemon.log.read_text())


def check_mistakes(daemon: Daemon) -> None:
    for value, wanted in (("WatchNodes=one", "sets of memory nodes"),
                          ("WatchCgroups=relative", "absolute paths below the root")):
        daemon.config.write_text(f"[Limits]\n{value}\n")
        done = daemon.ctl("reload")
        report(done.returncode != 0 and wanted in done.stderr and done.stderr.count("\n") == 1,
               f"{value}: one line that says what is expected", done)


def check_groups(daemon: Daemon) -> None:
    if GROUPS.exists() and "memory" in GROUPS.read_text().split():
        report(None, "without the v2 hierarchy", "this machine has it")
        return
    daemon.config.write_text("[Limits]\nWatchCgroups=/*\n")
    daemon.ctl("reload")
    daemon.wait_for("expected the memory controller in the v2 hierarchy")
    report(True, "without the v2 hierarchy it says so")


def check_nodes(daemon: Daemon) -> None:
    if not NODE.exists():
        report(None, "nodes", "this kernel knows none")
        return
    daemon.config.write_text("[Limits]\nWatchNodes=0 1023\n")
    daemon.ctl("reload")
    daemon.wait_for("the configuration was reloaded")
    daemon.wait_for("WatchNodes=1023: not watched: there are no such nodes with memory")
    rows = daemon.status()["Domains"]
    total = int(re.search(r"MemTotal:\s+(\d+) kB", NODE.read_text())[1]) * 1024
    report(len(rows) == 1 and rows[0]["Name"] == "nodes 0" and rows[0]["Level"] == "calm"
           and rows[0]["MemoryTotal"] == total and 0 < rows[0]["MemoryAvailable"] <= rows[0]["MemoryTotal"]
           and rows[0]["WarningMemory"] > rows[0]["SoftMemory"] > rows[0]["HardMemory"] > 0,
           "nodes: what they hold and the limits", rows)
    report(re.search(r"^    Domain: nodes 0, level calm: .+; warning at .+, SIGTERM at .+, SIGKILL "
                     r"at .+$", daemon.ctl("status").stdout, re.M) is not None,
           "nodes: for people", daemon.ctl("status").stdout)


def check_short(daemon: Daemon) -> None:
    """Limits that are reached already: the machine's, and those of each domain."""
    if not NODE.exists():
        report(None, "nodes that are short", "this kernel knows none")
        return
    daemon.config.write_text("[Limits]\nWatchNodes=0\nSoftMemory=100%\nHardMemory=0%\n"
                             "SoftSwap=100%\nHardSwap=0%\n")
    daemon.ctl("reload")
    daemon.wait_for("memory level soft (was calm) of nodes 0: ")
    daemon.wait_for(", for nodes 0")
    lines = re.findall(r"^Out of memory: dry run, would send SIGTERM to process (\d+) .*, for nodes "
                       r"0$", daemon.log.read_text(), re.M)
    report(len(lines) == 1, "nodes that are short: one victim, once a shortage",
           daemon.log.read_text())
    daemon.config.write_text("")
    daemon.ctl("reload")
    daemon.wait_for("nodes 0 is not watched any more", 2)
    check_nothing_left(daemon)


def check_nothing_left(daemon: Daemon) -> None:
    report(daemon.status()["Domains"] == [] and daemon.process.poll() is None,
           "a reload takes them away again", daemon.log.read_text())


def main() -> int:
    parser = argparse.ArgumentParser(description="Domains of a daemon in a dry run.")
    parser.add_argument("--reapd", required=True)
    parser.add_argument("--reapctl", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(arguments, pathlib.Path(folder))
        try:
            for check in (check_nothing, check_mistakes, check_groups, check_nodes, check_short):
                check(daemon)
        finally:
            status = daemon.end()
        report(status == 0, "it ends as it should", status)
    print(f"1..{control.number}")
    return 1 if control.failed else 0


if __name__ == "__main__":
    sys.exit(main())
