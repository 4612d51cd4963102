# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the comparison of reapd's choice with the kernel's, over the populations of populate.py:
the victim, and the table that the kernel dumps for its kill, column by column.
"""

from __future__ import annotations

import collections
import json
import re

from checks import Checks, show
from facts import Facts

POPULATIONS = 30
PROCESSES = 20
AT_LEAST = {"near": 10, "tie": 5, "negative": 5}
DISCARDED_PERCENT_MAX = 10

KILLED = re.compile(r"Killed process (\d+) \(")
ROW = re.compile(r"^\[ *(\d+)\]((?: +-?\d+)+) (\S.*)$")
# The kernel's columns by its heading; those that a kernel does not print are not compared.
OURS = {"uid": "uid", "tgid": "pid", "total_vm": "total_vm", "rss": "rss", "rss_anon": "rss_anon",
        "rss_file": "rss_file", "rss_shmem": "rss_shmem", "pgtables_bytes": "pgtables_bytes",
        "swapents": "swapents", "oom_score_adj": "oom_score_adj", "name": "name", "pid": "tid"}


def kernel_table(lines: list[str]) -> list[dict[str, str]]:
    """What dump_tasks() printed, a row a process, by its own heading."""
    names: list[str] = []
    rows = []
    for line in lines:
        if "total_vm" in line and "oom_score_adj" in line:
            names = line.strip().replace("[  pid  ]", "pid").split()
        match = ROW.match(line)
        if names and match:
            values = [match[1], *match[2].split(), match[3]]
            if len(values) == len(names):
                rows.append(dict(zip(names, values)))
    return rows


def differences(population: dict) -> list[str]:
    """Rows and figures in which the two tables differ, for the population's own processes: others
    go on running between the one and the other."""
    ours = {row["pid"]: row for row in population["ours"]}
    found = []
    theirs = {int(row["tgid"]): row for row in kernel_table(population["kernel"])}
    for pid, row in ours.items():
        if not row["name"].startswith("pop") or row["verdict"] not in ("victim", "eligible"):
            continue
        if pid not in theirs:
            found.append(f"{pid} ({row['name']}) is not in the kernel's table")
            continue
        found += [f"{pid} ({row['name']}): {name} is {value}, ours {row[OURS[name]]}"
                  for name, value in theirs[pid].items() if str(row[OURS[name]]) != value]
    return found


def check_parity(facts: Facts, checks: Checks) -> None:
    checks.that(facts.status == 0 and not facts.failures, "the case ran to its end",
                show(facts.failures) if facts.failures else f"status {facts.status}")
    print(f"# seed {facts.notes.get('seed')}: again with --env VM_SEED={facts.notes.get('seed')}")
    folder = facts.folder / "parity"
    populations = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    discarded = (folder / "discarded").read_text().splitlines()
    for line in discarded:
        print(f"# discarded: {line}")
    checks.that(len(populations) == POPULATIONS, f"{POPULATIONS} populations", len(populations))
    checks.that(len(discarded) * 100 <= DISCARDED_PERCENT_MAX * POPULATIONS,
                f"at most {DISCARDED_PERCENT_MAX} % discarded", show(discarded))
    kinds = collections.Counter(population["kind"] for population in populations)
    checks.that(all(kinds[kind] >= count for kind, count in AT_LEAST.items()),
                "enough of each kind", dict(kinds))
    sizes = [sum(row["verdict"] in ("victim", "eligible") for row in population["ours"])
             for population in populations]
    checks.that(min(sizes, default=0) >= PROCESSES, f"at least {PROCESSES} candidates in each",
                sizes)

    wrong, compared, apart = [], 0, []
    for number, population in enumerate(populations):
        ours = [row for row in population["ours"] if row["verdict"] == "victim"]
        killed = [int(match[1]) for line in population["kernel"] if (match := KILLED.search(line))]
        if len(ours) != 1 or killed != [ours[0]["tid"]]:
            best = sorted(population["ours"], key=lambda row: -row["badness"])[:3]
            wrong.append(f"{number} ({population['kind']}): the kernel killed {killed}; ours: "
                         + "; ".join(f"{row['pid']} {row['badness']} {row['verdict']}"
                                     for row in best))
        rows = kernel_table(population["kernel"])
        compared += len(rows)
        apart += [f"{number}: {line}" for line in differences(population)]
    checks.that(len(populations) == POPULATIONS and not wrong,
                f"the same victim, {POPULATIONS} of {POPULATIONS}", show(wrong))
    checks.that(compared >= POPULATIONS * PROCESSES and not apart,
                "the kernel's table and ours are the same, column by column",
                show([f"{compared} rows", *apart[:40]]))
    checks.figure("rows compared", compared)
