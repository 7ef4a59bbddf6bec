/* Loading and storing: the only place that knows how arrays hold their numbers, but for the bits of floats of two bytes
 * (half.h). First, ways from type T to type S, for n elements that lie side by side: S is written, T is read. */
#define CPOOL_CONVERT(S, T, to, from, n) for (ptrdiff_t k = 0; k < (n); k++) (to)[k] = (S)(from)[k]
#define CPOOL_COPY(S, T, to, from, n) memcpy(to, from, (size_t)(n) * sizeof(S))

/* Integers, kept in range: as they are (without a sign), or the nearest one, half to even. From CPOOL_WHOLE(T) on
 * numbers of T have no fractions. */
#define CPOOL_LEAST(S) \
  _Generic((S)0, int8_t: INT8_MIN, int16_t: INT16_MIN, int32_t: INT32_MIN, int64_t: INT64_MIN, default: 0)
#define CPOOL_MOST(S) \
  _Generic((S)0, int8_t: INT8_MAX, int16_t: INT16_MAX, int32_t: INT32_MAX, int64_t: INT64_MAX, \
           uint8_t: UINT8_MAX, uint16_t: UINT16_MAX, uint32_t: UINT32_MAX, uint64_t: UINT64_MAX)
#define CPOOL_CLIP(S, T, to, from, n) \
  for (ptrdiff_t k = 0; k < (n); k++) (to)[k] = (S)((from)[k] < CPOOL_MOST(S) ? (from)[k] : CPOOL_MOST(S))
#define CPOOL_WHOLE(T) _Generic((T)0, float: 12582912.f, double: 6755399441055744.)
#define CPOOL_RINT(v) _Generic((v), float: rintf, double: rint)(v)
#define CPOOL_ROUND_SMALL(S, T, to, from, n)                                                  \
  for (ptrdiff_t k = 0; k < (n); k++) {                                                       \
    const T v = (from)[k] > (T)CPOOL_LEAST(S) ? (from)[k] : (T)CPOOL_LEAST(S);                \
    const T w = v < (T)CPOOL_MOST(S) ? v : (T)CPOOL_MOST(S);                                  \
    (to)[k] = (S)(int32_t)(w + CPOOL_WHOLE(T) - CPOOL_WHOLE(T));                              \
  }
#define CPOOL_ROUND(S, T, to, from, n)                                                        \
  for (ptrdiff_t k = 0; k < (n); k++) {                                                       \
    const T v = CPOOL_RINT((from)[k]);                                                        \
    (to)[k] = v > (T)CPOOL_LEAST(S) ? v < (T)CPOOL_MOST(S) ? (S)v : (S)CPOOL_MOST(S) : (S)CPOOL_LEAST(S); \
  }

/* n runs of `run` elements lie `stride` bytes apart in the array and densely in scratch: run i goes from FROM to TO.
 * `dense`, n, `run`, `out` and `in` are those of the leaf around it. */
#define CPOOL_RUNS(MOVE, S, TO, T, FROM)                                                      \
  if (dense) {                                                                                \
    S *restrict to = (S *)out;                                                                \
    const T *restrict from = (const T *)in;                                                   \
    MOVE(S, T, to, from, n * run);                                                            \
  } else if (run == 1) {                                                                      \
    for (ptrdiff_t i = 0; i < n; i++) {                                                       \
      S *to = (S *)(TO);                                                                      \
      const T *from = (const T *)(FROM);                                                      \
      MOVE(S, T, to, from, 1);                                                                \
    }                                                                                         \
  } else {                                                                                    \
    for (ptrdiff_t i = 0; i < n; i++) {                                                       \
      S *restrict to = (S *)(TO);                                                             \
      const T *restrict from = (const T *)(FROM);                                             \
      MOVE(S, T, to, from, run);                                                              \
    }                                                                                         \
  }

#define CPOOL_NUMBERS(name, S, T, WIDEN, NARROW)                                              \
  static void load_##name(void *out, const char *in, ptrdiff_t stride, ptrdiff_t n, ptrdiff_t run) { \
    const int dense = n == 1 || stride == run * (ptrdiff_t)sizeof(S);                         \
    CPOOL_RUNS(WIDEN, T, (T *)out + i * run, S, in + i * stride)                              \
  }                                                                                           \
  static void store_##name(char *out, ptrdiff_t stride, const void *in, ptrdiff_t n, ptrdiff_t run) { \
    const int dense = n == 1 || stride == run * (ptrdiff_t)sizeof(S);                         \
    CPOOL_RUNS(NARROW, S, out + i * stride, T, (const T *)in + i * run)                       \
  }

/* Numbers that are computed in as T, float or double, stored as every type. */
#define CPOOL_LONG_CONVERSIONS(T, TYPE) \
  CPOOL_NUMBERS(INT64_##TYPE, int64_t, T, CPOOL_CONVERT, CPOOL_ROUND) \
  CPOOL_NUMBERS(UINT64_##TYPE, uint64_t, T, CPOOL_CONVERT, CPOOL_ROUND)
#define CPOOL_CONVERSIONS(T, TYPE) \
  CPOOL_NUMBERS(INT8_##TYPE, int8_t, T, CPOOL_CONVERT, CPOOL_ROUND_SMALL) \
  CPOOL_NUMBERS(INT16_##TYPE, int16_t, T, CPOOL_CONVERT, CPOOL_ROUND_SMALL) \
  CPOOL_NUMBERS(INT32_##TYPE, int32_t, T, CPOOL_CONVERT, CPOOL_ROUND) \
  CPOOL_NUMBERS(UINT8_##TYPE, uint8_t, T, CPOOL_CONVERT, CPOOL_ROUND_SMALL) \
  CPOOL_NUMBERS(UINT16_##TYPE, uint16_t, T, CPOOL_CONVERT, CPOOL_ROUND_SMALL) \
  CPOOL_NUMBERS(UINT32_##TYPE, uint32_t, T, CPOOL_CONVERT, CPOOL_ROUND) \
  CPOOL_NUMBERS(FLOAT32_##TYPE, float, T, CPOOL_CONVERT, CPOOL_CONVERT) \
  CPOOL_NUMBERS(FLOAT64_##TYPE, double, T, CPOOL_CONVERT, CPOOL_CONVERT) \
  CPOOL_NUMBERS(FLOAT16_##TYPE, uint16_t, T, CPOOL_FROM_HALF, CPOOL_TO_HALF) \
  CPOOL_NUMBERS(BFLOAT16_##TYPE, uint16_t, T, CPOOL_FROM_BFLOAT, CPOOL_TO_BFLOAT) \
  CPOOL_LONG_CONVERSIONS(T, TYPE)
