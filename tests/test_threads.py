"""Forks, threads of Python and of the system, other libraries' OpenMP, and errors: the library stays usable."""

import concurrent.futures
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import cpool

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
X = np.random.default_rng(0).standard_normal((8, 16, 64, 64)).astype(np.float32)


def in_python(code, **environment):
    """Run a program with a time-out; return what it printed."""
    command = [sys.executable, "-W", "ignore", "-c", code]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=os.environ | environment, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def everything(x):
    """Call all families once."""
    y, indices = cpool.max_pool2d(x, 3, 2, 1, return_indices=True)
    return [
        y,
        indices,
        cpool.min_pool2d(x, 3, 1, 1),
        cpool.avg_pool2d(x, 5, 1, 2),
        cpool.lp_pool2d(x, 2, 2),
        cpool.adaptive_avg_pool2d(x, 7),
        cpool.median_pool2d(x, 3),
        cpool.max_pool2d_backward(y, indices, x.shape),
        cpool.avg_pool2d_backward(y, x.shape, 3, 2, 1),
        cpool.max_unpool2d(y, indices, 3, 2, 1, x.shape[-2:]),
    ]


def test_many_python_threads_at_once():
    """Each with its own array and shape, so that prepared calls are made and found at the same time."""
    arrays = [X[: 1 + i % 4, :, : 40 + i, :] for i in range(16)]
    expected = [everything(x) for x in arrays]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            for found, wanted in zip(pool.map(everything, arrays), expected, strict=True):
                for a, b in zip(found, wanted, strict=True):
                    np.testing.assert_array_equal(a, b)


def test_the_interpreter_is_free_during_a_call():
    """Another thread gets its turns while a long call runs."""
    x = np.zeros((64, 64, 128, 128), np.float32)
    turns, done = [], threading.Event()

    def count():
        while not done.is_set():
            turns.append(1)
            done.wait(1e-4)

    other = threading.Thread(target=count)
    other.start()
    before = len(turns)
    cpool.avg_pool2d(x, 7, 1, 3)
    during = len(turns) - before
    done.set()
    other.join()
    assert during >= 2


@LINUX
@pytest.mark.parametrize("n", [1, 2, 3])
def test_no_more_threads_than_asked(n):
    code = f"""
import os, numpy as np, cpool
before = len(os.listdir("/proc/self/task"))
cpool.set_num_threads({n})
for _ in range(5):
    cpool.max_pool2d(np.ones((8, 16, 128, 128)), 3, 1, 1)
print(len(os.listdir("/proc/self/task")) - before)
"""
    assert int(in_python(code, OPENBLAS_NUM_THREADS="1")) <= n - 1


@LINUX
def test_threads_stay_whatever_a_call_has_for_them():
    """Calls that fewer threads share do not end the others, unless they are many; nor do they start any."""
    code = """
import os, time, numpy as np, cpool
cpool.set_num_threads(4)
def tasks(): return set(os.listdir("/proc/self/task"))
large, small, few = np.ones((8, 16, 128, 128)), np.ones((1, 4, 128, 128)), np.ones((1, 1, 2, 100000))
before = len(tasks())
cpool.max_pool2d(small, 2)
print(len(tasks()) - before)
cpool.max_pool2d(large, 2)
threads = tasks()
print(len(threads) - before)
for _ in range(3):
    for x in small, few, large:
        cpool.max_pool2d(x, 2)
        assert tasks() == threads
for _ in range(40):
    cpool.max_pool2d(small, 2)
while len(tasks()) - before > 1:  # those that end take a moment for it; if they do not, time runs out
    time.sleep(0.01)
print(len(tasks()) - before, cpool.explain(cpool.max_pool2d, small, 2).threads)
"""
    assert in_python(code, OPENBLAS_NUM_THREADS="1").split() == ["1", "3", "1", "2"]


