#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns one run of the vm suite: builds what the guest needs, boots it, has its report judged.

    run.py --build-dir build/vm --case leak --daemon earlyoom
    run.py --build-dir build/vm --case leak --install-from build --daemon reapd --daemon earlyoom
    run.py --build-dir build/vm --case leak --install build/destdir --repeat 5

Output is TAP. With several daemons or repetitions a table of the figures follows. The exit status
is 0 only if every check passed; what is missing on this machine is a failure that names it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import signal
import statistics
import subprocess
import sys

import guest
from cases import CASES, Case
from checks import Checks
from facts import Facts

HERE = pathlib.Path(__file__).resolve().parent
DAEMONS = ["reapd", "earlyoom", "nohang", "oomd", "none"]
# Boots of one case until the emulated machine is what has failed.
EMULATOR_TRIES = 3
# Static: what measures must run in the guest whatever this machine's libraries are.
CFLAGS = ["-std=gnu17", "-O2", "-static", "-Wall", "-Wextra", "-Werror"]


# What is preloaded into the daemon must share its C library instead.
SHARED_CFLAGS = ["-std=gnu17", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall",
                 "-Wextra", "-Werror"]


def compile_program(source: pathlib.Path, target: pathlib.Path, flags: list[str]) -> None:
    compiler = shlex.split(os.environ.get("CC", "cc"))
    if not shutil.which(compiler[0]):
        raise guest.GuestError(f"the guest's programs need a C compiler: {compiler[0]} not found")
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [*compiler, *flags, "-o", str(target), str(source)]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise guest.GuestError(f"{shlex.join(command)} failed:\n{done.stdout}")


def stage(tree: pathlib.Path, case: Case, daemon: str, arguments: argparse.Namespace) -> None:
    """Everything that is laid over the guest's root, in one folder."""
    if arguments.install:
        shutil.copytree(arguments.install, tree, symlinks=True, dirs_exist_ok=True)
    vm = tree / "vm"
    (vm / "bin").mkdir(parents=True)  # nothing installed may come to lie in /vm
    for name in ("main.sh", "lib.sh"):
        shutil.copy(HERE / name, vm / name)
    shutil.copy(HERE / "cases" / f"{case.script}.sh", vm / "case.sh")
    for name in ("load", "referee", "backlog", "flood"):
        compile_program(HERE / f"{name}.c", vm / "bin" / name, CFLAGS)
    oracle = HERE.parent / "oracle"
    compile_program(oracle / "crowd.c", vm / "bin" / "crowd", [*CFLAGS, "-D_GNU_SOURCE"])
    shutil.copy(oracle / "oracle.py", vm / "bin" / "oracle")
    (vm / "bin" / "oracle").chmod(0o755)
    compile_program(HERE / "interpose.c", tree / "usr/lib/reapd-vm/interpose.so", SHARED_CFLAGS)
    for name in ("listen", "populate"):
        shutil.copy(HERE / f"{name}.py", vm / "bin" / name)
        (vm / "bin" / name).chmod(0o755)
    (vm / "source" / "contrib").mkdir(parents=True)
    shutil.copy(HERE.parent.parent / "contrib" / "bootstrap", vm / "source" / "contrib")
    for program in arguments.bin:
        shutil.copy(program, vm / "bin" / program.name)
    environment = [f"VM_DAEMON={daemon}", *arguments.env]
    (vm / "env").write_text("".join(
        f"{name}={shlex.quote(value)}\n" for name, value in (e.split("=", 1) for e in environment)))


