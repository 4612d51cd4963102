#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in the guest of the parity case: makes random populations of processes, asks reapd whom it
would kill, has the kernel kill one, and notes both opinions. The host compares.

    populate.py SEED FOLDER

Everybody else is protected with an oom_score_adj of -1000 meanwhile. A population that did not turn
out as it was meant (no exact tie, say) is noted as discarded and made again.
"""

from __future__ import annotations

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

PAGE = 4096
LOAD = "/vm/bin/load"
KINDS = ["near"] * 12 + ["tie"] * 6 + ["negative"] * 6 + ["plain"] * 6
PROCESSES = 20
DISCARDS_MAX = 12
# Kernels sum counters that each CPU keeps to itself up to so many pages, one for each kind of page.
COUNTER_ERROR_PAGES = 4 * max(32, 2 * os.cpu_count())
COLUMNS = ("pid,tid,uid,total_vm,rss,rss_anon,rss_file,rss_shmem,pgtables_bytes,swapents,"
           "oom_score_adj,name,badness,oom_score,verdict,state")


def protect_everybody() -> None:
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                (folder / "oom_score_adj").write_text("-1000")
            except OSError:
                pass  # it has gone


def total_pages() -> int:
    lines = dict(line.split(":") for line in pathlib.Path("/proc/meminfo").read_text().splitlines())
    return sum(int(lines[key].split()[0]) for key in ("MemTotal", "SwapTotal")) * 1024 // PAGE


class Population:
    def __init__(self, kind: str, chance: random.Random, ready: pathlib.Path):
        self.kind, self.chance, self.ready = kind, chance, ready
        self.loads: list[subprocess.Popen] = []
        low, high = (-990, -300) if kind == "negative" else (-200, 200)
        for _ in range(PROCESSES - 2):
            self.add(chance.randint(256, 2048), chance.randint(low, high) if chance.random() < 0.5
                     or kind == "negative" else 0)
        # The first two: so large that nobody else comes near, but not in a fixed order of forking.
        pages, adj = chance.randint(6000, 8000), 250 if kind != "negative" else -200
        gap = {"tie": 0, "near": chance.randint(COUNTER_ERROR_PAGES + 10,
                                                total_pages() // 1000 - 20)}
        first = self.largest(pages, adj)
        self.add_largest(first)
        self.add_largest({**first, "pages": pages + gap.get(kind, chance.randint(-3000, 3000))
                          * chance.choice([-1, 1])})
        # What is forked later must not matter, and what was forked earlier is in the scan's way.
        for _ in range(chance.randint(0, 3)):
            self.add(chance.randint(256, 1024), -400)

    def largest(self, pages: int, adj: int) -> dict:
        chance = self.chance
        return {"pages": pages, "adj": adj, "threads": chance.choice([0, 0, 3]),
                "swap": chance.choice([0, 0, 1500]), "forks": 0}

    def add_largest(self, what: dict) -> None:
        self.start(what["pages"], what["adj"], what["threads"], what["forks"], what["swap"])

    def add(self, pages: int, adj: int) -> None:
        chance = self.chance
        self.start(pages, adj, chance.choice([0, 0, 0, 2]), chance.choice([0, 0, 0, 0, 1]),
                   chance.choice([0, 0, 0, pages // 2]))

    def start(self, pages: int, adj: int, threads: int, forks: int, swap: int) -> None:
        number = len(self.loads)
        # Without random addresses: where the stack begins decides whether it takes a page more.
        self.loads.append(subprocess.Popen(
            ["setarch", "--addr-no-randomize", LOAD, "hold", str(pages * PAGE / 2**20), "--exact",
             "--adj", str(adj), "--threads", str(threads), "--forks", str(forks),
             "--swap-out", str(swap * PAGE / 2**20), "--fill", "random",
             "--name", f"pop{number:02}", "--ready", str(self.ready / f"{number:02}")],
            start_new_session=True))

    def wait_ready(self) -> None:
        deadline = time.monotonic() + 60
        while any(not (self.ready / f"{number:02}").exists() for number in range(len(self.loads))):
            if time.monotonic() > deadline:
                raise SystemExit("a population does not get ready")
            time.sleep(0.02)

    def end(self) -> None:
        for load in self.loads:
            try:
                os.killpg(load.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            load.wait()
        for path in self.ready.iterdir():
            path.unlink()


def candidates() -> list[dict]:
    done = subprocess.run(["reapctl", "candidates", "--json", f"--columns={COLUMNS}",
                           "--config=/vm/run/no-rules.conf"], check=True, text=True,
                          stdout=subprocess.PIPE)
    return json.loads(done.stdout)["candidates"]


def unfit(kind: str, rows: list[dict], total: int) -> str | None:
    """Why a population is not what its kind promises."""
    able = sorted((row for row in rows if row["verdict"] in ("victim", "eligible")),
                  key=lambda row: -row["badness"])
    if len(able) < PROCESSES:
        return f"{len(able)} processes"
    first, second = able[0], able[1]
    apart = first["badness"] - second["badness"]
    if kind == "tie" and apart != 0:
        return f"no tie: {apart} pages apart"
    if kind == "near" and not (COUNTER_ERROR_PAGES < apart < total // 1000
                               and first["oom_score"] - second["oom_score"] <= 1):
        return f"{apart} pages apart, oom_score {first['oom_score']} and {second['oom_score']}"
    if kind == "negative" and first["badness"] >= 0:
        return f"the first has {first['badness']} pages"
    return None


class KernelLog:
    def __init__(self) -> None:
        self.descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.descriptor, 0, os.SEEK_END)

    def lines_until(self, words: str, seconds: float) -> list[str]:
        lines, deadline = [], time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                record = os.read(self.descriptor, 8192).decode(errors="replace")
            except BlockingIOError:
                time.sleep(0.02)
                continue
            except BrokenPipeError:
                continue  # overwritten before it was read
            lines.append(record.split(";", 1)[1].splitlines()[0])
            if words in lines[-1]:
                return lines
        return lines


def one(kind: str, chance: random.Random, folder: pathlib.Path, number: int,
        log: KernelLog) -> str | None:
    """One population, from its making to its end: None, or why it was discarded."""
    ready = pathlib.Path("/vm/run/ready")
    ready.mkdir(exist_ok=True)
    population = Population(kind, chance, ready)
    try:
        population.wait_ready()
        rows = candidates()
        why = unfit(kind, rows, total_pages())
        if why:
            return why
        pathlib.Path("/proc/sysrq-trigger").write_text("f")
        lines = log.lines_until("Killed process", 30)
        (folder / f"{number:02}.json").write_text(json.dumps(
            {"kind": kind, "total_pages": total_pages(), "ours": rows, "kernel": lines}))
        return None
    finally:
        population.end()


def main() -> None:
    seed, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True)
    pathlib.Path("/vm/run/no-rules.conf").write_text("[Kill]\nSelect=kernel\nAvoid=\n")
    protect_everybody()
    chance, log, discarded = random.Random(seed), KernelLog(), []
    for number, kind in enumerate(KINDS):
        while (why := one(kind, chance, folder, number, log)) is not None:
            discarded.append(f"{number} {kind}: {why}")
            if len(discarded) > DISCARDS_MAX:
                break
    (folder / "discarded").write_text("".join(line + "\n" for line in discarded))


if __name__ == "__main__":
    main()
