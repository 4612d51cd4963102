#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `reapctl replay` shows of each trace, and what it answers to files that are none.

    command.py --reapctl build/src/reapctl --traces tests/replay    # TAP
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

SIGNALS = {"term", "kill", "adopt"}
HEAD = "reapd-trace 1\nfill-rate 4294967296\n"
CALM = "step 1000000 total=1000000000 available=500000000 action=none\n"
LOW = "step 2000000 available=70000000 action=none\n"

# Name, bytes of the file, words behind it, exit status, part of the one line on standard error.
REFUSED = [
    ("empty", b"", [], 1, "the file is empty"),
    ("binary", bytes(range(256)) * 16, [], 1, ":1: expected"),
    ("no step", HEAD.encode(), [], 1, "a trace with a step"),
    ("cut in its only step", (HEAD + CALM).encode()[:-1], [], 1, "a trace with a step"),
    ("another version", b"reapd-trace 2\n" + CALM.encode(), [], 1, ":1: expected version 1"),
    ("time going backwards", (HEAD + CALM + "step 5\n").encode(), [], 1, ":4: expected a time"),
    ("bad setting", (HEAD + CALM).encode(), ["--SoftMemory=7"], 2, "SoftMemory=7: expected"),
    ("bad pattern", (HEAD + CALM).encode(), ["--Prefer=("], 2, "Prefer=: expected a regular"),
    ("settings against each other", (HEAD + CALM).encode(),
     ["--SoftMemory=5%", "--HardMemory=20%"], 78,
     "HardMemory= is 190M here: expected at most SoftMemory=, which is 47.6M"),
    ("a setting against a default", (HEAD + CALM).encode(), ["--WarningMemory=1%"], 78,
     "command line: SoftMemory= is 95.3M here: expected at most WarningMemory="),
    ("a setting against one of the trace",
     (HEAD + "set HardMemory=300M\n" + CALM).encode(), ["--SoftMemory=5%"], 78,
     "HardMemory= is 300M here"),
    ("a value where none belongs", (HEAD + CALM).encode(), ["--all=3"], 2, "expected no value"),
    ("line break in a word", (HEAD + CALM).encode(), ["--a\nb"], 2, "--a?b: expected a known"),
    ("unknown option", (HEAD + CALM).encode(), ["--colour"], 2, "--colour: expected a known"),
    ("unknown column", (HEAD + CALM).encode(), ["--columns=colour"], 2, "colour"),
    ("two files", (HEAD + CALM).encode(), ["other"], 2, "other: expected options only"),
]


class Tap:
    def __init__(self) -> None:
        self.number = self.failed = 0

    def that(self, condition: bool, name: str, found: object = "") -> bool:
        self.number += 1
        self.failed += not condition
        print(f"{'ok' if condition else 'not ok'} {self.number} - {name}")
        if not condition:
            print(*(f"# found: {line}" for line in str(found).splitlines()), sep="\n")
        return condition


def expected(trace: str) -> str:
    line = next(line for line in trace.splitlines() if line.startswith("expect "))
    return line.split()[1].replace("nobody", "none")


def check_traces(tap: Tap, run, folder: pathlib.Path) -> None:
    for path in sorted(folder.glob("*.trace")):
        done = run(path, "--json")
        steps = json.loads(done.stdout)["steps"] if done.returncode == 0 else []
        sent = next((step["action"] for step in steps if step["action"] in SIGNALS), "none")
        tap.that(sent == expected(path.read_text()), f"{path.name}: {sent}",
                 done.stderr or done.stdout)


def check_settings(tap: Tap, run, path: pathlib.Path) -> None:
    path.write_text(HEAD + CALM + LOW + "step 3000000 available=500000000\n")
    done = run(path, "--SoftMemory=5%", "--json", "--all")
    steps = json.loads(done.stdout)["steps"]
    tap.that([step["action"] for step in steps] == ["none"] * 3, "lower limit: nothing", steps)
    tap.that(done.stderr == "", "and no remark", done.stderr)
    done = run(path, "--json")
    steps = json.loads(done.stdout)["steps"]
    tap.that([(step["line"], step["action"], step["recorded"]) for step in steps] ==
             [(4, "term", "none")], "own limit: a signal that was not sent, and the end", steps)
    tap.that("ends here" in done.stderr, "which a remark says", done.stderr)
    done = run(path, "--SoftMemory=5%", "--SoftMemory=")
    tap.that(" term " in done.stdout, "the last of two settings counts", done.stdout)
    path.write_text(HEAD + CALM + "lost 7\n" + "step 2000000 avail")
    done = run(path, "--all")
    tap.that(done.returncode == 0 and "7 steps were lost" in done.stderr and
             "no end" in done.stderr, "remarks on what is missing", done.stderr)


def check_full_disk(tap: Tap, reapctl: str, path: pathlib.Path) -> None:
    path.write_text(HEAD + CALM + LOW)
    for words in ([], ["--json"], ["--all"]):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([reapctl, "replay", str(path), *words], text=True,
                                  stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE)
        tap.that(done.returncode == 1 and
                 done.stderr == "reapctl: standard output cannot be written\n",
                 f"a full disk: {words}", done)


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks reapctl replay.")
    parser.add_argument("--reapctl", required=True)
    parser.add_argument("--traces", type=pathlib.Path, required=True)
    arguments = parser.parse_args()

    def run(path: pathlib.Path, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([arguments.reapctl, "replay", str(path), *words], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)

    tap = Tap()
    check_traces(tap, run, arguments.traces)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "trace"
        for name, data, words, status, says in REFUSED:
            path.write_bytes(data)
            done = run(path, *words)
            tap.that(done.returncode == status and says in done.stderr and not done.stdout and
                     done.stderr.count("\n") == 1, f"{name}: status {status}, one line",
                     f"{done.returncode}: {done.stderr}")
        for missing in (path.with_name("no-such-file"), pathlib.Path(folder)):
            done = run(missing)
            tap.that(done.returncode == 1 and done.stderr.count("\n") == 1, "no file",
                     done.stderr)
        check_settings(tap, run, path)
        check_full_disk(tap, arguments.reapctl, path)
    print(f"1..{tap.number}")
    return 1 if tap.failed or tap.number < 15 else 0


if __name__ == "__main__":
    sys.exit(main())
