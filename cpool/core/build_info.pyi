# Written by meson from build_info.py.in.
VERSION: str
COMPILER: str
FLAGS: str
OPENMP: bool
CHECKS: bool
LEVELS: list[str]
