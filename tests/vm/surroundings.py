# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the checks on what is around the killing: when nobody may die although something is short,
who is asked first, what is said about others, and that two daemons find one victim."""

from __future__ import annotations

import json
import re

import report
from checks import Checks, check_neighbours, show
from facts import Facts, Signal

MIB = 1 << 20
HUGE_PAGES_WANTED = 100
SLEEP_MSEC = 5000
ASKED_FIELDS = """
    REAPD_LEVEL REAPD_REASON REAPD_MEM_AVAILABLE_BYTES REAPD_SOFT_MEM_BYTES
    REAPD_SWAP_FREE_BYTES REAPD_SOFT_SWAP_BYTES
""".split()


def said(facts: Facts, step: str, pattern: str) -> list[dict]:
    return [entry for entry in facts.said(step) if re.search(pattern, entry["MESSAGE"])]


def check_once(facts: Facts, checks: Checks, step: str, pattern: str, name: str) -> dict:
    """Said once in this step; the entry, or an empty one."""
    found = said(facts, step, pattern)
    checks.that(len(found) == 1, f"{step}: {name}, once",
                show(entry["MESSAGE"] for entry in facts.said(step)))
    return found[0] if found else {}


def signals_in(facts: Facts, step: str) -> list[Signal]:
    """What the daemon sent in a step, but for the end of its own drill."""
    start, end = facts.step(step) or (0, 0)
    return [entry for entry in facts.daemon_signals()
            if start <= entry.at_usec < end and entry.comm != "reapd-drill"]


def check_nobody(facts: Facts, checks: Checks, step: str) -> None:
    found = signals_in(facts, step)
    checks.that(facts.step(step) is not None and not found, f"{step}: nobody was signalled",
                show([*found, *(entry["MESSAGE"] for entry in facts.said(step))]))


def check_died(facts: Facts, checks: Checks, step: str, load: str) -> None:
    found = signals_in(facts, step)
    checks.that(facts.notes.get(f"dead_{load}") == "yes" and bool(found)
                and {entry.pid for entry in found} == {facts.pid(load)},
                f"{step}: {load} died by the daemon, and nobody else was signalled", show(found))


def zone(text: str, name: str) -> dict[str, int]:
    """`free` and the marks of one zone of /proc/zoneinfo, in pages."""
    part = re.split(r"^Node \d+, zone +", text, flags=re.M)
    body = next((piece for piece in part if piece.startswith(f"{name}\n")), "")
    return {key: int(value) for key, value in
            re.findall(r"^ +(?:pages )?(free|min|low|high) +(\d+)$", body, re.M)}


def check_scattered(facts: Facts, checks: Checks) -> None:
    """A low zone and no large pieces, with memory available: nothing to kill for."""
    text = (facts.folder / "zoneinfo").read_text()
    dma, dma32 = zone(text, "DMA"), zone(text, "DMA32")
    checks.that(0 <= dma.get("free", -1) < dma.get("high", -1), "scattered: ZONE_DMA is low", dma)
    checks.that(dma32.get("free", 0) > 10 * dma32.get("high", 1 << 60),
                "scattered: the other zone is not", dma32)
    checks.that(0 <= facts.number("scattered_hugepages") < HUGE_PAGES_WANTED,
                "scattered: allocations of a high order fail",
                f"{facts.notes.get('scattered_hugepages')} of {HUGE_PAGES_WANTED} huge pages")
    checks.that(facts.number("scattered_available_kib") > facts.number("mem_total_kib") // 2,
                "scattered: half of the memory is available",
                facts.notes.get("scattered_available_kib"))
    check_nobody(facts, checks, "scattered")
    quiet = {report.message_ids()[kind] for kind in ("START", "DRILL")}
    odd = [entry["MESSAGE"] for entry in facts.said("scattered")
           if entry.get("MESSAGE_ID") not in quiet]
    checks.that(not odd, "scattered: nothing is said about it", show(odd))


def check_panic(facts: Facts, checks: Checks) -> None:
    check_once(facts, checks, "panic", "vm.panic_on_oom is 1", "it says that it stands aside")
    check_once(facts, checks, "panic", r"^memory level hard \(was", "the level is reported")
    check_nobody(facts, checks, "panic")
    checks.that(facts.alive("wanted"), "panic: whoever would be killed lives")
    status = (facts.folder / "panic-status").read_text(errors="replace").splitlines()
    checks.that(status[0].startswith("Stands aside for vm.panic_on_oom. Level hard;")
                and "     Aside: vm.panic_on_oom asks for a panic; nobody is killed" in status,
                "panic: systemctl status and reapctl status show it", show(status))
    check_once(facts, checks, "panic-over", "vm.panic_on_oom is 0 now", "it says that it is over")
    check_died(facts, checks, "panic-over", "wanted")


def check_suspend(facts: Facts, checks: Checks) -> None:
    slept = facts.number("asleep_after_msec") - facts.number("asleep_before_msec")
    checks.that("rtcwake_status" not in facts.notes and slept >= SLEEP_MSEC - 2000,
                "suspend: the machine was", show([f"{slept} ms"] + (
                    facts.folder / "rtcwake").read_text(errors="replace").splitlines()))
    check_nobody(facts, checks, "suspend")
    checks.that(facts.alive("awake"), "suspend: whoever has most lives")
    entry = check_once(facts, checks, "suspend", r"was suspended for \d+\.\d s", "it says so")
    match = re.search(r"for (\d+)\.(\d) s", entry.get("MESSAGE", ""))
    seconds = float(f"{match[1]}.{match[2]}") if match else -1
    checks.that(abs(seconds - slept / 1000) < 0.5, "suspend: for as long as the clocks say",
                f"{seconds} s, {slept} ms")


def check_memcg(facts: Facts, checks: Checks) -> None:
    """The kernel's business, and the only time that it has any."""
    kills = facts.kernel_lines("Killed process")
    checks.that(facts.oom_kills == 1 and len(kills) == 1
                and f"Killed process {facts.pid('bounded')} (bounded)" in kills[0],
                "memcg: the kernel kills in the group, and nowhere else",
                f"oom_kill moved by {facts.oom_kills}\n{show(kills)}")
    check_nobody(facts, checks, "memcg")
    check_once(facts, checks, "memcg", "^the kernel's out-of-memory killer has killed 1 process",
               "it says that the kernel did")


