/* Windows of 2 or 3 columns that move by 2, for float and double: out[o] is

       taps 2:  row[2*o] + row[2*o + 1]
       taps 3:  (row[2*o] + row[2*o + 2]) + row[2*o + 1]

   where + is the reduction; a sum is divided by `count` while it is at hand, unless that is 1. A compiler finds the
   vectors of such a loop, but moves each of the phases across 16-byte lanes by itself (what that costs is in
   benchmarks/README.md). Here the phases are taken within lanes,

       row:    | 0  1  2  3| 4  5  6  7|   | 8  9 10 11|12 13 14 15|
       even:   | 0  2  8 10| 4  6 12 14|
       odd:    | 1  3  9 11| 5  7 13 15|

   combined, and only the result is put in order: its 8-byte halves of lanes. */
#ifndef CPOOL_HALVING_H
#define CPOOL_HALVING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { CPOOL_OTHER, CPOOL_MAX, CPOOL_MIN, CPOOL_SUM };

#if defined(__GNUC__) && (__GNUC__ >= 12 || defined(__clang__))

#ifdef __AVX2__
#define CPOOL_VECTOR 32
#define CPOOL_EVEN_float 0, 2, 8, 10, 4, 6, 12, 14
#define CPOOL_ODD_float 1, 3, 9, 11, 5, 7, 13, 15
#define CPOOL_EVEN_double 0, 4, 2, 6
#define CPOOL_ODD_double 1, 5, 3, 7
#define CPOOL_IN_ORDER 0, 2, 1, 3
#else
#define CPOOL_VECTOR 16
#define CPOOL_EVEN_float 0, 2, 4, 6
#define CPOOL_ODD_float 1, 3, 5, 7
#define CPOOL_EVEN_double 0, 2
#define CPOOL_ODD_double 1, 3
#define CPOOL_IN_ORDER 0, 1
#endif

/* Fewest outputs that can be halved: one vector's. */
enum { CPOOL_HALVED_BYTES = CPOOL_VECTOR };

typedef float cpool_vector_float __attribute__((vector_size(CPOOL_VECTOR)));
typedef double cpool_vector_double __attribute__((vector_size(CPOOL_VECTOR)));
typedef int32_t cpool_mask_float __attribute__((vector_size(CPOOL_VECTOR)));
typedef int64_t cpool_mask_double __attribute__((vector_size(CPOOL_VECTOR)));

