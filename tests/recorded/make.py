"""Record what torch answers, so that the cross-check also runs where torch is not installed.

python tests/recorded/make.py        writes tests/recorded/torch.npz
"""

import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from cases import GEOMETRIES, difficult, recorded_name, torch_accepts  # noqa: E402


def record(answers, sizes, arguments):
    """Add input and answers of one geometry; every pooled axis has the arguments given."""
    name = recorded_name(sizes, arguments)
    ndim = len(sizes)
    x = difficult((2, *sizes), np.float32, seed=len(answers))
    tx = torch.from_numpy(x).requires_grad_()
    pool = getattr(F, f"max_pool{ndim}d")
    y, indices = pool(tx, **arguments, return_indices=True)
    (gx,) = torch.autograd.grad(y, tx, torch.arange(y.numel(), dtype=torch.float32).reshape(y.shape))
    answers |= {f"{name}/x": x, f"{name}/max": y.detach().numpy(), f"{name}/max_grad": gx.numpy()}
    answers[f"{name}/indices"] = indices.numpy().astype(np.int16)
    average = {k: v for k, v in arguments.items() if k != "dilation"}
    y = getattr(F, f"avg_pool{ndim}d")(tx, **average)
    (gx,) = torch.autograd.grad(y, tx, torch.ones_like(y))
    answers |= {f"{name}/avg": y.detach().numpy(), f"{name}/avg_grad": gx.numpy()}


def main():
    answers = {}
    accepted = [(sizes, a) for sizes, a in GEOMETRIES if torch_accepts(sizes, **a)]
    for sizes, arguments in accepted[:: len(accepted) // 120]:
        record(answers, sizes, arguments)
    for sizes in [(17,), (4, 6, 5)]:
        for kernel, stride, padding, ceil in [(2, None, 0, False), (3, 2, 1, True), (3, 1, 1, False), (4, 3, 2, True)]:
            record(answers, sizes, dict(kernel_size=kernel, stride=stride, padding=padding, dilation=1, ceil_mode=ceil))
    np.savez_compressed(HERE / "torch.npz", **answers)


if __name__ == "__main__":
    main()
