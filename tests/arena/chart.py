# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the arena's charts: the figures of the cells that the peers were measured in, side by side."""

from __future__ import annotations

import pathlib

import matplotlib
from cells import CELLS

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

# The same file from the same figures.
matplotlib.rcParams["svg.hashsalt"] = "reapd"
matplotlib.rcParams["svg.fonttype"] = "none"

# Told apart without telling red from green: the palette of Okabe and Ito.
COLOURS = {"reapd": "#0072b2", "earlyoom": "#d55e00", "nohang": "#009e73", "oomd": "#cc79a7",
           "none": "#777777"}
# What is drawn of a line: its key, what the axis says, whether the axis is logarithmic.
CHARTS = {
    "back": ("back_ms", "from inevitable to memory back, ms", True),
    "gap": ("gap_ms", "the bystander's longest gap, ms", True),
    "lost": ("lost_percent", "the bystander's lost time, %", False),
}


def bars(axes, names: list[str], daemons: list[str], titles: dict[str, str], results: dict,
         key: str) -> None:
    height = 0.8 / len(daemons)
    for index, daemon in enumerate(daemons):
        for at, name in enumerate(names):
            row = results.get((name, daemon))
            value = row[key] if row else None
            place = at + (index + 0.5) * height - 0.4
            if value is None:
                if row and not row["right"]:
                    axes.annotate("✘", (0, place), xycoords=("axes fraction", "data"), va="center",
                                  color=COLOURS[daemon], fontsize=7)
                continue
            right = row["right"]
            axes.barh(place, value, height, color=COLOURS[daemon] if right else "none",
                      edgecolor=COLOURS[daemon], hatch=None if right else "////",
                      label=titles[daemon] if at == 0 else None)
    axes.set_yticks(range(len(names)), names, family="monospace", fontsize=8)
    axes.invert_yaxis()


def draw(folder: pathlib.Path, daemons: list[str], titles: dict[str, str], results: dict) -> list[str]:
    """One SVG a figure, of the cells that more than one daemon has a line for. Their names."""
    names = [name for name in CELLS
             if sum((name, daemon) in results for daemon in daemons) > 1]
    if not names:
        return []
    files = []
    for chart, (key, label, logarithmic) in CHARTS.items():
        shown = [name for name in names
                 if any(results.get((name, daemon), {}).get(key) is not None for daemon in daemons)]
        if not shown:
            continue
        figure, axes = plt.subplots(figsize=(9, 0.9 + 0.55 * len(shown)), layout="constrained")
        bars(axes, shown, daemons, titles, results, key)
        if logarithmic:
            axes.set_xscale("log")
        axes.set_xlabel(label)
        axes.grid(axis="x", linewidth=0.4)
        axes.spines[["top", "right"]].set_visible(False)
        handles = [plt.Rectangle((0, 0), 1, 1, color=COLOURS[daemon]) for daemon in daemons]
        handles.append(plt.Rectangle((0, 0), 1, 1, facecolor="none", edgecolor="black", hatch="////"))
        axes.legend(handles, [titles[daemon] for daemon in daemons] + ["wrong there"],
                    loc="lower center", bbox_to_anchor=(0.5, 1), ncols=6, frameon=False, fontsize=8)
        path = folder / f"{chart}.svg"
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
        files.append(path.name)
    return files
