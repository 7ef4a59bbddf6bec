from typing import Any

TYPES: tuple[str, ...]
REDUCTIONS: tuple[str, ...]
NORMS: tuple[str, ...]
ACROSS: tuple[str, ...]
ALONG: tuple[str, ...]
METHODS: tuple[str, ...]

def levels() -> list[str]: ...
def omp_threads() -> int: ...

class Call:
    def __init__(
        self, kind: str, level: str, type: str, windows: Any, memory: Any, threads: int, **options: Any
    ) -> None: ...
    @property
    def scratch_bytes(self) -> int: ...
    def run(self, threads: int, x: Any, y: Any, indices: Any = None) -> Any: ...
    def run_masked(self, threads: int, x: Any, y: Any, where: Any, indices: Any = None) -> Any: ...
