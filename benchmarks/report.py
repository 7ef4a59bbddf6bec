"""Turn the results of run.py into the tables of README.md and benchmarks/README.md, and the chart docs/speed.svg.

    python benchmarks/report.py [--check]

With --check nothing is written; the exit code tells whether the tables are those of results.json.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from run import TABLE_HEAD, means, row

ROOT = Path(__file__).parent.parent
BESIDES = ("cpool", "floor")
Times = dict[str, float]


def best(t: Times) -> str:
    """Return the fastest peer."""
    return min((name for name in t if name not in BESIDES), key=lambda name: t[name])


def summary(found: dict[str, Any]) -> str:
    """Return one line for each operation."""
    lines = [
        f"{found['machine']}, {found['threads']} threads.\n",
        "| operation | times faster than torch (range) | as fast as the best peer, or faster | cpool / best peer "
        "| cpool / floor |",
        "|---|---:|---:|---:|---:|",
    ]
    for operation, cases in found["microseconds"].items():
        torch = [t["torch"] / t["cpool"] for t in cases.values() if "torch" in t]
        ratios = [t["cpool"] / t[best(t)] for t in cases.values()]
        floor = [t["cpool"] / t["floor"] for t in cases.values()]
        against = (
            f"{statistics.geometric_mean(torch):.1f} ({min(torch):.1f} to {max(torch):.0f})" if torch else "has none"
        )
        lines.append(
            f"| {operation} | {against} | {sum(r <= 1 for r in ratios)} of {len(ratios)} "
            f"| {statistics.geometric_mean(ratios):.2f} | {statistics.geometric_mean(floor):.1f} |"
        )
    return "\n".join(lines)


def losses(found: dict[str, Any], peer: str) -> int:
    """Count the cases in which `peer` is the fastest of all."""
    every = [t for cases in found["microseconds"].values() for t in cases.values()]
    return sum(best(t) == peer and t[peer] < t["cpool"] for t in every)


def lost(found: dict[str, Any]) -> str:
    """Return who is ahead, how often and by how much at most."""
    lines = ["| ahead of cpool | cases | at most, times | where |", "|---|---:|---:|---|"]
    every = [(o, c, t) for o, cases in found["microseconds"].items() for c, t in cases.items()]
    for peer in sorted({best(t) for _, _, t in every}, key=lambda peer: (-losses(found, peer), peer)):
        ahead = [(t["cpool"] / t[peer], o, c) for o, c, t in every if best(t) == peer and t[peer] < t["cpool"]]
        if ahead:
            most, operation, case = max(ahead)
            lines.append(f"| {peer} | {len(ahead)} | {most:.1f} | {operation}: {case} |")
    return "\n".join(lines)


def full(found: dict[str, Any]) -> str:
    """Return every case."""
    lines = [f"{found['machine']}, {found['threads']} threads.\n", TABLE_HEAD]
    for operation, cases in found["microseconds"].items():
        lines += [row(operation, case, t) for case, t in cases.items()]
        lines.append(means(operation, list(cases.values())))
    lines += ["", "| cpool against itself | ratio |", "|---|---:|"]
    lines += [f"| {text} | {ratio:.2f} |" for text, ratio in found["itself"].items()]
    return "\n".join(lines)


def replaced(text: str, name: str, block: str) -> str:
    """Put `block` between the markers of `name`."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    return text[: text.index(begin) + len(begin)] + "\n" + block + "\n" + text[text.index(end) :]


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw how many times faster than torch and than the best peer cpool is, case by case."""
    import matplotlib.pyplot as plt

    shown = ["max", "max with indices", "average", "max backward", "average backward"]
    figure, panels = plt.subplots(1, len(shown), figsize=(16, 7), sharey=True, layout="constrained")
    for panel, operation in zip(panels, shown, strict=True):
        cases = found["microseconds"][operation]
        places = range(len(cases))
        torch = [t["torch"] / t["cpool"] for t in cases.values()]
        peers = [t[best(t)] / t["cpool"] for t in cases.values()]
        panel.barh(places, [v - 1 for v in torch], left=1, color="#9ecae1", label="torch, NCHW")
        panel.scatter(
            peers, places, c=["#31a354" if v >= 1 else "#de2d26" for v in peers], s=28, zorder=3,
            label="the best peer (red: ahead of cpool)",
        )  # fmt: skip
        panel.axvline(1, color="black", linewidth=0.8)
        panel.set_xscale("log")
        panel.set_title(operation)
        panel.set_xlabel("times the time of cpool")
        panel.set_yticks(list(places), list(cases))
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()
    panels[0].legend(loc="lower left", bbox_to_anchor=(0, 1.06), frameon=False)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    found = json.loads((ROOT / "benchmarks" / "results.json").read_text())
    stale = False
    for name, blocks in {
        "README.md": {"speed": summary(found), "losses": lost(found)},
        "benchmarks/README.md": {"results": full(found)},
    }.items():
        path = ROOT / name
        text = before = path.read_text()
        for marker, block in blocks.items():
            text = replaced(text, marker, block)
        stale |= text != before
        if "--check" not in sys.argv:
            path.write_text(text)
    if "--check" in sys.argv:
        sys.exit("the tables are not those of results.json: run benchmarks/report.py" if stale else 0)
    draw(found, ROOT / "docs" / "speed.svg")


if __name__ == "__main__":
    main()
