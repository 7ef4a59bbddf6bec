"""Turn what run.py and explore.py found into the tables of README.md and benchmarks/README.md, and docs/speed.svg.

    python benchmarks/report.py [--check]

With --check nothing is written; the exit code tells whether the tables are those of results.json, fields.json,
explored.json, others.json and dtypes.json.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from cases import CASES
from run import TABLE_HEAD, means, row

ROOT = Path(__file__).parent.parent
BESIDES = ("cpool", "floor")
Times = dict[str, float]
#: Operations of explore.py, as the README names them.
EXPLORED = {
    "max": "max", "max_indices": "max with indices", "max_backward": "max, gradient",
    "avg": "average", "avg_backward": "average, gradient",
    "adaptive_max": "adaptive max", "adaptive_avg": "adaptive average",
    "adaptive_avg_backward": "adaptive average, gradient",
    "adaptive_max_indices": "adaptive max with indices", "adaptive_max_backward": "adaptive max, gradient",
    "lp1": "norm, p = 1", "lp2": "norm, p = 2", "lp3": "norm, p = 3", "lp2.5": "norm, p = 2.5",
    "lp2_backward": "norm, p = 2, gradient", "lp3_backward": "norm, p = 3, gradient",
    "unpool": "unpooling", "unpool_backward": "unpooling, gradient",
    "fractional": "fractional max", "fractional_indices": "fractional max with indices",
}  # fmt: skip
#: How many of the worst random calls are listed.
WORST = 12


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


def behind(found: dict[str, Any]) -> str:
    """Return every case in which a peer is ahead, and how far each of the two is from the floor."""
    rows = []
    for operation, cases in found["microseconds"].items():
        for case, t in cases.items():
            peer = best(t)
            if t[peer] < t["cpool"]:
                mine, other = t["cpool"] / t["floor"], t[peer] / t["floor"]
                rows.append((mine / other, f"{operation} | {case} | {peer} | {mine:.1f} | {other:.1f}"))
    lines = [
        "| cpool / peer | operation | case | peer | cpool / floor | peer / floor |",
        "|---:|---|---|---|---:|---:|",
    ]
    return "\n".join(lines + [f"| {ratio:.2f} | {words} |" for ratio, words in sorted(rows, reverse=True)])


def full(found: dict[str, Any]) -> str:
    """Return every case."""
    lines = [f"{found['machine']}, {found['threads']} threads.\n", TABLE_HEAD]
    for operation, cases in found["microseconds"].items():
        lines += [row(operation, case, t) for case, t in cases.items()]
        lines.append(means(operation, list(cases.values())))
    lines += ["", "| cpool against itself | ratio |", "|---|---:|"]
    lines += [f"| {text} | {ratio:.2f} |" for text, ratio in found["itself"].items()]
    return "\n".join(lines)


def fields(found: dict[str, Any]) -> str:
    """Return every case of pictures, volumes and series, on one thread and on several."""
    runs = found["fields"]
    heads = [f"{n} thread{'s' * (n != '1')}" for n in runs]
    lines = [
        f"| what | {' | '.join(f'cpool / fastest other, {head} | which' for head in heads)} |",
        "|---|" + "---:|---|" * len(runs),
    ]
    ratios: dict[str, list[float]] = {n: [] for n in runs}
    for operation, cases in next(iter(runs.values())).items():
        for case in cases:
            cells = []
            for n, run in runs.items():
                t = run[operation][case]
                ratios[n].append(t["cpool"] / t[best(t)])
                text = f"{ratios[n][-1]:.2f}"
                cells.append(f"{f'**{text}**' if ratios[n][-1] > 1 else text} | {best(t)}")
            lines.append(f"| {operation}: {case} | {' | '.join(cells)} |")
    means = " | ".join(f"{statistics.geometric_mean(r):.2f} | " for r in ratios.values())
    return "\n".join([*lines, f"| **geometric mean** | {means}|", f"\n{found['machine']}."])


def counted(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the random calls that take long enough to tell of the kernels, with the words of each case."""
    return [
        r | dict(word.split("=") for word in r["case"].split())
        for r in found["results"]
        if max(r["cpool"], r["torch"]) > found["long_enough"]
    ]


