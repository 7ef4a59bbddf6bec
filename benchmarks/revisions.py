"""An earlier cpool beside the present one: built from its revision, then timed in turns with it, case by case."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cases import OPERATIONS
from peers import Worker

ROOT = Path(__file__).parent.parent
#: Ratio above which a case is measured again in fresh processes, and a regression if it stays there.
SLOWER = 1.05
#: Median microseconds of the "old" and of the "new", and the median "ratio" of the pairs.
Change = dict[str, float]


def git(*arguments: str) -> str:
    """Run git in the repository."""
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def build(revision: str) -> str:
    """Return a folder with the cpool of a revision, built now or before; its instruction sets are the present one's."""
    from cpool.core.config import config

    commit = git("rev-parse", "--short=12", f"{revision}^{{commit}}")
    _, *sets = config()["instruction sets built"].split(", ")
    folder = Path(tempfile.gettempdir()) / "-".join(["cpool", commit, *sets])
    if not folder.exists():
        print(f"building {commit} into {folder}", flush=True)
        with tempfile.TemporaryDirectory() as temporary:
            source, site = Path(temporary) / "source", Path(temporary) / "site"
            git("worktree", "add", "--detach", str(source), commit)
            try:
                pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", site]
                subprocess.run([*pip, f"-Csetup-args=-Dinstruction_sets={','.join(sets)}", source], check=True)
            finally:
                git("worktree", "remove", "--force", str(source))
            site.rename(folder)  # whole, or not at all
    return str(folder)


def start(site: str) -> tuple[Worker, Worker]:
    """Start the cpool in `site` and the present one."""
    return Worker("cpool", site), Worker("cpool")


def compare(pair: tuple[Worker, Worker], job: tuple[Any, ...], rounds: int) -> Change | None:
    """Time a job by old and new in turns; None if one of them has no such call."""
    able = [worker.prepare(*job) for worker in pair]
    times: tuple[list[float], list[float]] = [], []
    for i in range(rounds if all(able) else 0):
        for which in ((0, 1), (1, 0))[i % 2]:
            times[which].append(1e6 * pair[which].sample())
    for worker, is_able in zip(pair, able, strict=True):
        if is_able:
            worker.done()
    if not all(able):
        return None
    ratio = statistics.median(new / old for old, new in zip(*times, strict=True))
    return {"old": statistics.median(times[0]), "new": statistics.median(times[1]), "ratio": ratio}


def against(site: str, threads: int, rounds: int, only: str) -> dict[str, dict[str, Change]]:
    """Compare all named cases, and print their ratios, geometric means and what has become slower."""
    print("| operation | case | new / old | old, us | new, us |\n|---|---|---:|---:|---:|")
    found: dict[str, dict[str, Change]] = {}
    pair = start(site)
    for operation, cases in OPERATIONS.items():
        changes: dict[str, Change] = {}
        for case in cases:
            if only.lower() not in f"{operation}, {case.name}".lower():
                continue
            job = operation, case, threads
            change = compare(pair, job, rounds)
            if change and change["ratio"] > SLOWER:
                for worker in pair:
                    worker.end()
                pair = start(site)  # other memory, which may lie better
                change = compare(pair, job, 3 * rounds)
            if change:
                changes[case.name] = change
                cells = f"{change['ratio']:.2f} | {change['old']:.1f} | {change['new']:.1f}"
                print(f"| {operation} | {case.name} | {cells} |", flush=True)
        if changes:
            mean = statistics.geometric_mean(change["ratio"] for change in changes.values())
            print(f"| {operation} | **geometric mean** | {mean:.2f} | | |", flush=True)
            found[operation] = changes
    slower = [
        (c["ratio"], o, name) for o, changes in found.items() for name, c in changes.items() if c["ratio"] > SLOWER
    ]
    print(f"\n{len(slower)} of {sum(map(len, found.values()))} are more than {SLOWER - 1:.0%} slower:")
    for ratio, operation, name in sorted(slower, reverse=True):
        print(f"{ratio:6.2f}  {operation}, {name}")
    return found
