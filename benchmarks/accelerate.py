"""What `cpool.torch.accelerate` gains on a CPU: the pooling layers, the whole model, a training step."""

import copy
import time

import numpy as np
import torch
from torch import nn

import cpool.torch


def convolutions(*widths):
    """Return 3x3 convolutions with ReLU; "M" stands for a 2x2 maximum."""
    layers, channels = [], 3
    for width in widths:
        if width == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
    return nn.Sequential(*layers)


def alexnet():
    """Return AlexNet's features and head, with overlapping 3x3 maxima."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(),
        nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.AdaptiveAvgPool2d(6), nn.Flatten(),
        nn.Linear(9216, 4096), nn.ReLU(), nn.Linear(4096, 1000),
    )  # fmt: skip


def vgg11():
    """Return VGG-11's features."""
    return convolutions(64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M")


class Inception(nn.Module):
    """Four branches at 35x35, one of them a pooling at stride 1, as in Inception v3."""

    def __init__(self):
        super().__init__()
        self.one, self.pooled = nn.Conv2d(288, 64, 1), nn.Conv2d(288, 64, 1)
        self.three = nn.Sequential(nn.Conv2d(288, 64, 1), nn.ReLU(), nn.Conv2d(64, 96, 3, padding=1))
        self.five = nn.Sequential(nn.Conv2d(288, 48, 1), nn.ReLU(), nn.Conv2d(48, 64, 5, padding=2))
        self.pool = nn.AvgPool2d(3, 1, 1)

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(self.pool(x))], 1).relu()


MODELS = {
    "AlexNet, batch 8": (alexnet, (8, 3, 224, 224)),
    "VGG-11, batch 2": (vgg11, (2, 3, 224, 224)),
    "three Inception blocks, batch 4": (
        lambda: nn.Sequential(Inception(), Inception(), Inception(), nn.MaxPool2d(3, 2)),
        (4, 288, 35, 35),
    ),
}
POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)


def timed_pools(model):
    """Let the pooling layers of a model add up their time."""
    spent = [0.0]

    def before(module, inputs):
        module.started = time.perf_counter()

    def after(module, inputs, output):
        spent[0] += time.perf_counter() - module.started

    for module in model.modules():
        if isinstance(module, POOLS):
            module.register_forward_pre_hook(before)
            module.register_forward_hook(after)
    return spent


def main(rounds=9):
    print("| model | pooling forward | whole forward | share of pooling before, after | training step |")
    print("|---|---:|---:|---:|---:|")
    for name, (make, shape) in MODELS.items():
        torch.manual_seed(0)
        theirs = make()
        models = {"torch": theirs, "cpool": cpool.torch.accelerate(copy.deepcopy(theirs))}
        spent = {who: timed_pools(model) for who, model in models.items()}
        x = torch.randn(shape)
        with torch.inference_mode():
            torch.testing.assert_close(models["cpool"](x), models["torch"](x))
        figures = {who: [] for who in models}
        for _ in range(rounds):
            for who, model in models.items():
                with torch.inference_mode():
                    spent[who][0] = 0.0
                    start = time.perf_counter()
                    model(x)
                    forward, pools = time.perf_counter() - start, spent[who][0]
                start = time.perf_counter()
                model(x).sum().backward()
                figures[who].append((pools, forward, time.perf_counter() - start))
        before, after = (np.median(figures[who], axis=0) for who in ("torch", "cpool"))
        gain = before / after
        shares = f"{before[0] / before[1]:.0%}, {after[0] / after[1]:.0%}"
        print(f"| {name} | {gain[0]:.1f} times | {gain[1]:.2f} times | {shares} | {gain[2]:.2f} times |")


if __name__ == "__main__":
    main()
