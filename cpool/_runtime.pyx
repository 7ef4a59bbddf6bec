"""What this machine can run: the CPU's instruction set level and OpenMP's processors."""

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #else
    static int omp_get_max_threads(void) { return 1; }
    static int omp_get_num_procs(void) { return 1; }
    #endif

    /* 0 = baseline, 3 and 4 = x86-64-v3 and -v4 as far as the kernels are compiled for them. */
    static int cpu_level(void)
    {
    #if defined(__x86_64__) && defined(__GNUC__)
        __builtin_cpu_init();
        if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
              && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")))
            return 0;
        if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
              && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq")
              && __builtin_cpu_supports("avx512vl")))
            return 3;
        return 4;
    #else
        return 0;
    #endif
    }
    """
    int omp_get_max_threads() noexcept nogil
    int omp_get_num_procs() noexcept nogil
    int _cpu_level "cpu_level"() noexcept nogil


def cpu_level():
    """The highest kernel level this CPU can run: 0 (baseline), 3 (AVX2) or 4 (AVX-512)."""
    return _cpu_level()


def omp_threads():
    """OpenMP's default thread count (OMP_NUM_THREADS), capped by the processors this process may use."""
    return min(omp_get_max_threads(), omp_get_num_procs())
