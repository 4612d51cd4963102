#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What reapctl says of every process against what the kernel says: /proc/PID/oom_score.

    oracle.py --reapctl build/src/reapctl --crowd build/tests/oracle/crowd      # TAP

The kernel's figure is of another moment than ours, so a process counts only while it stands still:
when the kernel says the same before and after, and when a difference is there every time.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PROC = pathlib.Path("/proc")
TRIES = 20

# The kernel rates these with LONG_MIN and shows 0.
UNRATED = {"init", "kthread", "no-mm", "adj-min", "vfork"}
VERDICTS = UNRATED | {"victim", "eligible", "dying", "aside", "self", "ignored"}

NUMBERS = ["pid", "tid", "uid", "total_vm", "rss", "rss_anon", "rss_file", "rss_shmem",
           "pgtables_bytes", "swapents", "oom_score_adj", "badness", "oom_score"]
TEXTS = ["user", "name", "verdict"]

PAGE = os.sysconf("SC_PAGE_SIZE")

number = 0
failed = 0


def report(good: bool | None, name: str, why: object = "") -> None:
    """None: it cannot be tried here."""
    global number, failed
    number += 1
    skip = f" # SKIP {why}" if good is None else ""
    print(f"{'not ok' if good is False else 'ok'} {number} - {name}{skip}")
    if good is False:
        failed += 1
        print(f"# {why}")
    sys.stdout.flush()


def read(path: pathlib.Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


def kernel_scores() -> dict[int, int]:
    scores = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            text = read(entry / "oom_score")
            if text is not None:
                scores[int(entry.name)] = int(text)
    return scores


def total_pages() -> int:
    text = read(PROC / "meminfo") or ""
    return sum(int(re.search(rf"^{key}: *(\d+) kB", text, re.M)[1])
               for key in ("MemTotal", "SwapTotal")) * 1024 // PAGE


def counter_error_pages() -> int:
    """oom_badness() sums four counters; of each the kernels from 6.2 to 6.x see an approximation,
    off by less than max(32, 2 * CPUs) a CPU, while status gives the sum since about 6.16."""
    release = tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])
    if release < (6, 2):
        return 0
    cpus = os.cpu_count() or 1
    return 4 * max(32, 2 * cpus) * cpus


