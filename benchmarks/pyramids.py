"""Halving pictures and labels: values and speed of cpool beside OpenCV, scikit-image and tinybrain, one thread each."""

import time

import cv2
import numpy as np
import tinybrain
from skimage.transform import downscale_local_mean

import cpool


def rounded(x):
    """Round as scikit-image's users do, for it returns floats."""
    return np.rint(x).astype(np.uint8)


PICTURE = {
    "cpool": lambda x: cpool.avg_pool2d(x, 2, dtype=np.uint8),
    "OpenCV INTER_AREA": lambda x: cv2.resize(x, (x.shape[1] // 2, x.shape[0] // 2), interpolation=cv2.INTER_AREA),
    "scikit-image": lambda x: rounded(downscale_local_mean(x, (2, 2))),
    "tinybrain": lambda x: tinybrain.downsample_with_averaging(x[..., None], (2, 2, 1))[0][..., 0],
}
LABELS = {
    "cpool": lambda x: cpool.mode_pool2d(x, 2),
    "tinybrain": lambda x: tinybrain.downsample_segmentation(x[..., None], (2, 2, 1))[0][..., 0],
}


def main(rounds=9):
    cpool.set_num_threads(1)
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (2048, 2048), dtype=np.uint8)
    labels = np.kron(rng.integers(1, 9, (256, 256)), np.ones((8, 8), int))
    labels = np.roll(labels, (1, 1), (0, 1)).astype(np.uint32)
    print("| 2048x2048 | who | time / cpool | pixels that differ | by at most |\n|---|---|---:|---:|---:|")
    for what, x, who in (("uint8 picture, average", picture, PICTURE), ("uint32 labels, mode", labels, LABELS)):
        times = {name: [] for name in who}
        results = {name: np.asarray(f(x)) for name, f in who.items()}
        for _ in range(rounds):
            for name, f in who.items():
                start = time.perf_counter()
                f(x)
                times[name].append(time.perf_counter() - start)
        for name, result in results.items():
            apart = np.abs(result.astype(np.int64) - results["cpool"].astype(np.int64))
            ratio = np.median(times[name]) / np.median(times["cpool"])
            print(f"| {what} | {name} | {ratio:.1f} | {np.mean(apart > 0):.1%} | {apart.max()} |")


if __name__ == "__main__":
    main()