#define CPOOL_SELECT(T, mask, v, m)                                                                             \
  ((cpool_vector_##T)(((mask) & (cpool_mask_##T)(v)) | (~(mask) & (cpool_mask_##T)(m))))
#define CPOOL_ORDERED(T, v)                                                                                     \
  ((cpool_vector_##T)__builtin_shufflevector((cpool_vector_double)(v), (cpool_vector_double)(v), CPOOL_IN_ORDER))

/* `combine` of reductions.pxi: m came first, and a NaN on either side wins. */
#define CPOOL_EXTREME(T, name, better)                                                                          \
  static inline cpool_vector_##T cpool_##name##_##T(cpool_vector_##T m, cpool_vector_##T v) {                   \
    cpool_mask_##T takes = (v better m) | (v != v);                                                             \
    return CPOOL_SELECT(T, takes, v, m);                                                                        \
  }
#define CPOOL_TOTAL(T)                                                                                          \
  static inline cpool_vector_##T cpool_sum_##T(cpool_vector_##T m, cpool_vector_##T v) { return m + v; }

/* The last vector of outputs may overlap the one before. */
#define CPOOL_HALVE(T, name)                                                                                    \
  static inline void cpool_halve_##name##_##T(T *out, const T *row, int taps, T count, ptrdiff_t n) {           \
    const ptrdiff_t lanes = CPOOL_VECTOR / sizeof(T);                                                           \
    cpool_vector_##T low, high, m, odd;                                                                         \
    for (ptrdiff_t done = 0; done < n; done += lanes) {                                                         \
      ptrdiff_t o = done + lanes <= n ? done : n - lanes;                                                       \
      memcpy(&low, row + 2 * o, CPOOL_VECTOR);                                                                  \
      memcpy(&high, row + 2 * o + lanes, CPOOL_VECTOR);                                                         \
      m = __builtin_shufflevector(low, high, CPOOL_EVEN_##T);                                                   \
      odd = __builtin_shufflevector(low, high, CPOOL_ODD_##T);                                                  \
      if (taps > 2) {                                                                                           \
        memcpy(&low, row + 2 * o + 1, CPOOL_VECTOR); /* no further than the last tap */                         \
        memcpy(&high, row + 2 * o + 1 + lanes, CPOOL_VECTOR);                                                   \
        m = cpool_##name##_##T(m, __builtin_shufflevector(low, high, CPOOL_ODD_##T));                           \
      }                                                                                                         \
      m = cpool_##name##_##T(m, odd);                                                                           \
      m = CPOOL_ORDERED(T, m);                                                                                  \
      if (count != 1) m /= count;                                                                               \
      memcpy(out + o, &m, CPOOL_VECTOR);                                                                        \
    }                                                                                                           \
  }

/* The same with where the winners stand: at the first tap that is inside, start, or behind the first tap, base; these
   are one array if there is no padding. */
#define CPOOL_PICK(T, name, better)                                                                             \
  static inline void cpool_pick_##name##_##T(T *best, void *at, const T *row, const void *start,                \
                                             const void *base, int taps, ptrdiff_t n) {                         \
    const ptrdiff_t lanes = CPOOL_VECTOR / sizeof(T);                                                           \
    cpool_vector_##T low, high, m, v;                                                                           \
    cpool_mask_##T takes, w, from;                                                                              \
    for (ptrdiff_t done = 0; done < n; done += lanes) {                                                         \
      ptrdiff_t o = done + lanes <= n ? done : n - lanes, bytes = o * (ptrdiff_t)sizeof(T);                     \
      memcpy(&low, row + 2 * o, CPOOL_VECTOR);                                                                  \
      memcpy(&high, row + 2 * o + lanes, CPOOL_VECTOR);                                                         \
      m = __builtin_shufflevector(low, high, CPOOL_EVEN_##T);                                                   \
      v = __builtin_shufflevector(low, high, CPOOL_ODD_##T);                                                    \
      takes = (v better m) | (v != v);                                                                          \
      m = CPOOL_SELECT(T, takes, v, m);                                                                         \
      w = -takes;                                                                                               \
      if (taps > 2) {                                                                                           \
        memcpy(&low, row + 2 * o + 1, CPOOL_VECTOR);                                                            \
        memcpy(&high, row + 2 * o + 1 + lanes, CPOOL_VECTOR);                                                   \
        v = __builtin_shufflevector(low, high, CPOOL_ODD_##T);                                                  \
        takes = (v better m) | (v != v);                                                                        \
        m = CPOOL_SELECT(T, takes, v, m);                                                                       \
        w = (~takes & w) - (takes + takes);                                                                     \
      }                                                                                                         \
      m = CPOOL_ORDERED(T, m);                                                                                  \
      memcpy(best + o, &m, CPOOL_VECTOR);                                                                       \
      w = (cpool_mask_##T)CPOOL_ORDERED(T, w);                                                                  \
      memcpy(&from, (const char *)base + bytes, CPOOL_VECTOR);                                                  \
      w += from;                                                                                                \
      if (start != base) {                                                                                      \
        memcpy(&from, (const char *)start + bytes, CPOOL_VECTOR);                                               \
        takes = w > from;                                                                                       \
        w = (takes & w) | (~takes & from);                                                                      \
      }                                                                                                         \
      memcpy((char *)at + bytes, &w, CPOOL_VECTOR);                                                             \
    }                                                                                                           \
  }

#define CPOOL_HALVES(T)                                                                                         \
  CPOOL_EXTREME(T, max, >)                                                                                      \
  CPOOL_EXTREME(T, min, <)                                                                                      \
  CPOOL_TOTAL(T)                                                                                                \
  CPOOL_HALVE(T, max)                                                                                           \
  CPOOL_HALVE(T, min)                                                                                           \
  CPOOL_HALVE(T, sum)                                                                                           \
  CPOOL_PICK(T, max, >)                                                                                         \
  CPOOL_PICK(T, min, <)                                                                                         \
  static inline void cpool_halve_##T(int op, void *out, const void *row, int taps, T count, ptrdiff_t n) {      \
    if (op == CPOOL_MAX)                                                                                        \
      cpool_halve_max_##T(out, row, taps, 1, n);                                                                \
    else if (op == CPOOL_MIN)                                                                                   \
      cpool_halve_min_##T(out, row, taps, 1, n);                                                                \
    else                                                                                                        \
      cpool_halve_sum_##T(out, row, taps, count, n);                                                            \
  }                                                                                                             \
  static inline void cpool_pick_##T(int op, void *best, void *at, const void *row, const void *start,           \
                                    const void *base, int taps, ptrdiff_t n) {                                  \
    if (op == CPOOL_MAX)                                                                                        \
      cpool_pick_max_##T(best, at, row, start, base, taps, n);                                                  \
    else                                                                                                        \
      cpool_pick_min_##T(best, at, row, start, base, taps, n);                                                  \
  }
CPOOL_HALVES(float)
CPOOL_HALVES(double)

#else /* no vectors: nothing is wide enough */

enum { CPOOL_HALVED_BYTES = INT32_MAX };
#define CPOOL_NO_HALVES(T) \
  static inline void cpool_halve_##T(int op, void *out, const void *row, int taps, T count, ptrdiff_t n) { } \
  static inline void cpool_pick_##T(int op, void *best, void *at, const void *row, const void *start, \
                                    const void *base, int taps, ptrdiff_t n) { }
CPOOL_NO_HALVES(float)
CPOOL_NO_HALVES(double)

#endif
#endif