def install_from(build: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The tree that `meson install` makes of a build folder, made again only when something that
    goes into it has changed since."""
    if not shutil.which("meson"):
        raise guest.GuestError("the guest gets what meson installs: meson not found "
                               "(package meson)")
    try:
        listing = json.loads((build / "meson-info" / "intro-installed.json").read_text())
        state = {name: (os.stat(name).st_mtime_ns, os.stat(name).st_size) for name in listing}
    except (OSError, ValueError) as error:
        raise guest.GuestError(f"{build} is not a folder that meson has built: {error}") from None
    # One tree for each build: another's must not change between here and the boot.
    name = "install-" + hashlib.sha256(str(build).encode()).hexdigest()[:8]
    stamp, tree = folder / f"{name}.stamp", folder / name
    now = json.dumps([listing, state], sort_keys=True)
    with guest.locked(folder / "install.lock"):
        if tree.is_dir() and stamp.exists() and stamp.read_text() == now:
            return tree
        shutil.rmtree(tree, ignore_errors=True)
        stamp.unlink(missing_ok=True)
        command = ["meson", "install", "--no-rebuild", "-C", str(build), "--destdir", str(tree)]
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise guest.GuestError(f"{shlex.join(command)} failed:\n{done.stdout}")
        stamp.write_text(now)
    return tree


def boot_case(case: Case, daemon: str, arguments: argparse.Namespace,
              results: pathlib.Path) -> float:
    """One boot; its report is in `results`. Returns the seconds it took."""
    folder = arguments.build_dir.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.install_from:
        arguments.install = install_from(arguments.install_from.resolve(), folder)
    if daemon == "reapd" and not arguments.install:
        raise guest.GuestError("reapd needs --install or --install-from")
    image = guest.build(folder)
    with guest.workspace(folder) as work:
        tree = work / "payload"
        stage(tree, case, daemon, arguments)
        if arguments.keep:
            shutil.copytree(tree, arguments.keep, symlinks=True, dirs_exist_ok=True)
        tries = 0
        while True:
            tries += 1
            try:
                return guest.boot(image, case.machine, tree, results, work)
            except guest.EmulatorError as error:
                if tries == EMULATOR_TRIES:
                    raise
                # Said, because it may be more than that one day.
                print(f"# booted again, because {error}".replace("\n", "\n# "))


def run_once(case: Case, name: str, daemon: str, arguments: argparse.Namespace) -> Checks:
    checks = Checks()
    print(f"# {name}, {daemon}: {case.about}", flush=True)
    results = arguments.build_dir.resolve() / "results" / f"{name}-{daemon}"
    try:
        if not arguments.rejudge:
            seconds = boot_case(case, daemon, arguments, results)
            print(f"# the guest ran for {seconds:.0f} s")
        facts = Facts(results)
        case.check(facts, checks)
        print(f"# booted after {facts.notes.get('boot_seconds', '?')} s; "
              f"evidence in {os.path.relpath(results)}")
    except guest.GuestError as error:
        checks.that(False, "the guest ran", error)
    except Exception as error:  # a report so damaged that a check could not even read it
        checks.that(False, "the guest's report can be read", f"{type(error).__name__}: {error}")
    sys.stdout.flush()
    return checks


def print_table(columns: dict[str, list[Checks]]) -> None:
    """Medians of every figure, one column a daemon."""
    names = dict.fromkeys(key for runs in columns.values() for run in runs for key in run.figures)
    print("# " + f"{'median':<44}" + "".join(f"{daemon:>12}" for daemon in columns))
    for name in names:
        row = f"{name:<44}"
        for runs in columns.values():
            values = [run.figures[name] for run in runs if name in run.figures]
            row += f"{statistics.median(values):>12.1f}" if values else f"{'-':>12}"
        print("# " + row)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Runs a case of the vm suite.")
    parser.add_argument("--build-dir", type=pathlib.Path, help="cache of the guest, and results")
    parser.add_argument("--case", choices=CASES)
    parser.add_argument("--daemon", choices=DAEMONS, action="append",
                        help="may be repeated; reapd by default")
    parser.add_argument("--install", type=pathlib.Path, metavar="DIR",
                        help="tree from meson install --destdir, laid over the guest's root")
    parser.add_argument("--install-from", type=pathlib.Path, metavar="BUILD",
                        help="run meson install on this build folder first, where it is needed")
    parser.add_argument("--bin", type=pathlib.Path, action="append", default=[], metavar="FILE",
                        help="one more file for /vm/bin of the guest")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE",
                        help="one more variable for the guest's case")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR",
                        help="leave what is laid over the guest's root here, for guest.py shell")
    parser.add_argument("--repeat", type=int, default=1, metavar="N")
    parser.add_argument("--rejudge", action="store_true",
                        help="no boot: judge the results of the last run again")
    parser.add_argument("--list", action="store_true", help="name the cases")
    arguments = parser.parse_args()
    if not arguments.list and not (arguments.build_dir and arguments.case):
        parser.error("--build-dir and --case are needed")
    return arguments


def main() -> int:
    # A caller that ends this with SIGTERM gets its temporary files cleaned up and QEMU ended.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    arguments = parse_arguments()
    if arguments.list:
        for name, case in CASES.items():
            print(f"{name:<18} {case.about}")
        return 0
    case = CASES[arguments.case]
    columns: dict[str, list[Checks]] = {}
    for _ in range(arguments.repeat):
        for daemon in arguments.daemon or ["reapd"]:
            run = run_once(case, arguments.case, daemon, arguments)
            columns.setdefault(daemon, []).append(run)
    runs = [run for column in columns.values() for run in column]
    if len(runs) > 1:
        print_table(columns)
    passed, failed = (sum(getattr(run, key) for run in runs) for key in ("passed", "failed"))
    print(f"1..{Checks.total}")
    print(f"# {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
