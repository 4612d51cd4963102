#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts what the tests of one build have said, from meson's own records.

A test that speaks TAP counts as many as it has lines of results, any other counts one. A test that
was registered and has no result, a suite without a test that passed, and a run that failed although
no test did: each is a failure. Prints "NAME passed failed skipped", and on standard error why.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import subprocess
import sys

PASSED = {"OK", "EXPECTEDFAIL"}


def registered(build: pathlib.Path, suites: list[str]) -> dict[str, set[str]]:
    """Test to its suites, of those that the run should have run."""
    done = subprocess.run(["meson", "introspect", "--tests", str(build)], check=True, text=True,
                          stdout=subprocess.PIPE)
    tests: dict[str, set[str]] = {}
    for test in json.loads(done.stdout):
        names = {suite.rpartition(":")[2] for suite in test["suite"]}
        if names & set(suites):
            tests[test["name"]] = tests.get(test["name"], set()) | names
    return tests


def recorded(build: pathlib.Path) -> dict[str, dict]:
    """Test to its record. The name in the log may have the suites in front: "a+b / name"."""
    log = build / "meson-logs" / "testlog.json"
    if not log.exists():
        return {}
    records = (json.loads(line) for line in log.read_text().splitlines() if line.strip())
    return {record["name"].rpartition(" / ")[2]: record for record in records}


def count_one(record: dict) -> tuple[int, int, int]:
    output = record.get("stdout") or ""
    result = record["result"]
    lines = []
    if re.search(r"^1\.\.\d+", output, re.M):
        lines = re.findall(r"^(not ok|ok)\b(.*)$", output, re.M)
    skipped = sum(1 for _, rest in lines if re.search(r"# *skip", rest, re.I))
    failed = sum(1 for word, rest in lines
                 if word == "not ok" and not re.search(r"# *(skip|todo)", rest, re.I))
    passed = len(lines) - skipped - failed
    if result == "SKIP":
        return passed, failed, max(skipped, 1)
    if result not in PASSED:
        return passed, max(failed, 1), skipped
    return (passed if lines else 1), failed, skipped


def failures(record: dict, limit: int = 40) -> list[str]:
    """What a failed test said: its failed checks with what was found instead, else its end."""
    lines, failing = [], False
    for line in (record.get("stdout") or "").splitlines():
        if re.match(r"(not ok|ok)\b", line):
            failing = line.startswith("not ok") and not re.search(r"# *(skip|todo)", line, re.I)
        elif not line.startswith("#   "):
            failing = False
        if failing:
            lines.append(line)
    if not lines:
        output = (record.get("stdout") or "") + (record.get("stderr") or "")
        lines = output.splitlines()[-limit:]
    return lines[:limit]


def main() -> int:
    parser = argparse.ArgumentParser(description="Counts the results of one build's tests.")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--suites", required=True, help="those that have to have run, a,b,c")
    parser.add_argument("--status", type=int, required=True, help="exit status of the run")
    arguments = parser.parse_args()
    suites = arguments.suites.split(",")

    def complain(text: str) -> None:
        print(f"FAILED {arguments.name}: {text}", file=sys.stderr)

    tests, records = registered(arguments.build, suites), recorded(arguments.build)
    passed = failed = skipped = 0
    lively = set()
    for name, names in tests.items():
        if name not in records:
            complain(f"{name} has not run")
            failed += 1
            continue
        p, f, s = count_one(records[name])
        passed, failed, skipped = passed + p, failed + f, skipped + s
        if p > 0:
            lively |= names
        if f > 0:
            complain(f"{name}: {f} failed")
            print(*(f"    {line}" for line in failures(records[name])), sep="\n", file=sys.stderr)
    for suite in suites:
        if suite not in lively:
            complain(f"no test of suite {suite} has passed")
            failed += 1
    if arguments.status != 0 and failed == 0:
        complain(f"the run ended with status {arguments.status}, although no test failed")
        failed += 1
    print(arguments.name, passed, failed, skipped)
    return 0


if __name__ == "__main__":
    sys.exit(main())
