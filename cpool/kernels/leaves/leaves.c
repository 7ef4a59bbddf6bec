/* All leaves of one instruction set, whose name is CPOOL_LEVEL; compiled once for each but those that over_avx2.c
 * is enough for.
 *
 * Headers that are included several times are told what for by macros. These they undefine, and what they define
 * otherwise the next time; what is the same each time stays. */
#include "shuffles.h"

#include "half.h"
#include "conversions.h"
#include "power.h"
#include "ranked.h"

#include "types.h"

/* ------------------------------------------------------------------------------------------------------ transposing */

#define BITS 8
#define CPOOL_BOTH                                               \
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,          \
  16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
#define CPOOL_ZIP_LOW                                            \
  0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39,        \
  16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23, 55
#define CPOOL_ZIP_HIGH                                           \
  8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47,  \
  24, 56, 25, 57, 26, 58, 27, 59, 28, 60, 29, 61, 30, 62, 31, 63
#include "turn.h"

#define BITS 16
#define CPOOL_BOTH 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#define CPOOL_ZIP_LOW 0, 16, 1, 17, 2, 18, 3, 19, 8, 24, 9, 25, 10, 26, 11, 27
#define CPOOL_ZIP_HIGH 4, 20, 5, 21, 6, 22, 7, 23, 12, 28, 13, 29, 14, 30, 15, 31
#include "turn.h"

#define BITS 32
#define CPOOL_BOTH 0, 1, 2, 3, 4, 5, 6, 7
#define CPOOL_ZIP_LOW 0, 8, 1, 9, 4, 12, 5, 13
#define CPOOL_ZIP_HIGH 2, 10, 3, 11, 6, 14, 7, 15
#include "turn.h"

#define BITS 64
#define CPOOL_BOTH 0, 1, 2, 3
#define CPOOL_ZIP_LOW 0, 4, 2, 6
#define CPOOL_ZIP_HIGH 1, 5, 3, 7
#include "turn.h"

/* Lengths that are known take a few instructions: those of some channels of bytes and floats. */
static void turn_runs(void *out, ptrdiff_t out_pitch, const void *in, ptrdiff_t in_pitch, ptrdiff_t rows,
                      ptrdiff_t columns, ptrdiff_t unit) {
#define RUNS(UNIT)                                                                             \
  for (ptrdiff_t c = 0; c < columns; c++) {                                                    \
    char *to = (char *)out + c * out_pitch;                                                    \
    const char *from = (const char *)in + c * UNIT;                                            \
    for (ptrdiff_t r = 0; r < rows; r++) memcpy(to + r * UNIT, from + r * in_pitch, (size_t)(UNIT)); \
  }                                                                                            \
  break;
#define CASE(UNIT) case UNIT: RUNS(UNIT)
  switch (unit) {
    CASE(3) CASE(6) CASE(12) CASE(16) CASE(20) CASE(24) CASE(32) CASE(48) CASE(64)
    default: RUNS(unit)
  }
#undef RUNS
#undef CASE
}

/* Lengths that are known take a few instructions; those between two vectors are copied as the longer one, as long as
 * what is read and written too far is the next run's. */
static void keep(void *out, const void *in, ptrdiff_t stride, ptrdiff_t n, ptrdiff_t unit) {
  char *to = (char *)out;
  const char *from = (const char *)in;
  ptrdiff_t i = 0;
#define KEEP(UNIT, LONGER)                                                                              \
  case UNIT:                                                                                            \
    for (; i + 4 < n; i += 4)                                                                           \
      CPOOL_UNROLL for (int j = 0; j < 4; j++) memcpy(to + (i + j) * UNIT, from + (i + j) * stride, LONGER); \
    for (; i + 1 < n; i++) memcpy(to + i * UNIT, from + i * stride, LONGER);                            \
    break;
  switch (stride < unit ? 0 : unit) {
    KEEP(1, 1) KEEP(2, 2) KEEP(3, 4) KEEP(4, 4) KEEP(6, 8) KEEP(8, 8)
    KEEP(10, 16) KEEP(12, 16) KEEP(16, 16) KEEP(20, 32) KEEP(24, 32) KEEP(32, 32) KEEP(48, 48) KEEP(64, 64)
  }
#undef KEEP
  for (; i < n; i++) memcpy(to + i * unit, from + i * stride, (size_t)unit);
}