def test_the_environment_is_respected():
    show = "import cpool; print(cpool.get_num_threads())"
    assert in_python(show, OMP_NUM_THREADS="1").split() == ["1"]


@LINUX
def test_limits_of_threadpoolctl_are_respected():
    pytest.importorskip("threadpoolctl")
    code = """
import os, numpy as np, cpool, threadpoolctl
x = np.ones((8, 16, 128, 128))
before = len(os.listdir("/proc/self/task"))
cpool.set_num_threads(2)
with threadpoolctl.threadpool_limits(1):
    cpool.max_pool2d(x, 3, 1, 1)
    print(len(os.listdir("/proc/self/task")) - before)
cpool.max_pool2d(x, 3, 1, 1)
print(len(os.listdir("/proc/self/task")) - before)
"""
    assert in_python(code, OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="1").split() == ["0", "1"]


@LINUX
def test_affinity_is_respected():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); import cpool; "
    assert in_python(code + "print(cpool.get_num_threads())").split() == ["1"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_fork_pool():
    code = """
import multiprocessing, numpy as np, cpool
cpool.set_num_threads(2)
x = np.random.default_rng(0).standard_normal((4, 16, 64, 64))
def work(i):
    return cpool.max_pool2d(x + i, 3, 1, 1).sum()
if __name__ == "__main__":
    expected = [work(i) for i in range(6)]
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.map(work, range(6)) == expected
    assert work(0) == expected[0]  # and the parent goes on
"""
    in_python(code)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_workers_of_torch():
    pytest.importorskip("torch")
    code = """
import numpy as np, torch, cpool
cpool.set_num_threads(2)
x = np.random.default_rng(0).standard_normal((8, 16, 64, 64)).astype(np.float32)
class Data(torch.utils.data.Dataset):
    def __len__(self): return 8
    def __getitem__(self, i): return cpool.max_pool2d(x[i], 2)
expected = cpool.max_pool2d(x, 2)
loader = torch.utils.data.DataLoader(Data(), batch_size=4, num_workers=2, multiprocessing_context="fork")
found = torch.cat(list(loader)).numpy()
assert (found == expected).all()
torch.set_num_threads(2)
assert np.array_equal(torch.nn.functional.max_pool2d(torch.from_numpy(x), 2).numpy(), cpool.max_pool2d(x, 2))
"""
    in_python(code)


def test_errors_leave_the_library_usable():
    expected = cpool.max_pool2d(X, 2)
    grad, indices = cpool.max_pool2d(X, 2, return_indices=True)
    for _ in range(50):
        with pytest.raises(ValueError, match="indices"):
            cpool.max_pool2d_backward(grad, indices + 10**6, X.shape)
        with pytest.raises(ValueError, match="kernel_size"):
            cpool.max_pool2d(X, 1000)
    np.testing.assert_array_equal(cpool.max_pool2d(X, 2), expected)


def test_error_in_one_plane_of_many():
    """The one bad index is found whichever thread meets it, and an out= is untouched."""
    grad, indices = cpool.max_pool2d(X, 2, return_indices=True)
    out = np.full(X.shape, 7, np.float32)
    for bad in (-1, 64 * 64, 2**40):
        at = indices.copy()
        at[5, 11, 3, 3] = bad
        for target in (None, out):
            with pytest.raises(ValueError, match=str(bad)):
                cpool.max_pool2d_backward(grad, at, X.shape, out=target)
    assert (out == 7).all()


def test_few_outputs_of_much_input_are_shared():
    """Work is what windows see: one output for each of many planes is not little."""
    x = np.zeros((1, 64, 112, 112), np.float32)
    for function, arguments in ((cpool.avg_pool2d, (112,)), (cpool.adaptive_max_pool2d, (1,))):
        assert cpool.explain(function, x, *arguments).jobs[0].threads > 8
    assert cpool.explain(cpool.avg_pool2d, x[:, :1], 112).jobs[0].threads == 1  # of one plane
