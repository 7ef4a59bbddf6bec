"""Max pooling layers beside the functions they call, on the named cases: median ratios of interleaved rounds.

On one thread, by the time of the processor, which does not run while the system gives it to others.
"""

import argparse
import statistics
import time

import numpy as np
from cases import CASES
from run import machine

import cpool


def calls(case):
    """Return what is timed: a layer in eval mode, one in training mode, a step, and the same by functions alone."""
    d = case.ndim
    pool, backward = getattr(cpool, f"max_pool{d}d"), getattr(cpool, f"max_pool{d}d_backward")
    layer = getattr(cpool, f"MaxPool{d}d")
    windows = case.kernel, case.stride, case.padding
    training, evaluating = layer(*windows), layer(*windows).eval()
    x = np.random.default_rng(0).standard_normal(case.shape, dtype=np.float32)
    grad = np.ones_like(evaluating(x))

    def step():
        training(x)
        training.backward(grad)

    def step_of_functions():
        _, indices = pool(x, *windows, return_indices=True)
        backward(grad, indices, x.shape)

    return {
        "function": lambda: pool(x, *windows),
        "eval": lambda: evaluating(x),
        "train": lambda: training(x),
        "step": step,
        "step of functions": step_of_functions,
    }


#: Processor's seconds of a sample, many of its clock's ticks.
SAMPLE = 0.01
#: Ratios that are printed.
RATIOS = [("eval", "function"), ("train", "function"), ("step", "step of functions")]


def seconds(function, count=1):
    """Return the processor's seconds of a call."""
    start = time.process_time()
    for _ in range(count):
        function()
    return (time.process_time() - start) / count


def ratios(case, rounds):
    """Return the ratios of a case."""
    functions = calls(case)
    counts = {name: max(1, round(SAMPLE / min(seconds(f) for _ in range(3)))) for name, f in functions.items()}
    times = {name: [] for name in functions}
    for i in range(rounds):
        for name in list(functions)[:: (1, -1)[i % 2]]:
            times[name].append(seconds(functions[name], counts[name]))
    return [statistics.median(a / b for a, b in zip(times[one], times[other], strict=True)) for one, other in RATIOS]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    cpool.set_num_threads(1)
    print(f"{machine()}, 1 thread, median ratios of {arguments.rounds} rounds\n")
    print("| max pooling | eval mode / function | training mode / function | training step / functions' |")
    print("|---|---:|---:|---:|")
    found = []
    for case in CASES:
        found.append(ratios(case, arguments.rounds))
        print(f"| {case.name} | {' | '.join(f'{r:.2f}' for r in found[-1])} |", flush=True)
    means = (statistics.geometric_mean(column) for column in zip(*found, strict=True))
    print(f"| **geometric mean** | {' | '.join(f'{r:.2f}' for r in means)} |")


if __name__ == "__main__":
    main()