#define BITS 8
#include "repeat.h"
#define BITS 16
#include "repeat.h"
#define BITS 32
#include "repeat.h"
#define BITS 64
#include "repeat.h"

#define CPOOL_FILL(BITS)                                                          \
  static void fill##BITS(void *out, const void *value, ptrdiff_t lanes) {         \
    uint##BITS##_t v, *to = (uint##BITS##_t *)out;                                \
    memcpy(&v, value, sizeof v);                                                  \
    for (ptrdiff_t i = 0; i < lanes; i++) to[i] = v;                              \
  }
CPOOL_FILL(8)
CPOOL_FILL(16)
CPOOL_FILL(32)
CPOOL_FILL(64)

#define CPOOL_BLANK(BITS)                                                                                    \
  static int blank##BITS(void *out, const void *in, int32_t *counts, const uint8_t *where, ptrdiff_t stride, \
                         ptrdiff_t n, ptrdiff_t run, const void *value) {                                    \
    uint##BITS##_t v, *to = (uint##BITS##_t *)out; /* `in` may be `out` */                                   \
    const uint##BITS##_t *from = (const uint##BITS##_t *)in;                                                 \
    ptrdiff_t blanks = 0;                                                                                    \
    memcpy(&v, value, sizeof v);                                                                             \
    if (stride == run) run *= n, n = 1;                                                                      \
    for (ptrdiff_t o = 0; o < n; o++, to += run, from += run, where += stride) {                             \
      CPOOL_INDEPENDENT for (ptrdiff_t i = 0; i < run; i++) {                                                \
        const uint##BITS##_t x = from[i]; /* read in any case, so that there is no jump */                   \
        to[i] = where[i] ? x : v;                                                                            \
      }                                                                                                      \
      for (ptrdiff_t i = 0; i < run && counts; i++) counts[o * run + i] += !where[i], blanks += !where[i];   \
    }                                                                                                        \
    return blanks > 0;                                                                                       \
  }
CPOOL_BLANK(8)
CPOOL_BLANK(16)
CPOOL_BLANK(32)
CPOOL_BLANK(64)

/* ------------------------------------------------------------------------------------------- loading and storing */

/* Rows that are computed in as they lie. */
CPOOL_NUMBERS(as_it_is_8, uint8_t, uint8_t, CPOOL_COPY, CPOOL_COPY)
CPOOL_NUMBERS(as_it_is_16, uint16_t, uint16_t, CPOOL_COPY, CPOOL_COPY)
CPOOL_NUMBERS(as_it_is_32, uint32_t, uint32_t, CPOOL_COPY, CPOOL_COPY)
CPOOL_NUMBERS(as_it_is_64, uint64_t, uint64_t, CPOOL_COPY, CPOOL_COPY)

/* Averages are no larger than what they are stored as holds, but elements of windows in order may be. */
CPOOL_NUMBERS(UINT8_UINT16, uint8_t, uint16_t, CPOOL_CONVERT, CPOOL_CLIP)
CPOOL_NUMBERS(UINT16_UINT32, uint16_t, uint32_t, CPOOL_CONVERT, CPOOL_CLIP)

#define S uint8_t
#define T uint16_t
#define PRODUCTS
#define NAME(leaf) leaf##_UINT8_UINT16
#include "whole.h"

#define S uint16_t
#define T uint32_t
#define NAME(leaf) leaf##_UINT16_UINT32
#include "whole.h"

/* 2-byte floats; as doubles by way of float. A double that no float equals becomes the nearest of those beside it whose
 * last bit is set (rounding to odd): a float has so many more bits than these that they are rounded once then. */