def explored(found: dict[str, Any]) -> str:
    """Return one line for each operation, the one that gains least first."""
    every = counted(found)
    groups: dict[str, list[dict[str, Any]]] = {}
    for r in every:
        groups.setdefault(EXPLORED[r["operation"]], []).append(r)

    def times(results: list[dict[str, Any]]) -> str:
        return f"{1 / statistics.geometric_mean(r['ratio'] for r in results):.1f}" if results else ""

    lines = [
        "| operation | channels-last | NCHW | faster in | at worst |",
        "|---|---:|---:|---:|---:|",
    ]
    ordered = sorted(groups.items(), key=lambda item: -statistics.geometric_mean(r["ratio"] for r in item[1]))
    for name, results in [*ordered, ("**all**", every)]:
        last = [r for r in results if r["layout"] != "NCHW"]
        first = [r for r in results if r["layout"] == "NCHW"]
        lines.append(
            f"| {name} | {times(last)} | {times(first)} | {sum(r['ratio'] < 1 for r in results)} of {len(results)} "
            f"| {1 / max(r['ratio'] for r in results):.2f} |"
        )
    lines.append(
        f"\nGeometric means of `python benchmarks/explore.py {found['arguments']}`, in both memory orders that torch "
        f"has; {found['machine']}."
    )
    return "\n".join(lines)


def worst(found: dict[str, Any]) -> str:
    """Return the random calls that lose most."""
    lines = ["| cpool / torch | cpool, us | torch, us | `--case` | strategies |", "|---:|---:|---:|---|---|"]
    lines += [
        f"| {r['ratio']:.2f} | {r['cpool']:.0f} | {r['torch']:.0f} | `{r['case']}` | {', '.join(r['strategies'])} |"
        for r in sorted(counted(found), key=lambda r: -r["ratio"])[:WORST]
    ]
    return "\n".join(lines)


def replaced(text: str, name: str, block: str) -> str:
    """Put `block` between the markers of `name`."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    return text[: text.index(begin) + len(begin)] + "\n" + block + "\n" + text[text.index(end) :]


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw how many times faster than torch and than the best peer cpool is, case by case, on one scale."""
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "cpool"  # the same picture for the same figures
    shown = ["max", "max with indices", "average", "max backward", "average backward"]
    figure, panels = plt.subplots(1, len(shown), figsize=(13, 7), sharex=True, sharey=True, layout="constrained")
    for panel, operation in zip(panels, shown, strict=True):
        cases = {case.name: found["microseconds"][operation][case.name] for case in CASES}
        places = range(len(cases))
        torch = [t["torch"] / t["cpool"] for t in cases.values()]
        peers = [t[best(t)] / t["cpool"] for t in cases.values()]
        panel.barh(places, [v - 1 for v in torch], left=1, color="#9ecae1", label="torch, NCHW")
        for colour, text, ahead in (("#31a354", "the best peer", False), ("#de2d26", "a peer ahead of cpool", True)):
            points = [i for i in places if (peers[i] < 1) == ahead]  # maybe none
            panel.scatter([peers[i] for i in points], points, c=colour, s=28, zorder=3, label=text)
        panel.axvline(1, color="black", linewidth=0.8)
        panel.set_xscale("log")
        panel.set_xlim(0.2, 1000)
        panel.set_xticks([1, 10, 100], ["1", "10", "100"])
        panel.minorticks_off()
        panel.grid(axis="x", color="#dddddd", linewidth=0.6)
        panel.set_axisbelow(True)
        panel.set_title(operation)
        panel.set_yticks(list(places), list(cases))
        panel.tick_params(axis="y", length=0)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()
    figure.supxlabel("time of the other / time of cpool")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    found = json.loads((ROOT / "benchmarks" / "results.json").read_text())
    random = json.loads((ROOT / "benchmarks" / "explored.json").read_text())
    others = json.loads((ROOT / "benchmarks" / "fields.json").read_text())
    families = json.loads((ROOT / "benchmarks" / "others.json").read_text())
    dtypes = json.loads((ROOT / "benchmarks" / "dtypes.json").read_text())
    stale = False
    for name, blocks in {
        "README.md": {
            "explored": explored(random),
            "speed": summary(found),
            "losses": lost(found),
            "fields": fields(others),
        },
        "benchmarks/README.md": {
            "results": full(found),
            "behind": behind(found),
            "worst": worst(random),
            "others": explored(families),
            "dtypes": explored(dtypes),
        },
    }.items():
        path = ROOT / name
        text = before = path.read_text()
        for marker, block in blocks.items():
            text = replaced(text, marker, block)
        stale |= text != before
        if "--check" not in sys.argv:
            path.write_text(text)
    if "--check" in sys.argv:
        sys.exit("the tables are not those of the results: run benchmarks/report.py" if stale else 0)
    draw(found, ROOT / "docs" / "speed.svg")


if __name__ == "__main__":
    main()
