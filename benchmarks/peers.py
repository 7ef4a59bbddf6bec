"""Who is measured. Each peer makes a function that pools one case with its own memory, or None if it has no such case.

Each peer lives in a process of its own, which is stopped while another is timed: threads that wait by spinning would
otherwise take each other's processors. Arrays are made and touched before the clock starts.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from cases import Case, each

Function = Callable[[], Any]
#: Seconds of a sample: less than a busy system gives a thread at a time. How often a disturbed one is taken again.
SAMPLE = 5e-4
PATIENCE = 10
#: Seconds of a call that is always disturbed, and need not be warmed up.
LONG = 2e-2


def numbers(case: Case) -> Any:
    """Return the input: normal numbers, or small integers."""
    rng = np.random.default_rng(0)
    if case.dtype == "bfloat16":
        import ml_dtypes

        x = rng.standard_normal(case.shape, dtype=np.float32).astype(ml_dtypes.bfloat16)
    elif "int" in case.dtype:
        x = rng.integers(0, 100, case.shape).astype(case.dtype)
    else:
        x = rng.standard_normal(case.shape, dtype=np.float32).astype(case.dtype)
    if case.layout == "NHWC":
        x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    return x


#: Peers from fields of pictures, volumes and series, where results have the dtype of what is pooled.
FIELD_PEERS = "OpenCV", "SciPy", "NumPy", "bottleneck", "tinybrain"


def cpool(operation: str, case: Case, threads: int) -> Function | None:
    import cpool as library

    library.set_num_threads(threads)
    x, arguments, d = numbers(case), (case.kernel, case.stride, case.padding), case.ndim
    max_pool, avg_pool = getattr(library, f"max_pool{d}d"), getattr(library, f"avg_pool{d}d")
    if operation in ("max", "rolling max"):
        return lambda: max_pool(x, *arguments)
    if operation == "max with indices":
        return lambda: max_pool(x, *arguments, return_indices=True)
    if operation in ("average", "rolling mean"):
        return lambda: avg_pool(x, *arguments, dtype=x.dtype)
    if operation == "max backward":
        y, indices = max_pool(x, *arguments, return_indices=True)
        grad, backward = np.ones_like(y), getattr(library, f"max_pool{d}d_backward")
        return lambda: backward(grad, indices, case.shape)
    if operation == "average backward":
        grad, backward = np.ones_like(avg_pool(x, *arguments)), getattr(library, f"avg_pool{d}d_backward")
        return lambda: backward(grad, case.shape, *arguments)
    if operation == "adaptive average backward":
        grad = np.ones((*case.shape[:2], *case.out), x.dtype)
        backward = getattr(library, f"adaptive_avg_pool{d}d_backward")
        return lambda: backward(grad, case.shape)
    if operation == "lp":
        lp_pool = getattr(library, f"lp_pool{d}d")
        return lambda: lp_pool(x, 2, *arguments[:2], padding=case.padding)
    if operation.startswith("adaptive"):
        adaptive = getattr(library, f"adaptive_{'max' if operation.endswith('max') else 'avg'}_pool{d}d")
        return lambda: adaptive(x, case.out)
    if operation in ("median", "rolling median"):
        median = getattr(library, f"median_pool{d}d")
        return lambda: median(x, *arguments, dtype=x.dtype)
    pool = getattr(library, f"{'std' if operation == 'rolling deviation' else operation}_pool{d}d")  # min, mode
    return lambda: pool(x, *arguments)


def _torch(operation: str, case: Case, threads: int, channels_last: bool) -> Function | None:
    import torch

    functional = torch.nn.functional
    torch.set_num_threads(threads)
    if case.dtype == "bfloat16":
        x = torch.from_numpy(numbers(case).astype(np.float32)).to(torch.bfloat16)
    else:
        x = torch.from_numpy(numbers(case))
    if channels_last:
        if case.ndim == 1 or case.shape[1] == 1:
            return None
        x = x.contiguous(memory_format=torch.channels_last if case.ndim == 2 else torch.channels_last_3d)
    arguments, d = (case.kernel, case.stride, case.padding), case.ndim
    max_pool, avg_pool = getattr(functional, f"max_pool{d}d"), getattr(functional, f"avg_pool{d}d")
    if operation == "max":
        return lambda: max_pool(x, *arguments)
    if operation == "max with indices":
        return lambda: max_pool(x, *arguments, return_indices=True)
    if operation == "average":
        return lambda: avg_pool(x, *arguments)
    if operation == "min":
        return lambda: -max_pool(-x, *arguments)
    if operation == "lp":
        lp_pool, padding = getattr(functional, f"lp_pool{d}d"), [p for p in each(case.padding, d) for _ in range(2)]
        return lambda: lp_pool(functional.pad(x, padding) if any(padding) else x, 2, *arguments[:2])
    if operation in ("adaptive max", "adaptive average"):
        adaptive = getattr(functional, f"adaptive_{'max' if operation.endswith('max') else 'avg'}_pool{d}d")
        return lambda: adaptive(x, case.out)
    if not operation.endswith("backward"):
        return None
    x.requires_grad_()
    if operation.startswith("adaptive"):
        y = getattr(functional, f"adaptive_avg_pool{d}d")(x, case.out)
    else:
        y = (max_pool if operation == "max backward" else avg_pool)(x, *arguments)
    ones = torch.ones_like(y)
    return lambda: torch.autograd.grad(y, x, ones, retain_graph=True)


def torch_nchw(operation: str, case: Case, threads: int) -> Function | None:
    return _torch(operation, case, threads, False)


def torch_nhwc(operation: str, case: Case, threads: int) -> Function | None:
    return _torch(operation, case, threads, True)


def onednn(operation: str, case: Case, threads: int) -> Function | None:
    """OneDNN by way of torch, on the blocked memory that its convolutions produce."""
    import torch

    if operation not in ("max", "average") or case.ndim == 1 or case.dtype != "float32":
        return None
    torch.set_num_threads(threads)
    d, channels = case.ndim, case.shape[1]
    identity = torch.eye(channels).reshape(channels, channels, *(1,) * d)
    convolution = getattr(torch.nn.functional, f"conv{d}d")
    pool = getattr(torch.nn.functional, f"{'max' if operation == 'max' else 'avg'}_pool{d}d")
    with torch.no_grad():
        x = convolution(torch.from_numpy(numbers(case)).to_mkldnn(), identity.to_mkldnn())

    def run() -> Any:
        with torch.no_grad():
            return pool(x, case.kernel, case.stride, case.padding)

    return run


def _onnx_model(operation: str, case: Case) -> Any:
    from onnx import TensorProto, helper

    d = case.ndim
    outputs = ["y", "i"] if operation == "max with indices" else ["y"]
    more = {"count_include_pad": 1} if operation == "average" else {}
    node = helper.make_node(
        "AveragePool" if operation == "average" else "MaxPool", ["x"], outputs, kernel_shape=each(case.kernel, d),
        strides=each(case.stride, d), pads=each(case.padding, d) * 2, **more,
    )  # fmt: skip
    kinds = {"y": TensorProto.FLOAT, "i": TensorProto.INT64}
    graph = helper.make_graph(
        [node],
        "pooling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, case.shape)],
        [helper.make_tensor_value_info(o, kinds[o], None) for o in outputs],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=10)


def onnxruntime(operation: str, case: Case, threads: int) -> Function | None:
    import onnxruntime as ort

    if operation not in ("max", "max with indices", "average") or case.dtype != "float32":
        return None
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(_onnx_model(operation, case).SerializeToString(), options)
    x = numbers(case)
    return lambda: session.run(None, {"x": x})


def openvino(operation: str, case: Case, threads: int) -> Function | None:
    import io

    import openvino as ov

    if operation not in ("max", "average") or case.dtype != "float32":
        return None
    core = ov.Core()
    model = core.read_model(io.BytesIO(_onnx_model(operation, case).SerializeToString()))
    compiled = core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"})
    request, x = compiled.create_infer_request(), numbers(case)
    return lambda: request.infer([x], share_inputs=True, share_outputs=True)


def opencv(operation: str, case: Case, threads: int) -> Function | None:
    """Pictures alone: dilation, box filter, median, and resizing by area."""
    import cv2

    n, channels, *sizes = case.shape
    if case.ndim != 2 or n != 1 or channels > 4 or not isinstance(case.kernel, int):
        return None
    cv2.setNumThreads(threads)
    picture = np.ascontiguousarray(np.moveaxis(numbers(case)[0], 0, -1))
    k = case.kernel
    if case.stride == 1 and 2 * case.padding == k - 1:
        if operation == "max":
            kernel = np.ones((k, k), np.uint8)
            return lambda: cv2.dilate(picture, kernel)
        if operation == "average":
            return lambda: cv2.blur(picture, (k, k), borderType=cv2.BORDER_CONSTANT)
        if operation == "median" and (k <= 5 or case.dtype == "uint8"):
            return lambda: cv2.medianBlur(picture, k)
    if operation == "average" and case.stride == k and case.padding == 0:
        return lambda: cv2.resize(picture, (sizes[1] // k, sizes[0] // k), interpolation=cv2.INTER_AREA)
    return None


def numpy(operation: str, case: Case, threads: int) -> Function | None:
    """Blocks as axes of their own, or windows as a view, reduced by NumPy, or for the mode by SciPy."""
    x, kernel, stride = numbers(case), each(case.kernel, case.ndim), each(case.stride, case.ndim)
    axes, every = tuple(range(2, x.ndim)), (..., *(slice(None, None, s) for s in stride), *(slice(None),) * case.ndim)
    if operation in ("average", "max") and kernel == stride and not any(each(case.padding, case.ndim)):
        if any(n % k for n, k in zip(case.shape[2:], kernel, strict=True)):
            return None
        blocks = x.reshape(
            *case.shape[:2], *(m for n, k in zip(case.shape[2:], kernel, strict=True) for m in (n // k, k))
        )
        within = tuple(range(3, blocks.ndim, 2))
        if operation == "max":
            return lambda: blocks.max(within)
        whole = x.dtype.kind in "iu"
        return lambda: np.rint(blocks.mean(within)).astype(x.dtype) if whole else blocks.mean(within)
    if operation not in ("median", "mode") or x.size > 2**20:
        return None

    def windows() -> Any:
        view = np.lib.stride_tricks.sliding_window_view(x, kernel, axes)[every]
        return view.reshape(*view.shape[: x.ndim], -1)

    if operation == "median":
        return lambda: np.median(windows(), -1)
    from scipy import stats

    return lambda: stats.mode(windows(), -1)


def scipy(operation: str, case: Case, threads: int) -> Function | None:
    """Filters of the whole array, of which every stride-th element is kept."""
    from scipy import ndimage

    filters = {"median": ndimage.median_filter, "average": ndimage.uniform_filter, "max": ndimage.maximum_filter}
    n, channels = case.shape[:2]
    if operation not in filters or n * channels > 4 or (operation != "median" and case.stride != 1):
        return None
    filtered, x = filters[operation], numbers(case)
    size, every = (
        (1, 1, *each(case.kernel, case.ndim)),
        (..., *(slice(None, None, s) for s in each(case.stride, case.ndim))),
    )
    return lambda: filtered(x, size)[every]


def bottleneck(operation: str, case: Case, threads: int) -> Function | None:
    """Moving windows of series, on one thread."""
    import bottleneck as library

    name = operation.removeprefix("rolling ").replace("deviation", "std")
    if name == operation:
        return None
    x, moving = numbers(case), getattr(library, f"move_{name}")
    return lambda: moving(x, case.kernel, axis=-1)


def tinybrain(operation: str, case: Case, threads: int) -> Function | None:
    """Averages of 2x2 and 2x2x2, one channel of integers, on one thread."""
    import tinybrain as library

    n, channels, *sizes = case.shape
    if operation != "average" or n * channels > 1 or case.kernel != 2 or case.stride != 2 or case.dtype[:4] != "uint":
        return None
    volume = np.asfortranarray(numbers(case)[0, 0].T)  # as it likes it best
    return lambda: library.downsample_with_averaging(volume, (2,) * len(sizes))


def floor(operation: str, case: Case, threads: int) -> Function | None:
    """Read what must be read once and write what must be written once (floor.c)."""
    from floor import floor as reads_and_writes

    x = np.ones(case.shape, np.uint16 if case.dtype == "bfloat16" else case.dtype)
    shape = *case.shape[:2], *case.out
    y, indices = (shape, x.dtype), (shape, np.int64)
    if operation == "max with indices":
        return reads_and_writes([x], [y, indices], threads)
    if operation == "max backward":
        return reads_and_writes([np.ones(*y), np.ones(*indices)], [(x.shape, x.dtype)], threads)
    if operation.endswith("backward"):
        return reads_and_writes([np.ones(*y)], [(x.shape, x.dtype)], threads)
    return reads_and_writes([x], [y], threads)


#: Name, function, the packages it needs.
PEERS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "cpool": (cpool, ("cpool",)),
    "torch": (torch_nchw, ("torch",)),
    "torch channels_last": (torch_nhwc, ("torch",)),
    "oneDNN": (onednn, ("torch",)),
    "ONNX Runtime": (onnxruntime, ("onnx", "onnxruntime")),
    "OpenVINO": (openvino, ("onnx", "openvino")),
    "OpenCV": (opencv, ("cv2",)),
    "NumPy": (numpy, ("scipy",)),
    "SciPy": (scipy, ("scipy",)),
    "bottleneck": (bottleneck, ("bottleneck",)),
    "tinybrain": (tinybrain, ("tinybrain",)),
    "floor": (floor, ()),
}


def sample(function: Function, calls: int) -> float:
    """Return the seconds of one call; taken again, and the least, if the system gave the processor to someone else."""
    least = float("inf")
    for _ in range(PATIENCE):
        start = time.perf_counter()
        function()  # wakes the threads, fills the caches
        if (once := time.perf_counter() - start) > LONG:
            return once
        before = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        start = time.perf_counter()
        for _ in range(calls):
            function()
        least = min(least, (time.perf_counter() - start) / calls)
        if resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw == before:
            break
    return least


def enough(function: Function) -> int:
    """Return how many calls make a sample; the first ones are slower, and do not count."""
    return max(1, round(SAMPLE / min(sample(function, 1) for _ in range(5))))


def _serve(make: Any, pipe: Any, site: str | None) -> None:
    """Make the function of each job, then time it as often as asked."""
    if site:
        sys.path.insert(0, site)
        found = importlib.util.find_spec("cpool")
        if found is None or not str(found.origin).startswith(site):  # an editable install comes before any folder
            raise ImportError(f"cpool is not taken from {site}")
    while True:
        try:
            job = pipe.recv()
        except EOFError:  # the run is over
            return
        try:
            function = make(*job)
            if function is not None:
                calls = enough(function)
        except Exception as error:
            print(f"{make.__name__} cannot do {job}: {error}", file=sys.stderr)
            function = None
        pipe.send(function is not None)
        if function is None:
            continue
        while pipe.recv():
            pipe.send(sample(function, calls))


class Worker:
    """A peer in its process, whose packages come from the folder `site` if they are there."""

    def __init__(self, name: str, site: str | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(PEERS[name][0], theirs, site), daemon=True)
        self.process.start()

    def prepare(self, *job: Any) -> bool:
        """Return whether the peer has the case."""
        self.resume()
        self.pipe.send(job)
        able = bool(self.pipe.recv())
        self.pause()
        return able

    def sample(self) -> float:
        """Return the seconds of one call, while all other peers stand still."""
        self.resume()
        self.pipe.send(True)
        seconds = float(self.pipe.recv())
        self.pause()
        return seconds

    def pause(self) -> None:
        """Stop the process, its spinning threads with it."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let the process go on."""
        os.kill(self.process.pid, signal.SIGCONT)

    def end(self) -> None:
        """End the process, even if it stands still."""
        self.process.kill()
        self.process.join()

    def done(self) -> None:
        """End the samples of one job."""
        self.pipe.send(False)  # read when the process goes on


def present() -> list[str]:
    """Return the peers whose packages are installed."""
    return [name for name, (_, needs) in PEERS.items() if all(map(importlib.util.find_spec, needs))]