#define from_half_float cpool_load_half
#define to_half_float cpool_store_half
#define from_bfloat_float cpool_load_bfloat
#define to_bfloat_float cpool_store_bfloat
#define CPOOL_BY_FLOAT(name)                                                            \
  static inline void from_##name##_double(double *to, const uint16_t *from, ptrdiff_t n) { \
    for (ptrdiff_t i = 0; i < n; i++) {                                                 \
      float f;                                                                          \
      cpool_load_##name(&f, from + i, 1);                                               \
      to[i] = f;                                                                        \
    }                                                                                   \
  }                                                                                     \
  static inline void to_##name##_double(uint16_t *to, const double *from, ptrdiff_t n) { \
    for (ptrdiff_t i = 0; i < n; i++) {                                                 \
      float f = (float)from[i];                                                         \
      const double back = f;                                                            \
      f = cpool_float((cpool_bits(f) - (fabs(back) > fabs(from[i]))) | (back != from[i])); \
      cpool_store_##name(to + i, &f, 1);                                                \
    }                                                                                   \
  }
CPOOL_BY_FLOAT(half)
CPOOL_BY_FLOAT(bfloat)
#define CPOOL_FROM_HALF(T, S, to, from, n) from_half_##T(to, from, n)
#define CPOOL_TO_HALF(S, T, to, from, n) to_half_##T(to, from, n)
#define CPOOL_FROM_BFLOAT(T, S, to, from, n) from_bfloat_##T(to, from, n)
#define CPOOL_TO_BFLOAT(S, T, to, from, n) to_bfloat_##T(to, from, n)

#ifdef CPOOL_VECTORS
typedef float cpool_floats __attribute__((vector_size(32)));
typedef int32_t cpool_words __attribute__((vector_size(32)));
CPOOL_INLINE cpool_floats load_eight_halves(const void *p) {
#ifdef __F16C__
  return (cpool_floats)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
#else
  cpool_floats v;
  cpool_load_half((float *)&v, (const uint16_t *)p, 8);
  return v;
#endif
}
CPOOL_INLINE cpool_floats load_eight_bfloats(const void *p) {
  typedef uint16_t stored __attribute__((vector_size(16)));
  stored v;
  memcpy(&v, p, sizeof v);
  return (cpool_floats)(__builtin_convertvector(v, cpool_words) << 16);
}
#endif
#define NAME(leaf) leaf##_halves
#define EIGHT load_eight_halves
#define ONE(to, p) cpool_load_half(to, p, 1)
#include "halves.h"
#define NAME(leaf) leaf##_bfloats
#define EIGHT load_eight_bfloats
#define ONE(to, p) cpool_load_bfloat(to, p, 1)
#include "halves.h"

CPOOL_CONVERSIONS(float, FLOAT32)
CPOOL_CONVERSIONS(double, FLOAT64)

/* ---------------------------------------------------------------------------------------------- places and scatter */

static void place(void *indices, int long_indices, ptrdiff_t pitch, ptrdiff_t stride, const void *places,
                  int long_places, const int64_t *base, int64_t shift, int64_t step, ptrdiff_t rows, ptrdiff_t n,
                  ptrdiff_t run) {
#define CPOOL_PLACE(I, P)                                                                   \
  for (ptrdiff_t r = 0; r < rows; r++, shift += step) {                                     \
    const P *restrict w = (const P *)places + r * n * run;                                  \
    char *row = (char *)indices + r * pitch;                                                \
    if (run == 1 && stride == (ptrdiff_t)sizeof(I)) {                                       \
      I *restrict to = (I *)row;                                                            \
      for (ptrdiff_t o = 0; o < n; o++) to[o] = (I)(base[o] + shift + w[o]);                \
    } else {                                                                                \
      for (ptrdiff_t o = 0; o < n; o++) {                                                   \
        I *restrict to = (I *)(row + o * stride);                                           \
        const int64_t from = base[o] + shift;                                               \
        for (ptrdiff_t i = 0; i < run; i++) to[i] = (I)(from + w[o * run + i]);             \
      }                                                                                     \
    }                                                                                       \
  }
  if (long_indices && long_places) CPOOL_PLACE(int64_t, int64_t)
  else if (long_indices) CPOOL_PLACE(int64_t, int32_t)
  else if (long_places) CPOOL_PLACE(int32_t, int64_t)
  else CPOOL_PLACE(int32_t, int32_t)
#undef CPOOL_PLACE
}

