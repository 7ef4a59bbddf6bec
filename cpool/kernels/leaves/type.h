/* All leaves of one type. Included with T; TYPE, its name in leaves.h; FLOATS, whether it has NaN; and where places are
 * kept for it, PLACE, an integer of T's width. */
#define OF(leaf) CPOOL_JOIN(leaf##_, TYPE)

/* Which of two elements wins, m or v, which came later: with NaN the later NaN (or, where NaN is passed over, no NaN).
 * Two conditions one after the other become vectors where a single one with "or" does not. */
#if FLOATS
#define TAKES_MAX(m, v) (((v) > (m)) | ((v) != (v)))
#define TAKES_MIN(m, v) (((v) < (m)) | ((v) != (v)))
#define TAKES_NANMAX(m, v) (((v) > (m)) | (((m) != (m)) & ((v) == (v)))) /* of NaN alone the first stays */
#define TAKES_NANMIN(m, v) (((v) < (m)) | (((m) != (m)) & ((v) == (v))))
CPOOL_INLINE T OF(max)(T m, T v) { T r = v > m ? v : m; return v == v ? r : v; }
CPOOL_INLINE T OF(min)(T m, T v) { T r = v < m ? v : m; return v == v ? r : v; }
CPOOL_INLINE T OF(nanmax)(T m, T v) { T r = v > m ? v : m; return m == m ? r : v; }
CPOOL_INLINE T OF(nanmin)(T m, T v) { T r = v < m ? v : m; return m == m ? r : v; }
#else
#define TAKES_MAX(m, v) ((v) > (m))
#define TAKES_MIN(m, v) ((v) < (m))
CPOOL_INLINE T OF(max)(T m, T v) { return v > m ? v : m; }
CPOOL_INLINE T OF(min)(T m, T v) { return v < m ? v : m; }
#endif

#if FLOATS && defined(CPOOL_VECTORS)
typedef T OF(vector) __attribute__((vector_size(CPOOL_NATIVE)));
#define VECTOR OF(vector)
#endif

#define SELECTS 1
#define NAME(leaf) OF(max_##leaf)
#define COMBINE(m, v) OF(max)(m, v)
#define COMBINE_VECTORS(m, v) SELECT((v > m) | (v != v), v, m)
#define TAKES TAKES_MAX
#include "reduction.h"

#define NAME(leaf) OF(min_##leaf)
#define COMBINE(m, v) OF(min)(m, v)
#define COMBINE_VECTORS(m, v) SELECT((v < m) | (v != v), v, m)
#define TAKES TAKES_MIN
#include "reduction.h"

#if FLOATS
#define NAME(leaf) OF(nanmax_##leaf)
#define COMBINE(m, v) OF(nanmax)(m, v)
#define COMBINE_VECTORS(m, v) SELECT((v > m) | (m != m), v, m)
#define TAKES TAKES_NANMAX
#include "reduction.h"

#define NAME(leaf) OF(nanmin_##leaf)
#define COMBINE(m, v) OF(nanmin)(m, v)
#define COMBINE_VECTORS(m, v) SELECT((v < m) | (m != m), v, m)
#define TAKES TAKES_NANMIN
#include "reduction.h"
#undef SELECTS

#define SELECTS 0
#define NAME(leaf) OF(sum_##leaf)
#define COMBINE(m, v) ((m) + (v))
#define COMBINE_VECTORS(m, v) ((m) + (v))
#include "reduction.h"

/* From a row into another, or the same. */
static void OF(raise)(void *out, const void *in, ptrdiff_t lanes, int norm, double power) {
  T *to = (T *)out;
  const T *x = (const T *)in;
#define CPOOL_EACH(v) CPOOL_INDEPENDENT for (ptrdiff_t i = 0; i < lanes; i++) to[i] = v
  if (norm == CPOOL_SQUARE) CPOOL_EACH(x[i] * x[i]);
  else if (norm == CPOOL_MAGNITUDE) CPOOL_EACH((T)fabs(x[i]));
  else if (norm == CPOOL_OMIT) CPOOL_EACH(x[i] == x[i] ? x[i] : -(T)0);
  else if (norm == CPOOL_PRESENT) CPOOL_EACH(x[i] == x[i] ? (T)1 : (T)0);
  else if (norm == CPOOL_POWER && power == -1) CPOOL_EACH(1 / x[i]);
  else if (norm == CPOOL_POWER) CPOOL_EACH((T)pow(x[i], power));
#undef CPOOL_EACH
}

static void OF(root)(void *a, ptrdiff_t lanes, int norm, double power) {
  T *x = (T *)a;
  if (norm == CPOOL_SQUARE)
    for (ptrdiff_t i = 0; i < lanes; i++) x[i] = (T)CPOOL_SQRT(x[i]);
  else if (norm == CPOOL_POWER)
    for (ptrdiff_t i = 0; i < lanes; i++) x[i] = (T)pow(x[i], 1 / power);
  for (ptrdiff_t i = 0; i < lanes; i++) x[i] = x[i] == x[i] ? x[i] + (T)0 : (T)NAN;
}

