"""What is measured: named shapes, NCHW. One list for every peer, table and chart."""

from typing import Any, NamedTuple


class Case(NamedTuple):
    """Pooling of one shape."""

    name: str
    shape: tuple[int, ...]
    kernel: Any
    stride: Any
    padding: Any = 0
    dtype: str = "float32"
    layout: str = "NCHW"
    to: Any = None  # of adaptive pooling: lengths of the output

    @property
    def ndim(self) -> int:
        """How many axes are pooled."""
        return len(self.shape) - 2

    @property
    def out(self) -> tuple[int, ...]:
        """Lengths of the output along the pooled axes."""
        if self.to is not None:
            return each(self.to, self.ndim)
        of = (each(v, self.ndim) for v in (self.kernel, self.stride, self.padding))
        return tuple((n + 2 * p - k) // s + 1 for n, k, s, p in zip(self.shape[2:], *of, strict=True))


def each(value: Any, n: int) -> tuple[int, ...]:
    """Return `value`, an int or one per axis, as one per axis."""
    return tuple(value) if isinstance(value, tuple) else (value,) * n


CASES = [
    Case("ResNet stem, batch 1", (1, 64, 112, 112), 3, 2, 1),
    Case("ResNet stem, batch 16", (16, 64, 112, 112), 3, 2, 1),
    Case("VGG first, batch 4", (4, 64, 224, 224), 2, 2),
    Case("VGG last, batch 8", (8, 512, 14, 14), 2, 2),
    Case("AlexNet, batch 8", (8, 64, 55, 55), 3, 2),
    Case("Inception reduce 35", (8, 288, 35, 35), 3, 2),
    Case("Inception branch 35", (8, 192, 35, 35), 3, 1, 1),
    Case("Inception branch 17", (8, 768, 17, 17), 3, 1, 1),
    Case("DenseNet transition", (8, 256, 28, 28), 2, 2),
    Case("SPPF 5", (4, 256, 20, 20), 5, 1, 2),
    Case("SPPF 9", (4, 256, 20, 20), 9, 1, 4),
    Case("SPPF 13", (4, 256, 20, 20), 13, 1, 6),
    Case("global 7x7", (16, 2048, 7, 7), 7, 1),
    Case("picture, window 15", (1, 3, 512, 512), 15, 1, 7),
    Case("picture, window 31", (1, 3, 512, 512), 31, 1, 15),
    Case("one plane 4096", (1, 1, 4096, 4096), 2, 2),
    Case("odd width 299", (2, 32, 299, 299), 3, 2),
    Case("odd width 33", (8, 128, 33, 33), 3, 2, 1),
    Case("odd width 13", (8, 512, 13, 13), 3, 1, 1),
    Case("video", (1, 32, 16, 56, 56), (1, 3, 3), (1, 2, 2), (0, 1, 1)),
    Case("CT volume", (1, 1, 96, 160, 160), 2, 2),
    Case("audio", (8, 32, 16000), 4, 4),
    Case("tiny", (1, 1, 4, 4), 2, 2),
]

FEW = [
    Case("ResNet stem, batch 16", (16, 64, 112, 112), 3, 2, 1),
    Case("VGG last, batch 8", (8, 512, 14, 14), 2, 2),
    Case("one plane 4096", (1, 1, 4096, 4096), 2, 2),
    Case("CT volume", (1, 1, 96, 160, 160), 2, 2),
]
PICTURES = [
    Case("picture, window 3, stride 2", (1, 3, 512, 512), 3, 2, 0, "uint8"),
    Case("picture, window 2", (1, 3, 512, 512), 2, 2, 0, "uint8"),
    Case("picture, window 5, stride 1", (1, 3, 512, 512), 5, 1, 0, "uint8"),
]
#: The same memory for cpool as for torch channels_last: here both read and write it.
LAST = [
    Case("ResNet stem, batch 16, NHWC", (16, 64, 112, 112), 3, 2, 1, layout="NHWC"),
    Case("VGG last, batch 8, NHWC", (8, 512, 14, 14), 2, 2, layout="NHWC"),
    Case("SPPF 5, NHWC", (4, 256, 20, 20), 5, 1, 2, layout="NHWC"),
    Case("global 7x7, NHWC", (32, 2048, 7, 7), 7, 1, layout="NHWC"),
]
#: Sizes that do not divide evenly.
UNEVEN = [
    Case("112 to 5", (16, 64, 112, 112), 1, 1, to=5),
    Case("13 to 6", (8, 512, 13, 13), 1, 1, to=6),
    Case("224 to 100", (1, 3, 224, 224), 1, 1, to=100),
]

#: What is measured on which shapes. Adaptive pooling goes to the output size that the case's windows have.
OPERATIONS = {
    "max": CASES + LAST,
    "max with indices": CASES + LAST,
    "max backward": CASES,
    "average": CASES + LAST,
    "average backward": CASES,
    "min": FEW,
    "lp": FEW,
    "adaptive max": FEW + UNEVEN,
    "adaptive average": FEW + UNEVEN,
    "adaptive average backward": FEW + UNEVEN,
    "mode": PICTURES,
}

#: What other fields do all day: pictures, volumes and series in one piece, whose dtype stays.
FIELDS = {
    "average": [
        Case("uint8 2048x2048, 2x2", (1, 1, 2048, 2048), 2, 2, 0, "uint8"),
        Case("uint8 2048x2048x3, 2x2", (1, 3, 2048, 2048), 2, 2, 0, "uint8", "NHWC"),
        Case("uint16 2048x2048, 2x2", (1, 1, 2048, 2048), 2, 2, 0, "uint16"),
        Case("float32 2048x2048, 2x2", (1, 1, 2048, 2048), 2, 2, 0, "float32"),
        Case("float32 1024x1024x3, 2x2", (1, 3, 1024, 1024), 2, 2, 0, "float32", "NHWC"),
        Case("uint8 2048x2048, 4x4", (1, 1, 2048, 2048), 4, 4, 0, "uint8"),
        Case("uint8 2048x2048, 3x3 side by side", (1, 1, 2046, 2046), 3, 3, 0, "uint8"),
        Case("uint8 2048x2048, 5x5, every pixel", (1, 1, 2048, 2048), 5, 1, 2, "uint8"),
        Case("uint8 2048x2048x3, 5x5, every pixel", (1, 3, 2048, 2048), 5, 1, 2, "uint8", "NHWC"),
        Case("float32 2048x2048, 5x5, every pixel", (1, 1, 2048, 2048), 5, 1, 2, "float32"),
        Case("uint8 volume 64x512x512, 2x2x2", (1, 1, 64, 512, 512), 2, 2, 0, "uint8"),
        Case("uint16 volume 64x512x512, 2x2x2", (1, 1, 64, 512, 512), 2, 2, 0, "uint16"),
    ],
    "max": [
        Case("uint8 2048x2048, 3x3, every pixel", (1, 1, 2048, 2048), 3, 1, 1, "uint8"),
        Case("uint8 2048x2048, 7x7, every pixel", (1, 1, 2048, 2048), 7, 1, 3, "uint8"),
        Case("uint8 2048x2048x3, 7x7, every pixel", (1, 3, 2048, 2048), 7, 1, 3, "uint8", "NHWC"),
        Case("float32 2048x2048, 5x5, every pixel", (1, 1, 2048, 2048), 5, 1, 2, "float32"),
        Case("uint8 volume 64x256x256, 3x3x3", (1, 1, 64, 256, 256), 3, 1, 1, "uint8"),
    ],
    "median": [
        Case("uint8 2048x2048, 3x3", (1, 1, 2048, 2048), 3, 1, 1, "uint8"),
        Case("uint8 2048x2048x3, 3x3", (1, 3, 2048, 2048), 3, 1, 1, "uint8", "NHWC"),
        Case("uint16 2048x2048, 3x3", (1, 1, 2048, 2048), 3, 1, 1, "uint16"),
        Case("float32 2048x2048, 3x3", (1, 1, 2048, 2048), 3, 1, 1, "float32"),
        Case("uint8 2048x2048, 5x5", (1, 1, 2048, 2048), 5, 1, 2, "uint8"),
        Case("float32 2048x2048, 5x5", (1, 1, 2048, 2048), 5, 1, 2, "float32"),
        Case("uint8 1024x1024, 7x7", (1, 1, 1024, 1024), 7, 1, 3, "uint8"),
        Case("uint8 512x512, 31x31", (1, 1, 512, 512), 31, 1, 15, "uint8"),
        Case("float32 256x256, 31x31", (1, 1, 256, 256), 31, 1, 15, "float32"),
        Case("uint8 512x512, 3x3, stride 2", (1, 1, 512, 512), 3, 2, 1, "uint8"),
        Case("uint8 volume 32x128x128, 3x3x3", (1, 1, 32, 128, 128), 3, 1, 1, "uint8"),
    ],
    "rolling mean": [Case("float64 64x20000, window 50", (1, 64, 20000), 50, 1, 0, "float64")],
    "rolling max": [Case("float64 64x20000, window 50", (1, 64, 20000), 50, 1, 0, "float64")],
    "rolling median": [
        Case("float64 8x20000, window 5", (1, 8, 20000), 5, 1, 0, "float64"),
        Case("float64 8x20000, window 50", (1, 8, 20000), 50, 1, 0, "float64"),
        Case("float64 1x20000, window 1001", (1, 1, 20000), 1001, 1, 0, "float64"),
    ],
    "rolling deviation": [Case("float64 64x20000, window 50", (1, 64, 20000), 50, 1, 0, "float64")],
}
