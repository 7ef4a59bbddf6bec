"""cpool against torch, in one interleaved run: ratios, on the shapes of one list.

    python benchmarks/against_torch.py [--threads 2] [--rounds 9] [--json FILE]

Every contestant gets the same values, touched before, and the same number of threads, and allocates its own output as
it does in normal use. Each round times all contestants of a case one after another; the medians over the rounds are
compared. Before each sample the last contestant's threads get time to go to sleep: two OpenMP runtimes in one process
otherwise spin on each other's processors. `floor` reads the input once and writes an output of the same size once
(torch's sum and fill).
"""

import argparse
import json
import platform
import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F

import cpool

#: name, shape, kernel, stride, padding
CASES = [
    ("ResNet stem, batch 1", (1, 64, 112, 112), 3, 2, 1),
    ("ResNet stem, batch 16", (16, 64, 112, 112), 3, 2, 1),
    ("VGG first, batch 4", (4, 64, 224, 224), 2, 2, 0),
    ("VGG last, batch 8", (8, 512, 14, 14), 2, 2, 0),
    ("Inception 35x35, batch 8", (8, 288, 35, 35), 3, 2, 0),
    ("Inception 35x35 stride 1", (8, 192, 35, 35), 3, 1, 1),
    ("SPPF 5", (4, 256, 20, 20), 5, 1, 2),
    ("SPPF 13", (4, 256, 20, 20), 13, 1, 6),
    ("picture, window 31", (1, 3, 512, 512), 31, 1, 15),
    ("one plane 4096x4096", (1, 1, 4096, 4096), 2, 2, 0),
    ("tiny 4x4", (1, 1, 4, 4), (2, 3), None, 0),
]
OPERATIONS = ["max", "max with indices", "max backward", "average", "average backward"]


def contestants(operation, shape, kernel, stride, padding):
    """Return functions by name: cpool and torch on the same NumPy array, torch on channels-last memory, the floor."""
    x = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    nchw = torch.from_numpy(x)
    nhwc = nchw.clone(memory_format=torch.channels_last)
    args = kernel, stride, padding
    indices_wanted = operation == "max with indices"
    if operation in ("max", "max with indices", "average"):
        ours = cpool.avg_pool2d if operation == "average" else cpool.max_pool2d
        theirs = F.avg_pool2d if operation == "average" else F.max_pool2d
        more = {"return_indices": True} if indices_wanted else {}
        y = ours(x, *args)
        return {
            "cpool": lambda: ours(x, *args, **more),
            "torch": lambda: theirs(nchw, *args, **more),
            "torch channels_last": lambda: theirs(nhwc, *args, **more),
            "floor": lambda: (nchw.sum(), torch.empty(y.size * (3 if indices_wanted else 1)).fill_(0)),
        }
    average = operation == "average backward"
    y, indices = cpool.max_pool2d(x, *args, return_indices=True)
    grad = np.ones_like(y)

    def torch_backward(t):
        t = t.requires_grad_()
        out = F.avg_pool2d(t, *args) if average else F.max_pool2d(t, *args)
        ones = torch.ones_like(out)
        return lambda: torch.autograd.grad(out, t, ones, retain_graph=True)

    if average:
        ours = lambda: cpool.avg_pool2d_backward(grad, shape, *args)  # noqa: E731
    else:
        ours = lambda: cpool.max_pool2d_backward(grad, indices, shape)  # noqa: E731
    return {
        "cpool": ours,
        "torch": torch_backward(nchw),
        "torch channels_last": torch_backward(nhwc),
        "floor": lambda: (torch.from_numpy(grad).sum(), torch.empty(shape).fill_(0)),
    }


def measure(functions, rounds):
    """Return each function's median time in microseconds, from interleaved rounds."""
    calls = {}
    for name, f in functions.items():
        f()
        start = time.perf_counter()
        f()
        calls[name] = max(1, int(5e-3 / (time.perf_counter() - start)))
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, f in functions.items():
            time.sleep(0.02)
            f()
            start = time.perf_counter()
            for _ in range(calls[name]):
                f()
            times[name].append((time.perf_counter() - start) / calls[name] * 1e6)
    return {name: statistics.median(t) for name, t in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json")
    options = parser.parse_args()
    cpool.set_num_threads(options.threads)
    torch.set_num_threads(options.threads)
    cpool.show_config()
    print(f"torch: {torch.__version__}\nmachine: {platform.machine()} {platform.processor()}\n")
    print("| operation | case | torch / cpool | torch channels_last / cpool | cpool / floor |")
    print("|---|---|---:|---:|---:|")
    results = []
    for operation in OPERATIONS:
        ratios = []
        for name, shape, *args in CASES:
            t = measure(contestants(operation, shape, *args), options.rounds)
            results.append({"operation": operation, "case": name, "microseconds": t})
            ratios.append(t["torch"] / t["cpool"])
            lost = " (torch is faster)" if t["torch channels_last"] < t["cpool"] or ratios[-1] < 1 else ""
            print(
                f"| {operation} | {name} | {ratios[-1]:.1f} | {t['torch channels_last'] / t['cpool']:.2f}{lost} "
                f"| {t['cpool'] / t['floor']:.2f} |",
                flush=True,
            )
        print(f"| {operation} | **geometric mean** | **{statistics.geometric_mean(ratios):.1f}** | | |", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
