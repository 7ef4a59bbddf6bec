"""Every instruction set gives the same bits, for any number of threads and any memory order."""

import os
import subprocess
import sys

import pytest

from cpool import _build_info, _runtime

DIGEST = """
import hashlib, numpy as np, cpool
rng = np.random.default_rng(1)
digest = hashlib.sha256()
for shape in [(2, 3, 17, 33), (1, 2, 7, 7), (3, 40, 21), (2, 2, 5, 9, 70)]:
    d = 3 if len(shape) == 5 else 2
    for dtype in ["f2", "f4", "f8", "i1", "u2", "i4", "u8"]:
        x = (rng.standard_normal(shape) * 50).astype(dtype)
        for k, s, p, dilation in [(2, 2, 0, 1), (3, 2, 1, 1), (5, 1, 2, 1), (3, 1, 1, 2), (4, 3, 2, 1)]:
            f = {n: getattr(cpool, n + f"_pool{d}d") for n in ("max", "min", "avg")}
            b = {n: getattr(cpool, n + f"_pool{d}d_backward") for n in ("max", "avg")}
            last = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
            back = np.ascontiguousarray(x[..., ::-1])[..., ::-1]
            for order, threads in [(x, 1), (x, 2), (x, 3), (x, 7), (last, 1), (last, 2), (back, 1), (back, 3)]:
                cpool.set_num_threads(threads)
                results = [*f["max"](order, k, s, p, dilation, return_indices=True)]
                results.append(f["min"](order, k, s, p, dilation))
                results.append(f["avg"](order, k, s, p, dilation=dilation))
                if dtype[0] == "f":
                    lp_pool = getattr(cpool, f"lp_pool{d}d")
                    results.append(lp_pool(abs(order), 3, k, s, padding=p, dilation=dilation))
                if dtype in ("f4", "f8"):
                    results.append(b["max"](results[0], results[1], x.shape))
                    results.append(b["avg"](results[3], x.shape, k, s, p, dilation=dilation))
                each = hashlib.sha256(b"".join(np.ascontiguousarray(r).tobytes() for r in results)).digest()
                if threads == 1 and order is x:
                    expected = each
                assert each == expected, (shape, dtype, k, s, p, dilation, threads, order.strides)
            for name in ("max", "avg"):  # plane by plane
                planes = [f[name](plane, k, s, p) for plane in x.reshape(-1, *x.shape[-d:])]
                assert b"".join(plane.tobytes() for plane in planes) == f[name](x, k, s, p).tobytes()
            digest.update(expected)
import cpool._engine
print(cpool._engine.LEVEL, digest.hexdigest())
"""


def run(isa, code=DIGEST):
    environment = {k: v for k, v in os.environ.items() if k != "CPOOL_ISA"} | ({"CPOOL_ISA": isa} if isa else {})
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=280)


def test_all_levels_give_the_same_bits():
    runnable = [x for x in _build_info.LEVELS if x == "baseline" or int(x[1:]) <= _runtime.cpu_level()]
    digests = {}
    for level in runnable:
        result = run(level)
        assert result.returncode == 0, result.stderr
        chosen, digests[level] = result.stdout.split()
        assert chosen == level
    assert len(set(digests.values())) == 1, digests


def test_best_level_is_chosen_and_may_be_lowered_only():
    best = [x for x in _build_info.LEVELS if x == "baseline" or int(x[1:]) <= _runtime.cpu_level()][-1]
    show = "import cpool._engine; print(cpool._engine.LEVEL)"
    assert run(None, show).stdout.split() == [best]
    assert run("v4", show).stdout.split() == [best]


@pytest.mark.parametrize("level", ["avx2", "V3"])
def test_unknown_level(level):
    result = run(level, "import cpool")
    assert result.returncode == 1
    assert "CPOOL_ISA must be 'baseline', 'v3' or 'v4'" in result.stderr
