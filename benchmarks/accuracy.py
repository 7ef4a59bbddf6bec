"""How far averages are from exact sums: root mean square errors of cpool and torch, in units of the dtype's epsilon."""

import math

import numpy as np
import torch

import cpool


def exact(x, k):
    """Return averages of k x k tiles, summed without rounding."""
    tiles = x.astype(np.float64).reshape(x.shape[0] // k, k, x.shape[1] // k, k).transpose(0, 2, 1, 3)
    return np.array([[math.fsum(tile.ravel()) / (k * k) for tile in row] for row in tiles])


def main():
    print("| dtype | window | numbers | cpool | torch |\n|---|---:|---|---:|---:|")
    for dtype in ("float16", "float32", "float64"):
        for k in (3, 16, 64):
            for kind in ("positive", "mixed magnitudes"):
                rng = np.random.default_rng(k)
                x = abs(rng.standard_normal((8 * k, 8 * k)))
                x = (x if kind == "positive" else x * 10.0 ** rng.uniform(-3, 3, x.shape)).astype(dtype)
                expected = exact(x, k)
                unit = np.finfo(dtype).eps * np.abs(expected).mean()
                means = cpool.avg_pool2d(x, k), torch.nn.functional.avg_pool2d(torch.from_numpy(x)[None], k)[0].numpy()
                errors = [np.sqrt(np.mean((y.astype(np.float64) - expected) ** 2)) / unit for y in means]
                print(f"| {dtype} | {k}x{k} | {kind} | {errors[0]:.2f} | {errors[1]:.2f} |")


if __name__ == "__main__":
    main()
