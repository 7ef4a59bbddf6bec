"""Pooling of torch's CPU tensors by cpool: without a copy, with autograd, under ``torch.compile``.

The functions have the names and arguments of ``torch.nn.functional``; padding may also be one (before, after) pair per
axis, of any size, and averages and norms may be dilated. `accelerate` swaps the pooling layers of a model, `restore`
swaps them back. Underneath lie custom operators, ``torch.ops.cpool``.

- ``functional`` checks arguments and calls the operators,
- ``operators``  are what torch's dispatcher knows: kernels, shapes, derivatives, batching,
- ``layers``     are torch's own, whose forward pass is cpool's where that applies.

Examples
--------
>>> import torch, cpool.torch
>>> x = torch.arange(16.0).reshape(4, 4).requires_grad_()
>>> cpool.torch.max_pool2d(x, 2).sum().backward()
>>> x.grad.nonzero().tolist()
[[1, 1], [1, 3], [3, 1], [3, 3]]
"""

from . import functional
from .functional import *  # noqa: F403
from .layers import accelerate, restore

__all__ = ["accelerate", "restore"]
__all__ += functional.__all__