def check_asked(facts: Facts, checks: Checks) -> None:
    check_died(facts, checks, "unasked", "unasked")
    odd = said(facts, "unasked", "asked to free")
    checks.that(not odd, "unasked: there is nobody to ask, and no word of it",
                show(entry["MESSAGE"] for entry in odd))
    check_once(facts, checks, "asked", "others were asked to free memory", "others are asked")
    path = facts.folder / "hook"
    lines = path.read_text().splitlines() if path.exists() else []
    got = dict(line.split("=", 1) for line in lines if "=" in line)
    checks.that(list(got) == ASKED_FIELDS and got["REAPD_LEVEL"] == "warning"
                and got["REAPD_REASON"] == "exhaustion"
                and int(got["REAPD_MEM_AVAILABLE_BYTES"]) > int(got["REAPD_SOFT_MEM_BYTES"]) > 0,
                "asked: the hook gets what was seen", show(lines))
    words = [entry["MESSAGE"] for entry in facts.said("asked", "reapd-hook")]
    checks.that(words == ["the cache is given up"], "asked: it runs once", show(words))
    check_nobody(facts, checks, "asked")
    checks.that(facts.alive("asked"), "asked: the same growth, and nobody died")
    checks.that(facts.number("asked_available_kib") > facts.number("mem_total_kib") // 10,
                "asked: by what was given up, memory stayed above the limit",
                facts.notes.get("asked_available_kib"))


