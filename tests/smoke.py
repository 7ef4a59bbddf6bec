"""A wheel's smoke test: needs NumPy alone, run outside the source tree."""

import numpy as np

import cpool

x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
layer = cpool.MaxPool2d(3, padding=1, stride=2)
assert layer(x).tolist() == [[[[5, 7], [13, 15]]]]
assert layer.backward(np.ones((1, 1, 2, 2), np.float32)).sum() == 4
assert cpool.avg_pool2d(x, 2).tolist() == [[[[2.5, 4.5], [10.5, 12.5]]]]
large = np.random.default_rng(0).standard_normal((4, 8, 64, 64))
cpool.set_num_threads(2)
assert np.array_equal(cpool.max_pool2d(large, 2), large.reshape(4, 8, 32, 2, 32, 2).max(axis=(3, 5)))
cpool.show_config()
