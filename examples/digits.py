"""A small CNN in NumPy and cpool, forward and backward, that learns to read handwritten digits.

    pip install numpy-cpool scikit-learn
    python examples/digits.py

Two convolutions with a maximum after the first and an average after the second, on scikit-learn's 8x8 digits. Every
layer is a few lines: what it computes, what it remembers, and how the gradient comes back through it.
"""

import numpy as np

import cpool


class Convolution:
    """3x3 with a border of zeros: each output is a weighted sum of the 9 pixels around it, over all channels."""

    def __init__(self, channels, features, rng):
        scale = np.sqrt(2 / (9 * channels))
        self.weight = (rng.standard_normal((features, channels, 3, 3)) * scale).astype(np.float32)
        self.bias = np.zeros(features, np.float32)

    @staticmethod
    def around(x):
        """Return the 3x3 pixels around each pixel, as a view of the padded pictures."""
        padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
        return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))

    def __call__(self, x):
        self.seen = self.around(x)
        y = np.tensordot(self.seen, self.weight, ([1, 4, 5], [1, 2, 3]))  # (N, H, W, features)
        return (y + self.bias).transpose(0, 3, 1, 2)

    def backward(self, grad):
        self.gradients = [np.tensordot(grad, self.seen, ([0, 2, 3], [0, 2, 3])), grad.sum((0, 2, 3))]
        turned = self.weight[:, :, ::-1, ::-1]  # what went out by a weight comes back by it
        return np.tensordot(self.around(grad), turned, ([1, 4, 5], [0, 2, 3])).transpose(0, 3, 1, 2)


class Rectifier:
    """Keep what is positive; the gradient passes there and nowhere else."""

    def __call__(self, x):
        self.open = x > 0
        return x * self.open

    def backward(self, grad):
        return grad * self.open


class Dense:
    """A weighted sum of all features."""

    def __init__(self, features, classes, rng):
        self.weight = (rng.standard_normal((features, classes)) * np.sqrt(1 / features)).astype(np.float32)
        self.bias = np.zeros(classes, np.float32)

    def __call__(self, x):
        self.shape, self.seen = x.shape, x.reshape(len(x), -1)
        return self.seen @ self.weight + self.bias

    def backward(self, grad):
        self.gradients = [self.seen.T @ grad, grad.sum(0)]
        return (grad @ self.weight.T).reshape(self.shape)


def network(rng):
    """Return the layers. cpool's have the same two methods as ours."""
    return [
        Convolution(1, 16, rng), Rectifier(), cpool.MaxPool2d(2),  # 8x8 -> 4x4: the strongest response stays
        Convolution(16, 32, rng), Rectifier(), cpool.AvgPool2d(2),  # 4x4 -> 2x2
        Dense(32 * 4, 10, rng),
    ]  # fmt: skip


def forward(layers, x):
    """Return the scores of the ten digits."""
    for layer in layers:
        x = layer(np.ascontiguousarray(x))
    return x


def step(layers, x, digits, rate):
    """One step of gradient descent on the cross entropy; return the loss."""
    scores = forward(layers, x)
    scores = scores - scores.max(1, keepdims=True)
    chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    right = np.arange(len(x)), digits
    loss = -np.log(chances[right]).mean()
    chances[right] -= 1
    grad = chances / len(x)
    for layer in reversed(layers):
        grad = layer.backward(np.ascontiguousarray(grad, np.float32))
    for layer in layers:
        for parameter, gradient in zip([layer.weight, layer.bias] if hasattr(layer, "weight") else [],
                                       getattr(layer, "gradients", []), strict=True):  # fmt: skip
            parameter -= rate * gradient
    return loss


def data():
    """Return pictures and digits to learn from, and to be asked about."""
    from sklearn.datasets import load_digits

    found = load_digits()
    x = (found.images[:, None] / 16).astype(np.float32)
    return (x[:1400], found.target[:1400]), (x[1400:], found.target[1400:])


def train(layers, x, digits, epochs, rng, rate=0.3, batch=50):
    """Go through the pictures `epochs` times, in random order; return the mean loss of each time."""
    losses = []
    for _ in range(epochs):
        order = rng.permutation(len(x))
        parts = [order[i : i + batch] for i in range(0, len(x), batch)]
        losses.append(float(np.mean([step(layers, x[part], digits[part], rate) for part in parts])))
    return losses


def main():
    rng = np.random.default_rng(0)
    (x, digits), (new, truth) = data()
    layers = network(rng)
    losses = train(layers, x, digits, 16, rng) + train(layers, x, digits, 4, rng, rate=0.06)
    for epoch, loss in enumerate(losses, 1):
        print(f"epoch {epoch:2}: loss {loss:.3f}")
    read = forward(layers, new).argmax(1)
    print(f"{(read == truth).mean():.1%} of {len(new)} new digits read right")


if __name__ == "__main__":
    main()