def tolerance(total: int) -> int:
    """Of a score. A unit of badness in 1000 is one or two of it."""
    error = counter_error_pages()
    return 1 + (error * 1000 // total + 1) * 2 // 3 if error else 0


class Oracle:
    def __init__(self, reapctl: str, config: str):
        self.command = [reapctl, "candidates", "--json", "--config=" + config]

    def candidates(self, *options: str) -> list[dict]:
        done = subprocess.run([*self.command, *options], check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)["candidates"]

    def compare(self) -> tuple[int, int, dict[int, str]]:
        """How many agree, how many of these to the point, and why the others do not."""
        agreed, exact, differ = set(), set(), {}
        limit = tolerance(total_pages())
        for _ in range(TRIES):
            before, rows, after = kernel_scores(), self.candidates("--all"), kernel_scores()
            still = {pid for pid, score in before.items() if after.get(pid) == score}
            gone = set(differ) - set(after)
            for pid in gone:
                del differ[pid]
            for row in rows:
                pid = row["pid"]
                if pid not in still or pid in exact:
                    continue
                wrong = self.judge(row, before[pid], limit)
                if row["oom_score"] == before[pid] and not wrong:
                    exact.add(pid)
                if wrong and pid not in agreed:
                    differ[pid] = wrong
                elif not wrong:
                    agreed.add(pid)
                    differ.pop(pid, None)
            if not differ:
                break
        return len(agreed), len(exact), differ

    @staticmethod
    def judge(row: dict, score: int, limit: int) -> str:
        said = f"pid {row['pid']} ({row['name']}): {row}, oom_score {score}"
        if row["verdict"] not in VERDICTS:
            return "unknown verdict: " + said
        if row["verdict"] in UNRATED and (score != 0 or row["oom_score"] != 0):
            return "unrated, but it has a score: " + said
        # mm gone, or MMF_OOM_SKIP: the kernel shows 0 of what is dying or was given up
        if row["verdict"] in {"dying", "aside"} and score == 0:
            return ""
        if row["verdict"] not in UNRATED and score == 0 and row["oom_score_adj"] > -999:
            return "rated, but the kernel would never choose it: " + said
        if abs(row["oom_score"] - score) > limit:
            return "another score: " + said
        return ""


def check_shape(rows: list[dict]) -> None:
    wrong = [row for row in rows for key in NUMBERS if type(row.get(key)) is not int]
    wrong += [row for row in rows for key in TEXTS if not isinstance(row.get(key), str)]
    report(not wrong, "numbers are numbers, names are texts", wrong[:3])
    badness = [row["badness"] for row in rows]
    report(badness == sorted(badness, reverse=True), "the worst comes first", badness[:20])
    report(all(row["rss"] == row["rss_anon"] + row["rss_file"] + row["rss_shmem"]
               for row in rows), "rss is the sum of its parts")
    total = total_pages()
    wrong = [row for row in rows if row["badness"] != row["rss"] + row["swapents"]
             + row["pgtables_bytes"] // PAGE + row["oom_score_adj"] * (total // 1000)]
    report(not wrong, "badness is the sum of its terms", wrong[:3])
    victims = [row for row in rows if row["verdict"] == "victim"]
    eligible = [row for row in rows if row["verdict"] in {"victim", "eligible"}]
    report(len(victims) == 1 and victims[0] == eligible[0],
           "the victim is the worst of those that can be chosen", victims)


def check_names(rows: list[dict]) -> None:
    wrong = []
    for row in rows:
        try:
            import pwd
            name = pwd.getpwuid(row["uid"]).pw_name
        except KeyError:
            name = str(row["uid"])
        if row["user"] not in (name, str(row["uid"])):
            wrong.append((row["user"], name))
    report(not wrong, "the names of users are right", wrong[:3])


def check_crowd(crowd: list[tuple[str, int]], rows: list[dict]) -> None:
    found = {row["pid"]: row for row in rows}
    missing = [kind for kind, pid in crowd if pid not in found]
    report(not missing, "everybody in the crowd is listed", missing)
    can_lower = any(kind == "adj-500" for kind, _ in crowd)

    def check(kind: str, verdict: str, what: str, holds) -> None:
        pids = [pid for name, pid in crowd if name == kind]
        if not pids and kind.startswith("adj-") and not can_lower:
            report(None, f"{kind}: {what}", "CAP_SYS_RESOURCE is missing")
            return
        if not pids and kind == "hugetlb":
            report(None, f"{kind}: {what}", "there are no huge pages: vm.nr_hugepages")
            return
        rows = [found.get(pid, {}) for pid in pids]
        good = bool(rows) and all(
            row.get("verdict", "").replace("victim", "eligible") == verdict and holds(row)
            for row in rows)
        report(good, f"{kind}: {what}", rows)

    # up to 6.1 each thread keeps up to 64 pages to itself before they are counted
    least = 20 * 2**20 // PAGE - 128
    check("adj-1000", "adj-min", "cannot be chosen", lambda row: row["oom_score"] == 0)
    for adj in (-999, -500, 0, 500, 1000):
        check(f"adj{adj}", "eligible", f"has {adj} on top",
              lambda row, adj=adj: row["oom_score_adj"] == adj and row["rss_anon"] >= least)
    check("large", "eligible", "holds 100 MiB", lambda row: row["rss_anon"] >= 5 * least)
    check("threads", "eligible", "its memory counts once",
          lambda row: least <= row["rss_anon"] < 2 * least)
    check("zombie-leader", "eligible", "its memory is found in another thread",
          lambda row: row["tid"] != row["pid"] and row["rss_anon"] >= least)
    check("zombie", "no-mm", "has nothing", lambda row: row["rss"] == 0)
    check("vm-pair", "eligible", "holds what it shares", lambda row: row["rss_anon"] >= least)
    check("vm-peer", "eligible", "holds it too", lambda row: row["rss_anon"] >= least)
    check("vfork-parent", "eligible", "can be chosen", lambda row: row["rss_anon"] >= least)
    check("vfork-child", "vfork", "cannot be chosen, though its parent's memory is its own",
          lambda row: row["rss_anon"] >= least and row["oom_score"] == 0)
    check("shmem", "eligible", "shared memory counts", lambda row: row["rss_shmem"] >= least)
    check("hugetlb", "eligible", "huge pages do not", lambda row: row["rss"] < 4 * 2**20 // PAGE)


def check_options(oracle: Oracle, crowd: list[tuple[str, int]]) -> None:
    few, all_rows = oracle.candidates(), oracle.candidates("--all")
    report({row["verdict"] for row in few}.isdisjoint({"kthread", "no-mm"}),
           "without --all those that have no memory are left out")
    zombies = {pid for kind, pid in crowd if kind == "zombie"}
    report(zombies <= {row["pid"] for row in all_rows}, "with --all nobody is")
    rows = oracle.candidates("--columns=verdict,pid,bias")
    report(all(list(row) == ["verdict", "pid", "bias"] for row in rows), "--columns chooses")
    with tempfile.NamedTemporaryFile("w") as rules:
        rules.write("[Kill]\nIgnore=^large$\nPrefer=^small$\n")
        rules.flush()
        rows = Oracle(oracle.command[0], rules.name).candidates("--columns=pid,name,verdict,bias")
    large = [row for row in rows if row["pid"] in {p for k, p in crowd if k == "large"}]
    small = [row for row in rows if row["pid"] in {p for k, p in crowd if k == "small"}]
    report([row["verdict"] for row in large] == ["ignored"], "Ignore= counts", large)
    report([row["bias"] > 0 for row in small] == [True], "Prefer= counts", small)


def check_usage(reapctl: str) -> None:
    for arguments, status in ((["--version"], 0), (["--help"], 0), (["candidates", "--help"], 0),
                              ([], 2), (["nothing"], 2), (["candidates", "--nothing"], 2),
                              (["candidates", "word"], 2), (["candidates", "--columns"], 2),
                              (["candidates", "--columns=pid,nothing"], 2),
                              (["candidates", "--config=/nothing"], 78)):
        done = subprocess.run([reapctl, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        lines = done.stderr.count("\n")
        good = done.returncode == status and (lines == 1 if status else lines == 0)
        report(good, f"reapctl {' '.join(arguments)}: status {status}",
               (done.returncode, done.stderr))


def run(reapctl: str, crowd_program: str, config: str) -> None:
    oracle = Oracle(reapctl, config)
    with subprocess.Popen([crowd_program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        crowd = []
        for line in process.stdout:
            kind, _, pid = line.strip().partition(" ")
            if kind == "ready":
                break
            crowd.append((kind, int(pid)))
        report(kind == "ready" and len(crowd) >= 13, "the crowd is there", crowd)
        agreed, exact, differ = oracle.compare()
        report(not differ and agreed > len(crowd),
               f"the kernel agrees on every process: {agreed}, {exact} of them to the point",
               "; ".join(list(differ.values())[:5]))
        rows = oracle.candidates("--all")
        check_shape(rows)
        check_names(rows)
        check_crowd(crowd, rows)
        check_options(oracle, crowd)
        process.stdin.close()
    check_usage(reapctl)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares reapctl with the kernel.")
    parser.add_argument("--reapctl", required=True)
    parser.add_argument("--crowd", required=True)
    arguments = parser.parse_args()
    with tempfile.NamedTemporaryFile() as config:  # the machine's own rules have no say
        run(os.path.abspath(arguments.reapctl), os.path.abspath(arguments.crowd), config.name)
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
