"""``python -m cpool`` and the ``cpool`` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or say what to install for it."""
    try:
        from .cli import main as run
    except ModuleNotFoundError as missing:
        if missing.name not in ("click", "PIL", "rich", "tifffile"):
            raise
        sys.exit(f"cpool: the command line needs {missing.name}: pip install 'numpy-cpool[cli]'")
    sys.exit(run())


if __name__ == "__main__":
    main()