static void OF(share)(void *sums, const void *present, const void *widths, const void *inside, double across, double within,
                      double divisor, ptrdiff_t lanes) {
  T *restrict x = (T *)sums;
  const T *restrict there = (const T *)present, *restrict w = (const T *)widths, *restrict seen = (const T *)inside;
  const T tall = (T)across, high = (T)within, whole = (T)divisor;
  for (ptrdiff_t i = 0; i < lanes; i++) {
    const T all = high * seen[i], counted = tall * w[i] - (all - there[i]);
    const T d = divisor != 0 ? whole : counted > 1 ? counted : (T)1;
    const T v = x[i] / d + (T)0;
    x[i] = (v != v) | ((there[i] == 0) & (all > 0)) ? (T)NAN : v;
  }
}

/* `canonical`: these are results, no parts of sums to come. */
static void OF(divide)(void *a, const void *widths, double across, ptrdiff_t lanes, int canonical) {
  T *restrict x = (T *)a;
  const T *restrict w = (const T *)widths;
  const T tall = (T)across;
  for (ptrdiff_t i = 0; i < lanes; i++) x[i] = x[i] / (tall * w[i]);
  for (ptrdiff_t i = 0; canonical && i < lanes; i++) x[i] = x[i] == x[i] ? x[i] + (T)0 : (T)NAN;
}
#endif
#undef SELECTS

static void OF(exchange)(void *wires, const int32_t *pairs, ptrdiff_t n, ptrdiff_t pitch, ptrdiff_t lanes) {
  for (ptrdiff_t p = 0; p < n; p++) {
    T *restrict low = (T *)((char *)wires + pairs[2 * p] * pitch);
    T *restrict high = (T *)((char *)wires + pairs[2 * p + 1] * pitch);
    for (ptrdiff_t i = 0; i < lanes; i++) {
      T a = low[i], b = high[i];
      low[i] = b < a ? b : a;
      high[i] = b < a ? a : b;
    }
  }
}

static void OF(between)(double *restrict result, const void *below, const void *above, double part, const void *nan,
                        ptrdiff_t lanes) {
  const T *restrict low = (const T *)below, *restrict high = (const T *)above, *restrict no = (const T *)nan;
  if (part == 0.5)
    for (ptrdiff_t i = 0; i < lanes; i++) result[i] = ((double)low[i] + (double)high[i]) / 2;
  else if (part == 0)
    for (ptrdiff_t i = 0; i < lanes; i++) result[i] = (double)low[i];
  else
    for (ptrdiff_t i = 0; i < lanes; i++) result[i] = (double)low[i] + ((double)high[i] - (double)low[i]) * part;
#if FLOATS
  for (ptrdiff_t i = 0; i < lanes; i++) result[i] = no[i] != no[i] || result[i] != result[i] ? NAN : result[i] + 0.0;
#else
  (void)no;
#endif
}

#if FLOATS
static void OF(mark)(void *nan, const void *a, ptrdiff_t lanes) {
  T *restrict to = (T *)nan;
  const T *restrict v = (const T *)a;
  for (ptrdiff_t i = 0; i < lanes; i++) to[i] = v[i] != v[i] ? v[i] : to[i];
}
#endif

static void OF(count)(void *result, int32_t *restrict length, int32_t *restrict most, const void *before, const void *row,
                      ptrdiff_t lanes) {
  T *restrict to = (T *)result;
  const T *restrict last = (const T *)before, *restrict v = (const T *)row;
  for (ptrdiff_t i = 0; i < lanes; i++) {
    const int32_t n = v[i] == last[i] ? length[i] + 1 : 1;
    const int better = n > most[i];
    length[i] = n;
    most[i] = better ? n : most[i];
    to[i] = better ? v[i] : to[i];
  }
}

static ptrdiff_t OF(find)(const void *row, const void *value, ptrdiff_t lanes) {
  enum { some = 64 / sizeof(T) };
  const T *x = (const T *)row, v = *(const T *)value;
  ptrdiff_t i = 0;
#if FLOATS
  if (v != v) {
    for (i = lanes - 1; i >= 0 && x[i] == x[i]; i--) {}
    return i;
  }
#endif
  for (; i + some <= lanes; i += some) {
    int found = 0;
    for (int j = 0; j < some; j++) found |= x[i + j] == v;
    if (found) break;
  }
  for (; i < lanes; i++)
    if (x[i] == v) return i;
  return -1;
}

#undef TAKES_MAX
#undef TAKES_MIN
#undef TAKES_NANMAX
#undef TAKES_NANMIN
#undef VECTOR
#undef OF
#undef T
#undef TYPE
#undef FLOATS
#undef PLACE
#undef EVEN
#undef ODD
#undef SELECT
#undef IN_ORDER
#undef CPOOL_SQRT
