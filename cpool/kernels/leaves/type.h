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

/* Every LANE(k) of a block; that no row is another one is seen in functions of their own alone. */
#define BLOCK(first, width, LANE)                               \
  do {                                                          \
    const ptrdiff_t i = (first);                                \
    for (int j = 0; j < (int)(width); j++) { LANE(i + j); }     \
  } while (0)

/* Halves of an exchange. They need no care for NaN: `mark` has taken it out. */
#define LOWER(k) low[k] = b[k] < a[k] ? b[k] : a[k]
#define HIGHER(k) high[k] = b[k] < a[k] ? a[k] : b[k]
#define BOTH(k) const T v = a[k], w = b[k]; low[k] = w < v ? w : v; high[k] = w < v ? v : w
#define LOWER_BLOCK(i, width) BLOCK(i, width, LOWER)
#define HIGHER_BLOCK(i, width) BLOCK(i, width, HIGHER)
#define BOTH_BLOCK(i, width) BLOCK(i, width, BOTH)
static CPOOL_NOINLINE void OF(lower)(T *restrict low, const T *restrict a, const T *restrict b, ptrdiff_t lanes) {
  CPOOL_LANES(T, lanes, LOWER_BLOCK);
}
static CPOOL_NOINLINE void OF(higher)(T *restrict high, const T *restrict a, const T *restrict b, ptrdiff_t lanes) {
  CPOOL_LANES(T, lanes, HIGHER_BLOCK);
}
static CPOOL_NOINLINE void OF(both)(T *restrict low, T *restrict high, const T *restrict a, const T *restrict b, ptrdiff_t lanes) {
  CPOOL_LANES(T, lanes, BOTH_BLOCK);
}
#undef LOWER
#undef HIGHER
#undef BOTH
#undef LOWER_BLOCK
#undef HIGHER_BLOCK
#undef BOTH_BLOCK

static void OF(exchange)(char *const *rows, const int32_t *steps, ptrdiff_t n, ptrdiff_t lanes) {
  for (const int32_t *step = steps; step < steps + 4 * n; step += 4) {
    const T *a = (const T *)rows[step[2]], *b = (const T *)rows[step[3]];
    if (step[1] < 0) OF(lower)((T *)rows[step[0]], a, b, lanes);
    else if (step[0] < 0) OF(higher)((T *)rows[step[1]], a, b, lanes);
    else OF(both)((T *)rows[step[0]], (T *)rows[step[1]], a, b, lanes);
  }
}

#if FLOATS
#define FLAG PLACE
#define ABSENT(v) ((v) != (v))
#define GREATEST ((T)INFINITY)
#define ONE_ZERO(v) ((v) + (T)0)
#define SOUND(r, low, high, part) (fabs(r) <= DBL_MAX ? (r) : (double)(low) * (1 - (part)) + (double)(high) * (part))
#else
#define FLAG T
#define ABSENT(v) ((v) == skipped)
#define GREATEST most
#define ONE_ZERO(v) (v)
#define SOUND(r, low, high, part) (r)
#endif

static int OF(mark)(void *restrict out, int32_t *restrict counts, const void *restrict in, const void *skip,
                    const void *greatest, ptrdiff_t lanes) {
  enum { some = 256 / sizeof(T) }; /* lanes, after which it is seen whether any was absent */
  T *to = (T *)out;
  const T *v = (const T *)in;
  int found = 0;
  ptrdiff_t lane = 0;
#if FLOATS
  (void)skip, (void)greatest;
#else
  T skipped, most;
  memcpy(&skipped, skip, sizeof skipped);
  memcpy(&most, greatest, sizeof most);
#endif
  for (; lane + some <= lanes; lane += some) {
    FLAG any = 0;
    for (int j = 0; j < some; j++) {
      to[lane + j] = ONE_ZERO(v[lane + j]);
      any |= ABSENT(v[lane + j]);
    }
    found |= any != 0;
  }
  for (; lane < lanes; lane++) {
    to[lane] = ONE_ZERO(v[lane]);
    found |= ABSENT(v[lane]);
  }
  for (ptrdiff_t i = 0; found && i < lanes; i++) {
    const int absent = ABSENT(v[i]);
    to[i] = absent ? GREATEST : to[i];
    counts[i] += absent;
  }
  return found;
}

static void OF(between)(double *restrict result, const void *below, const void *above, double part, ptrdiff_t lanes) {
  const T *restrict low = (const T *)below, *restrict high = (const T *)above;
#define BETWEEN(k, FORMULA)                                                 \
  const double l = (double)low[k], h = (double)high[k], r = FORMULA;        \
  const double s = SOUND(r, l, h, part) + 0.0;                              \
  result[k] = s == s ? s : (double)NAN
#define ELEMENT(k) result[k] = (double)low[k]
#define MIDDLE(k) BETWEEN(k, (l + h) / 2)
#define NEAR_LOW(k) BETWEEN(k, l + (h - l) * part)
#define NEAR_HIGH(k) BETWEEN(k, h - (h - l) * (1 - part))
#define ELEMENT_BLOCK(i, width) BLOCK(i, width, ELEMENT)
#define MIDDLE_BLOCK(i, width) BLOCK(i, width, MIDDLE)
#define NEAR_LOW_BLOCK(i, width) BLOCK(i, width, NEAR_LOW)
#define NEAR_HIGH_BLOCK(i, width) BLOCK(i, width, NEAR_HIGH)
  if (part == 0) CPOOL_LANES(T, lanes, ELEMENT_BLOCK);
  else if (part == 0.5) CPOOL_LANES(T, lanes, MIDDLE_BLOCK);
  else if (part < 0.5) CPOOL_LANES(T, lanes, NEAR_LOW_BLOCK);
  else CPOOL_LANES(T, lanes, NEAR_HIGH_BLOCK);
#undef BETWEEN
#undef ELEMENT
#undef MIDDLE
#undef NEAR_LOW
#undef NEAR_HIGH
#undef ELEMENT_BLOCK
#undef MIDDLE_BLOCK
#undef NEAR_LOW_BLOCK
#undef NEAR_HIGH_BLOCK
}
#undef FLAG
#undef ABSENT
#undef GREATEST
#undef ONE_ZERO
#undef SOUND

static void OF(count)(void *restrict result, int32_t *restrict length, int32_t *restrict most, const int32_t *restrict taps,
                      int32_t t, const void *restrict before, const void *restrict row, ptrdiff_t lanes) {
  T *to = (T *)result;
  const T *last = (const T *)before, *v = (const T *)row;
  /* No lane twice, for it counts. */
  enum { some = CPOOL_VECTOR / sizeof(T) };
  ptrdiff_t lane = 0;
#define COUNT(k)                                                \
  const int32_t longer = length[k] + 1, n = v[k] == last[k] ? longer : 1; \
  const int better = (n > most[k]) & (t < taps[k]);             \
  length[k] = n;                                                \
  const int32_t record = most[k];                               \
  most[k] = better ? n : record;                                \
  const T kept = to[k], now = v[k];                             \
  to[k] = better ? now : kept
  for (; lane + some <= lanes; lane += some) BLOCK(lane, some, COUNT);
  for (; lane < lanes; lane++) { COUNT(lane); }
#undef COUNT
}
#undef BLOCK

static ptrdiff_t OF(find)(const void *row, const void *value, ptrdiff_t lanes) {
  enum { some = 64 / sizeof(T) };
  const T *x = (const T *)row;
  T v;
  memcpy(&v, value, sizeof v);
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