/* The least and the greatest index of n runs. */
#define CPOOL_MEET(j, low, high)                     \
  least[j] = (low) < least[j] ? (low) : least[j];    \
  most[j] = (high) > most[j] ? (high) : most[j]
#define CPOOL_EXTENT(I)                                                                                      \
  static void extent_##I(int64_t *extent, const void *index, ptrdiff_t stride, ptrdiff_t n, ptrdiff_t run) { \
    enum { some = 4 * CPOOL_VECTOR / sizeof(I) }; /* four vectors, so that none waits for the one before */  \
    I least[some], most[some];                                                                               \
    if (stride == run * (ptrdiff_t)sizeof(I)) run *= n, n = 1;                                               \
    for (int j = 0; j < some; j++) least[j] = most[j] = *(const I *)index;                                   \
    for (ptrdiff_t o = 0; o < n; o++) {                                                                      \
      const I *at = (const I *)((const char *)index + o * stride);                                           \
      ptrdiff_t i = 0;                                                                                       \
      for (; i + some <= run; i += some)                                                                     \
        for (int j = 0; j < some; j++) { CPOOL_MEET(j, at[i + j], at[i + j]); }                              \
      for (; i < run; i++) { CPOOL_MEET(0, at[i], at[i]); }                                                  \
    }                                                                                                        \
    for (int j = 1; j < some; j++) { CPOOL_MEET(0, least[j], most[j]); }                                     \
    extent[0] = least[0], extent[1] = most[0];                                                               \
  }
CPOOL_EXTENT(int32_t)
CPOOL_EXTENT(int64_t)

/* What stands at the index of each element. Many indices are compared before they are used; runs of one element that
 * lie side by side are one row. */
#define CPOOL_GATHER(BITS, I)                                                                                   \
  static int gather_##BITS##_##I(void *out, ptrdiff_t out_pitch, ptrdiff_t out_stride, const void *planes,      \
                                 ptrdiff_t plane_pitch, ptrdiff_t pixel, const void *index, ptrdiff_t pitch,    \
                                 ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n, ptrdiff_t run, int64_t limit) { \
    typedef uint##BITS##_t element;                                                                             \
    enum { some = 128 };                                                                                        \
    const ptrdiff_t next = run > 1 ? sizeof(element) : 0;                                                       \
    if (run == 1 && stride == (ptrdiff_t)sizeof(I) && out_stride == (ptrdiff_t)sizeof(element))                 \
      run = n, n = n > 0;                                                                                       \
    for (ptrdiff_t r = 0; r < rows; r++)                                                                        \
      for (ptrdiff_t o = 0; o < n; o++)                                                                         \
        for (ptrdiff_t first = 0; first < run; first += some) {                                                 \
          const ptrdiff_t end = run - first < some ? run : first + some;                                        \
          const char *plane = (const char *)planes + r * plane_pitch;                                           \
          element *restrict to = (element *)((char *)out + r * out_pitch + o * out_stride);                     \
          const I *restrict at = (const I *)((const char *)index + r * pitch + o * stride);                     \
          int outside = 0;                                                                                      \
          for (ptrdiff_t i = first; i < end; i++) outside |= (at[i] < 0) | (at[i] >= limit);                    \
          if (outside) return 0;                                                                                \
          for (ptrdiff_t i = first; i < end; i++)                                                               \
            memcpy(to + i, plane + (ptrdiff_t)at[i] * pixel + i * next, sizeof *to);                            \
        }                                                                                                       \
    return 1;                                                                                                   \
  }
CPOOL_GATHER(16, int32_t)
CPOOL_GATHER(16, int64_t)
CPOOL_GATHER(32, int32_t)
CPOOL_GATHER(32, int64_t)
CPOOL_GATHER(64, int32_t)
CPOOL_GATHER(64, int64_t)

