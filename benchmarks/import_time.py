"""How many milliseconds `import cpool` costs more than `import numpy`: medians of interleaved fresh interpreters."""

import statistics
import subprocess
import sys
import time

ROUNDS = 31


def milliseconds(code):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return 1000 * (time.perf_counter() - start)


def main():
    numpy, cpool = [], []
    for _ in range(ROUNDS):
        numpy.append(milliseconds("import numpy"))
        cpool.append(milliseconds("import numpy, cpool"))
    extra = statistics.median(c - n for c, n in zip(cpool, numpy, strict=True))
    print(f"import numpy {statistics.median(numpy):.1f} ms; cpool adds {extra:.1f} ms (medians of {ROUNDS})")


if __name__ == "__main__":
    main()
