"""Every case against every peer that is installed, in one interleaved run: ratios, losses included.

    python benchmarks/run.py [--threads 2] [--rounds 9] [--only TEXT] [--json FILE]
    python benchmarks/run.py --fields               # pictures, volumes and series, against what is used for them
    python benchmarks/run.py --against REVISION     # this cpool against an earlier one; which cases became slower

Each round times all peers of a case one after another; the medians over the rounds are compared. `floor` reads what
must be read once and writes what must be written once.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import statistics
from pathlib import Path
from typing import Any

from cases import FIELDS, OPERATIONS, Case
from peers import FIELD_PEERS, Worker, present
from revisions import against, build

TABLE_HEAD = (
    "| operation | case | torch / cpool | cpool / best peer | best peer | cpool / floor |\n|---|---|---:|---:|---|---:|"
)


def interleaved(workers: dict[str, Worker], jobs: dict[str, tuple[Any, ...]], rounds: int) -> dict[str, float]:
    """Return each worker's median time of a call in microseconds; workers without the case are left out."""
    able = [name for name, job in jobs.items() if workers[name].prepare(*job)]
    times: dict[str, list[float]] = {name: [] for name in able}
    for _ in range(rounds):
        for name in able:
            times[name].append(workers[name].sample())
    for name in able:
        workers[name].done()
    return {name: 1e6 * statistics.median(t) for name, t in times.items()}


def row(operation: str, case: str, t: dict[str, float]) -> str:
    """Return one line of the table."""
    others = {name: value for name, value in t.items() if name not in ("cpool", "floor")}
    cells = [operation, case, f"{t['torch'] / t['cpool']:.1f}" if "torch" in t else ""]
    if others:
        best = min(others, key=lambda name: others[name])
        ratio = t["cpool"] / others[best]
        cells += [f"**{ratio:.2f}**" if ratio > 1 else f"{ratio:.2f}", best]
    else:
        cells += ["", ""]
    cells.append(f"{t['cpool'] / t['floor']:.2f}" if "floor" in t else "")
    return "| " + " | ".join(cells) + " |"


def means(operation: str, rows: list[dict[str, float]]) -> str:
    """Return the line of geometric means."""
    torch = [t["torch"] / t["cpool"] for t in rows if "torch" in t]
    best = [
        t["cpool"] / min(v for n, v in t.items() if n not in ("cpool", "floor"))
        for t in rows
        if set(t) - {"cpool", "floor"}
    ]
    floor = [t["cpool"] / t["floor"] for t in rows if "floor" in t]
    cells = [f"{statistics.geometric_mean(v):.2f}" if v else "" for v in (torch, best, floor)]
    return f"| {operation} | **geometric mean** | {cells[0]} | {cells[1]} | | {cells[2]} |"


def against_itself(threads: int, rounds: int) -> dict[str, float]:
    """Return ratios of cpool to cpool: how cost grows with window, layout, dtype and threads."""
    picture, stem = Case("", (1, 3, 512, 512), 3, 1, 1), Case("", (16, 64, 112, 112), 3, 2, 1)
    plane = Case("", (1, 1, 4096, 4096), 5, 1, 2)
    pairs = {
        "max, window 31 / window 3 at stride 1": (
            ("max", picture._replace(kernel=31, padding=15), threads), ("max", picture, threads)),
        "average, window 31 / window 3 at stride 1": (
            ("average", picture._replace(kernel=31, padding=15), threads), ("average", picture, threads)),
        f"max 5x5 of one plane, 1 thread / {threads} threads": (("max", plane, 1), ("max", plane, threads)),
        "max, channels-last / NCHW": (("max", stem._replace(layout="NHWC"), threads), ("max", stem, threads)),
        "average, channels-last / NCHW": (
            ("average", stem._replace(layout="NHWC"), threads), ("average", stem, threads)),
    }  # fmt: skip
    for dtype in ("uint8", "int8", "uint16", "int16", "int32", "float16", "bfloat16", "float64"):
        pairs[f"max, {dtype} / float32"] = (("max", stem._replace(dtype=dtype), threads), ("max", stem, threads))
    workers = {"above": Worker("cpool"), "below": Worker("cpool")}
    ratios = {}
    for text, (above, below) in pairs.items():
        t = interleaved(workers, {"above": above, "below": below}, rounds)
        ratios[text] = t["above"] / t["below"]
        print(f"| {text} | {ratios[text]:.2f} |", flush=True)
    for worker in workers.values():
        worker.end()
    return ratios


def machine() -> str:
    """Return the processor's name, what tells its generation, and which of cpool's kernels it runs."""
    from cpool.core.config import config

    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    told = dict(re.findall(r"^(.*?)\s*: (.*)$", text.split("\n\n")[0], re.MULTILINE))  # of the first processor
    name = told.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in told:
        name += f" (family {told['cpu family']}, model {told['model']})"
    return f"{name}, kernels {config()['instruction set chosen']}"


def save(file: str | None, threads: int, found: dict[str, Any]) -> None:
    """Write what was found to a file, if one is named."""
    if file:
        Path(file).write_text(json.dumps({"machine": machine(), "threads": threads} | found, indent=1) + "\n")


Found = dict[str, dict[str, dict[str, float]]]


def measure(operations: dict[str, list[Case]], names: list[str], threads: int, rounds: int, only: str) -> Found:
    """Return the microseconds of each peer by operation and case, and print them as they come."""
    workers = {name: Worker(name) for name in names}
    results: Found = {}
    print(TABLE_HEAD)
    for operation, cases in operations.items():
        measured = {}
        for case in cases:
            if only.lower() in f"{operation}, {case.name}".lower():
                jobs = dict.fromkeys(names, (operation, case, threads))
                measured[case.name] = interleaved(workers, jobs, rounds)
                print(row(operation, case.name, measured[case.name]), flush=True)
        if measured:
            results[operation] = measured
            print(means(operation, list(measured.values())), flush=True)
    for worker in workers.values():
        worker.end()
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="cases or operations whose name contains this")
    parser.add_argument("--json")
    parser.add_argument(
        "--fields", action="store_true", help="pictures, volumes and series, on 1 thread and on --threads"
    )
    parser.add_argument("--against", metavar="REVISION", help="compare with the cpool of this revision, not with peers")
    options = parser.parse_args()
    if options.against:
        print(f"{machine()}, {options.threads} threads, against {options.against}\n", flush=True)
        changes = against(build(options.against), options.threads, options.rounds, options.only)
        save(options.json, options.threads, {"against": options.against, "changes": changes})
        return
    names = [name for name in present() if not options.fields or name in ("cpool", "floor", *FIELD_PEERS)]
    print(f"peers: {', '.join(names)}; {platform.machine()} {platform.system()}\n")
    if options.fields:
        found = {}
        for threads in sorted({1, options.threads}):
            print(f"\n{threads} threads\n")
            found[str(threads)] = measure(FIELDS, names, threads, options.rounds, options.only)
        save(options.json, options.threads, {"fields": found})
        return
    results = measure(OPERATIONS, names, options.threads, options.rounds, options.only)
    ratios = {}
    if not options.only:
        print("\n| cpool against itself | ratio |\n|---|---:|")
        ratios = against_itself(options.threads, options.rounds)
    save(options.json, options.threads, {"microseconds": results, "itself": ratios})


if __name__ == "__main__":
    main()
