# Types of each compiled level (_kernels_baseline, _kernels_v3, _kernels_v4). The functions that make calls are fused:
# indexing one with C type names gives the function of those types.
from typing import Any, Protocol

class Call:
    def run(self, threads: int, x: Any, y: Any, indices: Any = None) -> tuple[int, int] | None: ...

class Maker(Protocol):
    def __getitem__(self, types: str) -> Any: ...
    def __call__(self, *args: Any) -> Call: ...

values: Maker
picks: Maker
sorts: Maker
scatter_back: Maker
spread_back: Maker
