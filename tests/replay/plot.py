#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What contrib/reapd-plot draws of traces, and what it answers to files that are none.

    plot.py --plot contrib/reapd-plot --traces tests/replay    # TAP
"""

from __future__ import annotations

import argparse
import importlib.machinery
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

from command import CALM, HEAD, LOW, Tap

SIZE_MAX = 200_000
SVG = "{http://www.w3.org/2000/svg}"

# Name, bytes of the file, words behind it, part of the one line on standard error.
REFUSED = [
    ("empty", b"", [], "a trace with a step"),
    ("binary", bytes(range(256)) * 16, [], "expected a trace, which is text"),
    ("garbage", b"garbage\n" * 9, [], ":1: expected \"reapd-trace 1\""),
    ("another version", b"reapd-trace 2\n" + CALM.encode(), [], ":1: expected version 1"),
    ("cut in its only step", (HEAD + CALM).encode()[:-9], [], "a trace with a step"),
    ("time going backwards", (HEAD + CALM + "step 5\n").encode(), [], ":4: expected a time"),
    ("no number", (HEAD + "step 5 total=x\n").encode(), [], ":3: expected a number as total="),
    ("no such level", (HEAD + "step 5 level=high\n").encode(), [], ":3: expected calm"),
    ("no such limit", (HEAD + "set SoftMemory=low\n" + CALM).encode(), [], "a percentage"),
    ("no such start", (HEAD + CALM).encode(), ["--start=2"], "one of its 1 starts"),
    ("nowhere to write", (HEAD + CALM).encode(), ["--output=/nowhere/x.svg"], "/nowhere/x.svg:"),
]


def texts(svg: bytes) -> list[str]:
    """Of a picture, if it is one."""
    root = ElementTree.fromstring(svg)
    assert root.tag == SVG + "svg", root.tag
    return ["".join(element.itertext()).strip() for element in root.iter(SVG + "text")]


def check_picture(tap: Tap, plot, name: str, trace: pathlib.Path, wanted: list[str],
                  *words: str) -> None:
    out = pathlib.Path("out.svg")
    done = plot(trace, f"--output={out}", *words)
    if not tap.that(done.returncode == 0 and not done.stderr, f"{name}: is drawn", done.stderr):
        return
    svg = out.read_bytes()
    shown = texts(svg)
    tap.that(all(any(part in text for text in shown) for part in wanted),
             f"{name}: shows {', '.join(wanted)}", "\n".join(shown))
    tap.that(len(svg) < SIZE_MAX, f"{name}: is not large", len(svg))


def check_limits(tap: Tap, script: pathlib.Path, path: pathlib.Path) -> None:
    """Which count, after reloads that set other keys or none."""
    loader = importlib.machinery.SourceFileLoader("reapd_plot", str(script))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("reapd_plot", loader))
    sys.modules["reapd_plot"] = module  # where dataclasses look
    loader.exec_module(module)
    path.write_text(HEAD + CALM + "set SoftMemory=4%\nset HardMemory=3%\n" +
                    "step 2000000 action=none\n" + "set SoftMemory=200000000B\nset HardMemory=\n" +
                    "step 3000000 action=none\n" +
                    "set SoftMemory=\nstep 4000000 hugetlb=900000000 action=none\n")
    limits = [(step.limits["soft"], step.limits["hard"]) for step in
              module.read(str(path), None).steps]
    tap.that(limits == [(100_000_000, 50_000_000), (40_000_000, 30_000_000),
                        (200_000_000, 100_000_000), (10_000_000, 5_000_000)],
             "limits after reloads", limits)


def hour(kills: int) -> str:
    """An hour with a step every 100 ms, and so many kills in it."""
    lines, gap = [HEAD, CALM], 36000 // (kills + 1)
    for i in range(1, 36000):
        available = 500_000_000 - 450_000_000 * (i % gap) // gap
        after = i % gap
        actions = {0: "action=scan level=soft", 1: f"action=term candidate={i}",
                   2: "action=settled level=calm", 3: "action=none"}
        lines.append(f"step {1_000_000 + i * 100_000} available={available} stall={i * 7 % 4000} "
                     f"{actions.get(after, '') if i >= gap else ''}\n")
    return "".join(lines)


def check_made(tap: Tap, plot, folder: pathlib.Path) -> None:
    path = folder / "made.trace"
    path.write_text("# A title <with> & $signs$\n" + HEAD + CALM +
                    "set SoftMemory=60%\n" + "lost 7\n" + LOW +
                    "step 3000000 action=escalate level=hard\n"
                    "step 3100000 action=give-up\nstep 3200000 action=barren\n" +
                    "\nreapd-trace 1\n" + CALM + "step 9000000 action=kill candidate=77\n")
    check_picture(tap, plot, "the last start", path, ["A title <with> & $signs$", "8.00 s",
                                                      "SIGKILL to 77"])
    check_picture(tap, plot, "an earlier start", path,
                  ["7 steps were lost", "SIGKILL after SIGTERM", "nobody can be killed",
                   "level hard"], "--start=1")
    path.write_text(HEAD + "before 500 total=1000000000 available=400000000\nstate\nstalls 5 x=1\n"
                    "step 1000000 action=none\n")
    check_picture(tap, plot, "one step of a trace that begins in the middle", path,
                  ["made.trace", "available memory"])
    for half in ("step 2000000 avail", "step 2000000 available=12"):
        path.write_text(HEAD + CALM + half + "\n" + HEAD + CALM + "step 9000000 action=barren\n")
        done = plot(path, f"--output={folder / 'half.svg'}")
        tap.that(done.returncode == 0 and done.stderr.count("\n") == 1
                 and ":4: half a line" in done.stderr
                 and any("nobody can be killed" in text for text in
                         texts((folder / "half.svg").read_bytes())),
                 f"half a line above a start, {half}: left out", done.stderr)
    for kills, wanted in ((3, ["SIGTERM to", "settled"]), (300, ["from here on"])):
        path.write_text(hour(kills))
        check_picture(tap, plot, f"an hour with {kills} kills", path, wanted)
    path.write_text(HEAD + CALM + LOW + "step 2500000 avail")
    done = plot(path, f"--output={folder / 'cut.svg'}")
    tap.that(done.returncode == 0 and done.stderr.count("\n") == 1 and "no end" in done.stderr and
             bool(texts((folder / "cut.svg").read_bytes())), "cut: drawn without its last line",
             done.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks contrib/reapd-plot.")
    parser.add_argument("--plot", type=pathlib.Path, required=True)
    parser.add_argument("--traces", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    script, traces = arguments.plot.resolve(), arguments.traces.resolve()
    tap = Tap()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)

        def plot(*words: object) -> subprocess.CompletedProcess:
            return subprocess.run([script, *map(str, words)], text=True,
                                  cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env={**os.environ, "HOME": name})

        first = traces / "guest-thrash.trace"
        done = plot(first)
        if "python3-matplotlib" in done.stderr and os.environ.get("CI") != "true":
            print("1..0 # SKIP python3-matplotlib is missing")
            return 0
        tap.that(done.returncode == 0 and (folder / "guest-thrash.svg").is_file(),
                 "a name of its own", done.stderr)
        os.chdir(folder)
        check_picture(tap, plot, first.name, first,
                      ["available memory", "free swap", "level soft", "limit", "warning", "hard",
                       "17.71 s", "SIGTERM to 358", "18.14 s", "settled", "seconds since"])
        check_picture(tap, plot, "guest-tmpfs.trace",
                      traces / "guest-tmpfs.trace", ["nobody is killed: it would not help"])
        check_made(tap, plot, folder)
        check_limits(tap, script, folder / "limits.trace")
        for name, data, words, says in REFUSED:
            (folder / "refused.trace").write_bytes(data)
            done = plot("refused.trace", *words)
            tap.that(done.returncode == 1 and says in done.stderr.splitlines()[-1]
                     and "Traceback" not in done.stderr and not done.stdout and
                     done.stderr.count("\n") == 1 + (name == "cut in its only step"),
                     f"{name}: status 1, one line", f"{done.returncode}: {done.stderr}")
        for missing in ("no-such-file", "."):
            done = plot(missing)
            tap.that(done.returncode == 1 and done.stderr.count("\n") == 1, "no file", done.stderr)
        tap.that("--output" in plot("--help").stdout, "--help")
    print(f"1..{tap.number}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
