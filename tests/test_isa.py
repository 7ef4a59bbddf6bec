"""Every instruction set gives the same bits, for any number of threads and any memory order."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cpool
from cpool.core import build_info, driver

DIGEST = """
import hashlib, numpy as np, cpool
rng = np.random.default_rng(1)
digest = hashlib.sha256()
np.seterr(all="ignore")

def drawn(shape, dtype):
    x = rng.standard_normal(shape) * 50
    if dtype[0] != "f":
        return x.astype(np.int64).astype(dtype)  # a negative float as an unsigned integer is undefined in C
    x = x.astype(dtype)
    x[abs(x) < 15] = 0
    bits = {"f2": 0x7C00, "f4": 0x7F800000, "f8": 0x7FF0 << 48}[dtype]
    sign = 1 << 8 * x.itemsize - 1
    special = np.array([bits, bits | bits >> 1 | 1, bits | bits >> 1 | 37, 0], f"u{x.itemsize}")  # inf, two NaN, zero
    special = np.concatenate([special, special | np.array(sign, special.dtype)]).view(dtype)
    chosen = rng.random(shape) < 0.02
    x[chosen] = rng.choice(special, chosen.sum())
    x[rng.random(shape) < 0.1] = -0.0
    return x

def raw(results):
    return b"".join(np.ascontiguousarray(r).tobytes() for r in results)

for shape in [(2, 3, 17, 33), (1, 2, 7, 7), (3, 40, 21), (2, 2, 5, 9, 70)]:
    d = 3 if len(shape) == 5 else 2
    for dtype in ["f2", "f4", "f8", "i1", "u2", "i4", "u8"]:
        x = drawn(shape, dtype)
        for k, s, p, dilation in [(2, 2, 0, 1), (3, 2, 1, 1), (5, 1, 2, 1), (3, 1, 1, 2), (4, 3, 2, 1)]:
            f = {n: getattr(cpool, n + f"_pool{d}d") for n in ("max", "min", "avg", "lp", "median", "var")}
            f |= {n: getattr(cpool, n + f"_pool{d}d") for n in ("adaptive_max", "adaptive_avg")}
            b = {n: getattr(cpool, n + f"_pool{d}d_backward") for n in ("max", "avg", "lp", "adaptive_avg")}
            g = drawn(f["max"](x, k, s, p, dilation).shape, dtype)
            last = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
            back = np.ascontiguousarray(x[..., ::-1])[..., ::-1]
            for order, threads in [(x, 1), (x, 2), (x, 3), (x, 7), (last, 1), (last, 2), (back, 1), (back, 3)]:
                cpool.set_num_threads(threads)
                results = [*f["max"](order, k, s, p, dilation, return_indices=True)]
                assert raw([f["max"](order, k, s, p, dilation)]) == raw(results[:1])
                results.append(f["min"](order, k, s, p, dilation))
                assert raw(f["min"](order, k, s, p, dilation, return_indices=True)[:1]) == raw(results[2:])
                results.append(f["avg"](order, k, s, p, dilation=dilation))
                results.append(f["var"](order, k, s, p, dilation=dilation, nan_policy="omit"))
                if dtype[0] == "f":
                    results.append(f["lp"](abs(order), 3, k, s, padding=p, dilation=dilation))
                    results.append(f["lp"](order, 2, k, s, padding=p, dilation=dilation))
                    results.append(f["lp"](order, np.inf, k, s, padding=p, dilation=dilation))
                if dtype in ("f4", "f8"):
                    results.append(b["max"](g, results[1], x.shape))
                    results.append(b["avg"](g, x.shape, k, s, p, dilation=dilation))
                    for power in (2.5, 3, np.inf):
                        y = f["lp"](abs(order), power, k, s, padding=p, dilation=dilation)
                        results.append(b["lp"](g, abs(order), y, power, k, s, padding=p, dilation=dilation))
                if k == 3 and d == 2:
                    results.append(f["median"](order, k, s, p, dilation))
                if k == 2:
                    results += [*f["adaptive_max"](order, 4, return_indices=True), f["adaptive_avg"](order, 4)]
                    results += [f["adaptive_max"](order, 1), f["adaptive_avg"](order, 1)]
                    assert raw([f["adaptive_max"](order, 1)]) == raw(f["adaptive_max"](order, 1, True)[:1])
                    assert raw([f["adaptive_max"](order, 4)]) == raw(f["adaptive_max"](order, 4, True)[:1])
                if k == 2 and dtype in ("f4", "f8"):
                    results.append(b["adaptive_avg"](g, x.shape))
                each = hashlib.sha256(raw(results)).digest()
                if threads == 1 and order is x:
                    expected = each
                assert each == expected, (shape, dtype, k, s, p, dilation, threads, order.strides)
            for name in ("max", "avg"):  # plane by plane
                planes = [f[name](plane, k, s, p) for plane in x.reshape(-1, *x.shape[-d:])]
                assert b"".join(plane.tobytes() for plane in planes) == f[name](x, k, s, p).tobytes()
            digest.update(expected)
import cpool.core.engine
print(cpool.core.engine.LEVEL, digest.hexdigest())
"""


def run(isa, code=DIGEST):
    environment = {k: v for k, v in os.environ.items() if k != "CPOOL_ISA"} | ({"CPOOL_ISA": isa} if isa else {})
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=280)


def test_all_levels_give_the_same_bits():
    runnable = driver.levels()
    digests = {}
    for level in runnable:
        result = run(level)
        assert result.returncode == 0, result.stderr
        chosen, digests[level] = result.stdout.split()
        assert chosen == level
    assert len(set(digests.values())) == 1, digests


def test_best_level_is_chosen_and_may_be_lowered_only():
    best = driver.levels()[-1]
    show = "import cpool.core.engine; print(cpool.core.engine.LEVEL)"
    assert run(None, show).stdout.split() == [best]
    assert run("v4", show).stdout.split() == [best]


@pytest.mark.parametrize("level", ["avx2", "V3"])
def test_unknown_level(level):
    result = run(level, "import cpool")
    assert result.returncode == 1
    assert "CPOOL_ISA must be 'baseline', 'v3' or 'v4'" in result.stderr


#: What each level needs, by Linux's names, and instructions that it must then not hold.
NEEDS = {"v3": {"avx2", "bmi1", "bmi2", "f16c", "popcnt"}}
NEEDS["v4"] = NEEDS["v3"] | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
NOT_ASKED_FOR = re.compile(r"\t(vfn?m(add|sub)\w*|lzcnt|movbe)\s")


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="not Linux")
@pytest.mark.parametrize("level", NEEDS)
def test_a_level_runs_where_the_cpu_has_all_it_needs(level):
    flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    has = set(flags[1].split()) if flags else set()
    assert (level in driver.levels()) == (level in build_info.LEVELS and NEEDS[level] <= has)
    assert driver.levels()[0] == "baseline"


@pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")
def test_levels_hold_no_instruction_that_nobody_asks_for():
    (module,) = Path(cpool.__file__).parent.glob("core/driver.*.so")
    code = subprocess.run(["objdump", "-d", module], capture_output=True, text=True, check=True).stdout
    assert [line for line in code.splitlines() if NOT_ASKED_FOR.search(line)] == []
