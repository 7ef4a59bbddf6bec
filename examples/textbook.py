"""The textbook page on the pooling layer, value for value: run it to see every result."""

import numpy as np

import cpool

# A window slides over the matrix; each output is the maximum, or the average, under it.
X = [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
print("max, 2x2:", cpool.pool2d(X, (2, 2)).tolist())
print("avg, 2x2:", cpool.pool2d(X, (2, 2), mode="avg").tolist())

# By default a layer's windows tile: the stride is the kernel size.
X = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
print("MaxPool2d(3):", cpool.MaxPool2d(3)(X).tolist())
print("padding 1, stride 2:", cpool.MaxPool2d(3, padding=1, stride=2)(X).tolist())
print("rectangular:", cpool.MaxPool2d((2, 3), padding=(1, 1), stride=(2, 3))(X).tolist())

# Channels are pooled one by one: as many come out as went in.
X2 = np.concatenate([X, X + 1], axis=1)
print("two channels:", cpool.MaxPool2d(3, padding=1, stride=2)(X2).tolist())

# A vertical edge, found by the kernel [1, -1]; then the same edge one pixel further. The response moves by one pixel;
# pooled over two columns it is still there where it was.
picture = np.ones((1, 1, 4, 8))
picture[..., 3:] = 0
for shift in (0, 1):
    moved = np.roll(picture, shift, axis=-1)
    moved[..., :shift] = 1
    response = moved[..., :-1] - moved[..., 1:]
    pooled = cpool.max_pool2d(response, (1, 2), stride=1)
    print(
        f"edge moved by {shift}: response at column",
        int(response[0, 0, 0].argmax()),
        "pooled",
        pooled[0, 0, 0].tolist(),
    )

# Global average pooling: one number per channel.
print("global average:", cpool.global_avg_pool(X2, keepdims=False).tolist())
