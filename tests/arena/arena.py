#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the arena's runs: boots cells, keeps one line of each in results.jsonl, renders the table.

    arena.py list
    arena.py run --build-dir build/vm --install-from build             # what is not there yet
    arena.py run --build-dir build/vm --install-from build --cell 'leak-*' --daemon reapd --again
    arena.py render                                   # TABLE.md and charts from results.jsonl
    arena.py check --build-dir build/vm --install-from build --cell leak-100-none    # TAP

A run that is interrupted goes on where it was: a cell that has a line for this version of this daemon
is not run again without --again.
"""

from __future__ import annotations

import argparse
import datetime
import fnmatch
import json
import pathlib
import signal
import statistics
import sys
import types

import cells
import score
from cells import CELLS, HERE

import guest
import run
from facts import Facts

RESULTS = HERE / "results.jsonl"
TABLE = HERE / "TABLE.md"
MEDIANS = ("_ms", "_percent", "_kib", "seconds")
DAEMONS = ["reapd", "earlyoom", "nohang", "oomd", "none"]
TITLES = {"reapd": "reapd", "earlyoom": "earlyoom", "nohang": "nohang", "oomd": "systemd-oomd",
          "none": "the kernel alone"}


def daemons_of(cell: cells.Cell) -> list[str]:
    return DAEMONS if cell.peers else ["reapd"]


def load_results() -> dict[tuple[str, str], dict]:
    """By cell and daemon; the last line of a pair counts."""
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    rows = [json.loads(line) for line in lines if line]
    return {(row["cell"], row["daemon"]): row for row in rows}


def store_results(results: dict[tuple[str, str], dict]) -> None:
    order = list(CELLS)
    rows = sorted((row for row in results.values() if row["cell"] in CELLS),
                  key=lambda row: (order.index(row["cell"]), DAEMONS.index(row["daemon"])))
    text = "".join(json.dumps(row) + "\n" for row in rows)
    partial = RESULTS.with_suffix(".part")
    partial.write_text(text)
    partial.replace(RESULTS)


def boot(name: str, daemon: str, arguments: argparse.Namespace) -> Facts:
    cell = CELLS[name]
    folder = arguments.build_dir.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    work = folder / "arena-work"
    run.compile_program(HERE / "work.c", work / "work", run.CFLAGS)
    case = run.Case(str(HERE / "cell"), cell.machine, None, cell.why)
    options = types.SimpleNamespace(
        build_dir=folder, install=None, install_from=arguments.install_from, keep=None,
        bin=[work / "work"], env=[f"VM_WORK={cell.work}"])
    results = folder / "results" / f"arena-{name}-{daemon}"
    run.boot_case(case, daemon, options, results)
    return Facts(results)


def version_of(facts: Facts, daemon: str) -> str:
    if daemon == "none":
        return facts.notes.get("kernel", "?")
    return facts.notes.get("daemon_version") or "?"


def run_cell(name: str, daemon: str, arguments: argparse.Namespace) -> dict:
    facts = boot(name, daemon, arguments)
    return {"cell": name, "daemon": daemon, "version": version_of(facts, daemon),
            "date": datetime.date.today().isoformat(), **score.score(CELLS[name], facts)}


def summed_up(rows: list[dict]) -> dict:
    """Of several runs: right if all were, and the median of each figure that they have."""
    row = {**rows[-1], "runs": len(rows)}
    row["right"] = all(one["right"] for one in rows)
    row["wrong"] = sorted({fault for one in rows for fault in one["wrong"]})
    for key in (key for key in row if key.endswith(MEDIANS)):
        figures = [one[key] for one in rows if one[key] is not None]
        row[key] = statistics.median_low(figures) if figures else None
    return row


def selected(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    names = [name for name in CELLS
             if any(fnmatch.fnmatch(name, pattern) for pattern in arguments.cell or ["*"])]
    return [(name, daemon) for name in names for daemon in daemons_of(CELLS[name])
            if not arguments.daemon or daemon in arguments.daemon]


def command_run(arguments: argparse.Namespace) -> int:
    results = load_results()
    for name, daemon in selected(arguments):
        if (name, daemon) in results and not arguments.again:
            continue
        try:
            row = summed_up([run_cell(name, daemon, arguments) for _ in range(arguments.repeat)])
        except guest.GuestError as error:
            print(f"{name:<20} {daemon:<9} {error}", flush=True)
            continue
        results = load_results() | {(name, daemon): row}  # somebody else may run cells too
        store_results(results)
        print(f"{name:<20} {daemon:<9} {'right' if row['right'] else '; '.join(row['wrong'])}"
              f"  back {row['back_ms']} ms, gap {row['gap_ms']} ms, lost {row['lost_percent']} %",
              flush=True)
    return 0


def command_check(arguments: argparse.Namespace) -> int:
    """Cells as tests: only whether they came out right."""
    failed = count = 0
    for count, (name, daemon) in enumerate(selected(arguments), 1):
        try:
            row = run_cell(name, daemon, arguments)
            wrong = row["wrong"]
        except guest.GuestError as error:
            wrong = [str(error)]
        failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {count} - {name}: {CELLS[name].why}")
        for line in "\n".join(wrong).splitlines():
            print(f"#   found: {line}")
        sys.stdout.flush()
    print(f"1..{count}")
    return 1 if failed or not count else 0


def figure(row: dict | None) -> str:
    if row is None:
        return ""
    beside = []
    if row["gap_ms"] is not None:
        beside = [f"gap {row['gap_ms']} ms", f"lost {row['lost_percent']} %"]
    if row.get("watched_ms") is not None:
        beside.append(f"watched {row['watched_ms'] / 1000:.1f} s")
    if not row["right"]:
        # who does nothing is measured by what he looks on at
        return "**✘** " + ", ".join(row["wrong"] + ([] if row["died"] else beside))
    parts = ["✔"]
    if row["back_ms"] is not None:
        parts.append(f"{row['back_ms']} ms")
    if beside:
        parts.append(f"({', '.join(beside)})")
    if row.get("runs", 1) > 1:
        parts.append(f"of {row['runs']}")
    return " ".join(parts)


def command_render(arguments: argparse.Namespace) -> int:
    del arguments
    try:
        import chart  # the only thing that needs more than python itself
    except ImportError as error:
        print(f"arena.py: {error}; expected the python3 of python3-matplotlib", file=sys.stderr)
        return 1
    results = load_results()
    versions = {daemon: sorted({row["version"] for row in results.values()
                                if row["daemon"] == daemon}) for daemon in DAEMONS}
    dates = sorted({row["date"] for row in results.values()}) or ["?"]
    lines = [
        "# The arena's table",
        "",
        f"{len(results)} of {sum(len(daemons_of(cell)) for cell in CELLS.values())} runs, "
        f"{dates[0]} to {dates[-1]}; made by `tests/arena/arena.py render` from `results.jsonl`. "
        "README.md says what the figures are.",
        "",
        "| | " + " | ".join(f"{TITLES[d]} {', '.join(versions[d])}" for d in DAEMONS) + " |",
        "| --- |" + " --- |" * len(DAEMONS),
    ]
    measured = [name for name in CELLS if any((name, daemon) in results for daemon in DAEMONS)]
    for name in measured:
        lines.append(f"| `{name}` | " + " | ".join(
            figure(results.get((name, daemon))) for daemon in DAEMONS) + " |")
    counts = []
    for daemon in DAEMONS:
        rows = [row for row in results.values() if row["daemon"] == daemon]
        counts.append(f"{sum(row['right'] for row in rows)} of {len(rows)}" if rows else "")
    lines.append("| right | " + " | ".join(counts) + " |")
    lines += ["", *(f"![{name}]({name})" for name in chart.draw(HERE, DAEMONS, TITLES, results))]
    TABLE.write_text("\n".join(lines) + "\n")
    return 0


def command_list(arguments: argparse.Namespace) -> int:
    for name, daemon in selected(arguments):
        cell = CELLS[name]
        print(f"{name:<20} {daemon:<9} {cell.work:<18} {cell.setup:<11} {cell.memory_mib} MiB: "
              f"{' '.join(cell.must) or 'nobody'}; {cell.why}")
    return 0


def main() -> int:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    parser = argparse.ArgumentParser(description="The arena: which daemon is right, and how fast.")
    commands = {"run": command_run, "check": command_check, "render": command_render,
                "list": command_list}
    parser.add_argument("command", choices=commands)
    parser.add_argument("--build-dir", type=pathlib.Path, help="cache of the guest, and results")
    parser.add_argument("--install-from", type=pathlib.Path, metavar="BUILD")
    parser.add_argument("--cell", action="append", metavar="PATTERN", help="may be repeated")
    parser.add_argument("--daemon", choices=DAEMONS, action="append", help="may be repeated")
    parser.add_argument("--again", action="store_true", help="also what has a line already")
    parser.add_argument("--repeat", type=int, default=1, metavar="N",
                        help="so many runs, of which the medians count")
    arguments = parser.parse_args()
    if arguments.command in ("run", "check") and not (arguments.build_dir
                                                      and arguments.install_from):
        parser.error("--build-dir and --install-from are needed")
    return commands[arguments.command](arguments)


if __name__ == "__main__":
    sys.exit(main())
