"""What this machine can run: the instruction sets of its CPU, and OpenMP's processors."""

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #else
    static int omp_get_max_threads(void) { return 1; }
    static int omp_get_num_procs(void) { return 1; }
    #endif

    #include <string.h>
    #include "instruction_sets.h"  /* written by meson.build: what each level needs */

    #if defined(__x86_64__) && defined(__GNUC__)
    #include <cpuid.h>
    static int has_f16c(void)  /* where the system saves its registers is AVX2's question */
    {
        unsigned a, b, c, d;
        return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
    }
    #else
    #define __builtin_cpu_init()
    #endif

    static int cpu_runs(const char *level)
    {
        __builtin_cpu_init();
    #define CPOOL_SET(name, has_all) if (strcmp(level, name) == 0) return has_all;
        CPOOL_INSTRUCTION_SETS
        return 0;
    }
    """
    int omp_get_max_threads() noexcept nogil
    int omp_get_num_procs() noexcept nogil
    bint _cpu_runs "cpu_runs"(const char* level) noexcept nogil


def cpu_runs(str level):
    """Whether this CPU has all that a level of the kernels was compiled for."""
    cdef bytes name = level.encode()
    return _cpu_runs(name)


def omp_threads():
    """OpenMP's default thread count (OMP_NUM_THREADS), capped by the processors this process may use."""
    return min(omp_get_max_threads(), omp_get_num_procs())
