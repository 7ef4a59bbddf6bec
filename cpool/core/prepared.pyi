from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

class Prepared:
    run: Callable[..., None]
    shape: tuple[int, ...]
    dtype: Any
    index_dtype: Any
    single: bool
    def __init__(
        self,
        run: Callable[..., None],
        shape: tuple[int, ...],
        order: tuple[int, ...],
        dtype: Any,
        bits: bool = False,
        index_dtype: Any = None,
        back: bool = False,
    ) -> None: ...
    def alone(self) -> Prepared: ...
    def __call__(self, x: Array, *more: Array, out: Array | None = None) -> Any: ...
    def masked(self, x: Array, where: Array) -> tuple[Any, bool]: ...

def forget(on: bool) -> None: ...
def remembering(
    prepare: Callable[[tuple[Any, ...], dict[str, Any], Any, Any], Callable[..., Any]],
    arrays: dict[str, Callable[[str, Any], Array]],
    beside: tuple[str, ...],
    has_out: bool,
) -> Any: ...