def check_rules(facts: Facts, checks: Checks) -> None:
    """A unit that a rule names dies first, a unit that root has marked never, whoever has marked
    himself like anybody else."""
    found = signals_in(facts, "rules")
    first = list(dict.fromkeys(entry.pid for entry in found))
    checks.that(first == [facts.pid("batch"), facts.pid("selfish")],
                "rules: the one that a rule names, then the leak, and nobody else", show(found))
    checks.that(facts.alive("marked"), "rules: whom root has marked lives, though he has most")
    check_once(facts, checks, "rules", r"^1 of 2 rules matches nobody now: idle$",
               "it says which rule matches nobody")
    kills = {entry["REAPD_VICTIM_PID"]: entry for entry in facts.said("rules")
             if entry.get("MESSAGE_ID") == report.message_ids()["KILL"]}
    checks.that(kills.get(str(facts.pid("batch")), {}).get("REAPD_RULE") == "[Rule batch]"
                and "REAPD_RULE" not in kills.get(str(facts.pid("selfish")), {"REAPD_RULE": ""}),
                "rules: a report names its rule", show(map(str, kills)))
    held = int(kills.get(str(facts.pid("selfish")), {}).get("REAPD_BADNESS_PAGES", 1 << 60)) * 4096
    checks.that(held < 330 * MIB, "rules: the leak is smaller than the 400 MiB that were spared",
                f"{held} bytes")
    lines = [entry["MESSAGE"] for entry in said(facts, "rules", r"\(batch\)")]
    checks.that(any(", [Rule batch] counts " in line for line in lines),
                "rules: and says what it does", show(lines))
    rows = json.loads((facts.folder / "rules-candidates").read_text())["candidates"]
    shown = {row["name"]: (row["verdict"], row["rule"]) for row in rows}
    checks.that(shown.get("marked") == ("ignored", "user.oomd_omit")
                and shown.get("batch", ("", ""))[1] == "[Rule batch]"
                and shown.get("selfish", ("", ""))[1] is None,
                "rules: reapctl candidates shows the same", shown)


def check_slab(facts: Facts, checks: Checks) -> None:
    check_died(facts, checks, "slab", "overflow")
    found = [entry for entry in facts.said("slab")
             if entry.get("MESSAGE_ID") == report.message_ids()["SLAB"]]
    texts = show(entry["MESSAGE"] for entry in found)
    if not checks.that(len(found) == 1, "slab: it says that the kernel holds the memory", texts):
        return
    slab, lru = (int(found[0][f"REAPD_{key}_BYTES"]) for key in ("SLAB_UNRECLAIMABLE", "LRU"))
    checks.that(slab > 480 * MIB and slab > lru, "slab: how much", f"{slab} and {lru} bytes")
    checks.that(re.search(r"; the largest: (kmalloc|skbuff)[\w-]* \d+M \(\d+M in use\), ",
                          found[0]["MESSAGE"]) is not None,
                "slab: and in which caches: those of messages", texts)


def check_peers(facts: Facts, checks: Checks) -> None:
    for name in ("earlyoom", "nohang", "systemd-oomd"):
        entry = check_once(facts, checks, "peers", rf"^{name} \(process \d+\) is running too",
                           f"{name} is found")
        checks.that(entry.get("PRIORITY") == "4", f"peers: {name} is a warning",
                    entry.get("PRIORITY"))
    start, end = facts.step("earlyoom") or (0, 0)
    victim, peer = facts.pid("both"), facts.pid("earlyoom")
    sent = [entry for entry in facts.signals if start <= entry.at_usec < end
            and (facts.sent_by_daemon(entry) or peer in (entry.sender_pid, entry.sender_tgid))]
    checks.that(bool(sent) and {entry.pid for entry in sent} == {victim}
                and facts.notes.get("dead_both") == "yes",
                "earlyoom beside: one shortage, one victim", show(sent))
    print(f"# earlyoom beside: {show(sent)}".replace("\n", "\n#   "))


def check_surroundings(facts: Facts, checks: Checks) -> None:
    checks.that(facts.status == 0 and not facts.failures, "the case ran to its end",
                show(facts.failures) if facts.failures else f"status {facts.status}")
    checks.that(facts.trace_lost == 0, "the trace is whole", f"{facts.trace_lost} events lost")
    check_neighbours(facts, checks)
    check_scattered(facts, checks)
    check_panic(facts, checks)
    check_suspend(facts, checks)
    check_memcg(facts, checks)
    check_asked(facts, checks)
    check_rules(facts, checks)
    check_slab(facts, checks)
    check_peers(facts, checks)