#define ALONE 0
#define F float
#define I int32_t
#define NAME(leaf) leaf##_float_int32
#include "scatter.h"
#define F float
#define I int64_t
#define NAME(leaf) leaf##_float_int64
#include "scatter.h"
#define F double
#define I int32_t
#define NAME(leaf) leaf##_double_int32
#include "scatter.h"
#define F double
#define I int64_t
#define NAME(leaf) leaf##_double_int64
#include "scatter.h"
#undef ALONE
#define ALONE 1
#define F uint16_t
#define I int32_t
#define NAME(leaf) leaf##_bits_int32
#include "scatter.h"
#define F uint16_t
#define I int64_t
#define NAME(leaf) leaf##_bits_int64
#include "scatter.h"

/* ----------------------------------------------------------------------------------------------------------- table */

#define SCATTERED(leaf)                                                                                   \
  {[CPOOL_FLOAT32] = {leaf##_float_int32, leaf##_float_int64},                                            \
   [CPOOL_FLOAT64] = {leaf##_double_int32, leaf##_double_int64},                                          \
   [CPOOL_UINT16] = {leaf##_bits_int32, leaf##_bits_int64}}
#define INTEGERS(leaf)                                  \
  {NULL, NULL, leaf##_INT8, leaf##_INT16, leaf##_INT32, \
   leaf##_INT64, leaf##_UINT8, leaf##_UINT16, leaf##_UINT32, leaf##_UINT64}
#define FLOATING(leaf) {leaf##_FLOAT32, leaf##_FLOAT64}
#define SUMMING(leaf) {leaf##_FLOAT32, leaf##_FLOAT64, [CPOOL_UINT16] = leaf##_UINT16, [CPOOL_UINT32] = leaf##_UINT32}
#define REDUCED(leaf)                                                                                        \
  {[CPOOL_MAX] = EACH(max_##leaf), [CPOOL_MIN] = EACH(min_##leaf), [CPOOL_NANMAX] = FLOATING(nanmax_##leaf), \
   [CPOOL_NANMIN] = FLOATING(nanmin_##leaf), [CPOOL_SUM] = SUMMING(sum_##leaf),                              \
   [CPOOL_TOTAL] = FLOATING(total_##leaf), [CPOOL_MOMENTS] = {[CPOOL_FLOAT64] = moments_##leaf##_FLOAT64}}
#define PLACED(leaf)                                                                                 \
  {[CPOOL_FLOAT32] = leaf##_FLOAT32, [CPOOL_FLOAT64] = leaf##_FLOAT64, [CPOOL_INT32] = leaf##_INT32, \
   [CPOOL_INT64] = leaf##_INT64, [CPOOL_UINT64] = leaf##_UINT64}
#define AS_IT_IS(leaf)                                                                                        \
  [CPOOL_INT8] = {[CPOOL_INT8] = leaf##_as_it_is_8}, [CPOOL_INT16] = {[CPOOL_INT16] = leaf##_as_it_is_16},    \
  [CPOOL_INT32] = {[CPOOL_INT32] = leaf##_as_it_is_32}, [CPOOL_INT64] = {[CPOOL_INT64] = leaf##_as_it_is_64}, \
  [CPOOL_UINT8] = {[CPOOL_UINT8] = leaf##_as_it_is_8},                                                        \
  [CPOOL_UINT16] = {[CPOOL_UINT16] = leaf##_as_it_is_16, [CPOOL_UINT8] = leaf##_UINT8_UINT16},                \
  [CPOOL_UINT32] = {[CPOOL_UINT32] = leaf##_as_it_is_32, [CPOOL_UINT16] = leaf##_UINT16_UINT32},              \
  [CPOOL_UINT64] = {[CPOOL_UINT64] = leaf##_as_it_is_64}
#define CONVERTED(leaf, TYPE)                                                        \
  {[CPOOL_INT8] = leaf##_INT8_##TYPE, [CPOOL_INT16] = leaf##_INT16_##TYPE,           \
   [CPOOL_INT32] = leaf##_INT32_##TYPE, [CPOOL_INT64] = leaf##_INT64_##TYPE,         \
   [CPOOL_UINT8] = leaf##_UINT8_##TYPE, [CPOOL_UINT16] = leaf##_UINT16_##TYPE,       \
   [CPOOL_UINT32] = leaf##_UINT32_##TYPE, [CPOOL_UINT64] = leaf##_UINT64_##TYPE,     \
   [CPOOL_FLOAT32] = leaf##_FLOAT32_##TYPE, [CPOOL_FLOAT64] = leaf##_FLOAT64_##TYPE, \
   [CPOOL_FLOAT16] = leaf##_FLOAT16_##TYPE, [CPOOL_BFLOAT16] = leaf##_BFLOAT16_##TYPE}

extern const cpool_leaves CPOOL_JOIN(cpool_leaves_, CPOOL_LEVEL);
const cpool_leaves CPOOL_JOIN(cpool_leaves_, CPOOL_LEVEL) = {
  .fold = REDUCED(fold),
  .halve = REDUCED(halve),
  .shrink = REDUCED(shrink),
  .condense = {[CPOOL_MAX] = FLOATING(max_condense), [CPOOL_MIN] = FLOATING(min_condense),
               [CPOOL_NANMAX] = FLOATING(nanmax_condense), [CPOOL_NANMIN] = FLOATING(nanmin_condense),
               [CPOOL_SUM] = FLOATING(sum_condense)},
  .pick = {[CPOOL_MAX] = PLACED(max_pick), [CPOOL_MIN] = PLACED(min_pick),
           [CPOOL_NANMAX] = FLOATING(nanmax_pick), [CPOOL_NANMIN] = FLOATING(nanmin_pick)},
  .pick_halves = {[CPOOL_MAX] = PLACED(max_pick_halves), [CPOOL_MIN] = PLACED(min_pick_halves),
                  [CPOOL_NANMAX] = FLOATING(nanmax_pick_halves), [CPOOL_NANMIN] = FLOATING(nanmin_pick_halves)},
  .find = PLACED(find),
  .place = place,
  .turn = {turn8, turn16, turn32, turn64},
  .turn_runs = turn_runs,
  .keep = keep,
  .repeat = {repeat_8, repeat_16, repeat_32, repeat_64},
  .expand = {expand_8, expand_16, expand_32, expand_64},
  .load = {CONVERTED(load, FLOAT32), CONVERTED(load, FLOAT64), AS_IT_IS(load)},
  .store = {CONVERTED(store, FLOAT32), CONVERTED(store, FLOAT64), AS_IT_IS(store)},
  .fill = {fill8, fill16, fill32, fill64},
  .blank = {blank_FLOAT32, blank_FLOAT64, blank8, blank16, blank32, blank64, blank8, blank16, blank32, blank64},
  .widen = {[CPOOL_FLOAT32] = {[CPOOL_FLOAT16] = widen_halves, [CPOOL_BFLOAT16] = widen_bfloats},
            [CPOOL_UINT16] = {[CPOOL_UINT8] = widen_UINT8_UINT16},
            [CPOOL_UINT32] = {[CPOOL_UINT16] = widen_UINT16_UINT32}},
  .round = {[CPOOL_UINT16] = round_UINT8_UINT16, [CPOOL_UINT32] = round_UINT16_UINT32},
  .raise = FLOATING(raise),
  .root = FLOATING(root),
  .times_power = FLOATING(times_power),
  .divide = FLOATING(divide),
  .begin = FLOATING(begin),
  .lacks = FLOATING(lacks),
  .share = FLOATING(share),
  .vary = vary_FLOAT64,
  .exchange = EACH(exchange),
  .between = EACH(between),
  .mark = EACH(mark),
  .count = INTEGERS(count),
  .rank = EACH(rank),
  .slide = slide,
  .seek = seek,
  .extent = {extent_int32_t, extent_int64_t},
  .scatter = SCATTERED(scatter),
  .gather = {{NULL, NULL}, {gather_16_int32_t, gather_16_int64_t}, {gather_32_int32_t, gather_32_int64_t},
             {gather_64_int32_t, gather_64_int64_t}},
  .add = SCATTERED(add),
};
