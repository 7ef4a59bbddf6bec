# Types of each compiled level (_kernels_baseline, _kernels_v3, _kernels_v4). Every kernel is a fused function: indexing
# it with C type names gives the function of those types.
from typing import Any, Protocol

class Kernel(Protocol):
    def __getitem__(self, types: str) -> Any: ...
    def __call__(self, *args: Any) -> Any: ...

max_forward: Kernel
min_forward: Kernel
avg_forward: Kernel
argmax_forward: Kernel
argmin_forward: Kernel
indices_in_plane: Kernel
max_backward: Kernel
avg_backward: Kernel
