/* What leaves are written with; and how a loop over lanes is cut into vectors: blocks of a constant number of lanes,
 * which the compiler turns into vectors by itself. What is left is one block that overlaps the one before; rows shorter
 * than a vector take blocks of half of it, and a quarter of it one lane after the other. */
#ifndef CPOOL_VECTORS_H
#define CPOOL_VECTORS_H

#include "leaves.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define CPOOL_JOIN_(a, b) a##b
#define CPOOL_JOIN(a, b) CPOOL_JOIN_(a, b)

#if defined(__clang__) || __GNUC__ >= 12 /* clang-cl does not define __GNUC__ */
#define CPOOL_VECTORS
#endif
#ifdef __AVX2__
#define CPOOL_NATIVE 32
#else
#define CPOOL_NATIVE 16
#endif
#define CPOOL_WIDEST CPOOL_VECTOR /* bytes that networks exchange at once in long rows */
#if defined(__clang__) || defined(__GNUC__)
#define CPOOL_NOINLINE __attribute__((noinline))
#define CPOOL_INLINE static inline __attribute__((always_inline))
#define CPOOL_UNROLL _Pragma("GCC unroll 16")
#define CPOOL_SINGLY __asm__ volatile("") /* in a loop over the few lanes that are left: it does not become vectors */
#define CPOOL_UNROLL_FEW _Pragma("GCC unroll 3") /* also of loops whose length is a constant in some calls alone */
#define CPOOL_PREFETCH(p) __builtin_prefetch(p)
#else
#define CPOOL_NOINLINE
#define CPOOL_INLINE static inline
#define CPOOL_UNROLL
#define CPOOL_SINGLY ((void)0)
#define CPOOL_UNROLL_FEW
#define CPOOL_PREFETCH(p) ((void)0)
#endif
/* Before a loop whose turns do not depend on each other. clang would unroll one of constant length, and not see vectors
 * in what is left. */
#if defined(__clang__)
#define CPOOL_INDEPENDENT _Pragma("clang loop vectorize(assume_safety) interleave(disable) unroll(disable)")
#elif defined(__GNUC__)
#define CPOOL_INDEPENDENT _Pragma("GCC ivdep")
#else
#define CPOOL_INDEPENDENT
#endif

/* LANE(k), a statement, for `width` lanes, a constant, from `first` on; what LANE is made of may say i + j for k. */
#define CPOOL_BLOCK(first, width, LANE)                                                       \
  do {                                                                                        \
    const ptrdiff_t i = (first);                                                              \
    CPOOL_INDEPENDENT for (int j = 0; j < (int)(width); j++) { LANE(i + j); }                 \
  } while (0)

/* All lanes, some of them twice: VECTORS(first, width, WHAT) does whole vectors, SOME(first, width, WHAT) fewer. */
#define CPOOL_LANES_IN(T, lanes, VECTORS, SOME, WHAT)                                         \
  do {                                                                                        \
    enum { vector = CPOOL_VECTOR / sizeof(T), half = vector / 2 };                            \
    ptrdiff_t lane = 0;                                                                       \
    if ((lanes) >= vector) {                                                                  \
      for (; lane + vector <= (lanes); lane += vector) VECTORS(lane, vector, WHAT);           \
      if (lane < (lanes)) VECTORS((lanes) - vector, vector, WHAT);                            \
    } else if (half > 1 && (lanes) >= half) {                                                 \
      SOME(0, half, WHAT);                                                                    \
      if ((lanes) > half) SOME((lanes) - half, half, WHAT);                                   \
    } else {                                                                                  \
      for (; lane < (lanes); lane++) {                                                        \
        CPOOL_SINGLY;                                                                         \
        SOME(lane, 1, WHAT);                                                                  \
      }                                                                                       \
    }                                                                                         \
  } while (0)

/* LANE(k) for all lanes, some of them twice. */
#define CPOOL_LANES(T, lanes, LANE) CPOOL_LANES_IN(T, lanes, CPOOL_BLOCK, CPOOL_BLOCK, LANE)

/* LANE(k) for all lanes, none of them twice. */
#define CPOOL_LANES_ONCE(T, lanes, LANE)                                                      \
  do {                                                                                        \
    enum { vector = CPOOL_VECTOR / sizeof(T) };                                               \
    ptrdiff_t lane = 0;                                                                       \
    for (; lane + vector <= (lanes); lane += vector) CPOOL_BLOCK(lane, vector, LANE);         \
    for (; lane < (lanes); lane++) {                                                          \
      CPOOL_SINGLY;                                                                           \
      LANE(lane);                                                                             \
    }                                                                                         \
  } while (0)

#endif
