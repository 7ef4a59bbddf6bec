/* All leaves of one type, or EXCHANGES_ALONE. Included with T; TYPE, its name in leaves.h; FLOATS, whether it has NaN;
 * where places are kept for it, which take as many bytes, WIDTH, of them; SUMS, whether integers are summed in it;
 * MOMENTS, whether variances are computed in it. */
#define OF(leaf) CPOOL_JOIN(leaf##_, TYPE)

/* Halves of an exchange. They need no care for NaN: `mark` has taken it out. That no row is another one is seen in
 * functions of their own alone. */
#define LOWER(a, b) ((b) < (a) ? (b) : (a))
#define HIGHER(a, b) ((b) < (a) ? (a) : (b))
#define LOW(k) low[k] = LOWER(a[k], b[k])
#define HIGH(k) high[k] = HIGHER(a[k], b[k])
#define BOTH(k) const T v = a[k], w = b[k]; low[k] = LOWER(v, w); high[k] = HIGHER(v, w)
static CPOOL_NOINLINE void OF(lower)(T *restrict low, const T *restrict a, const T *restrict b, ptrdiff_t lanes) {
  CPOOL_LANES(T, lanes, LOW);
}
static CPOOL_NOINLINE void OF(higher)(T *restrict high, const T *restrict a, const T *restrict b, ptrdiff_t lanes) {
  CPOOL_LANES(T, lanes, HIGH);
}
static CPOOL_NOINLINE void OF(both)(T *restrict low, T *restrict high, const T *restrict a, const T *restrict b,
                                    ptrdiff_t lanes) {
  CPOOL_LANES(T, lanes, BOTH);
}
#include "networks.h"
#undef LOWER
#undef HIGHER
#undef LOW
#undef HIGH
#undef BOTH

static void OF(exchange)(char *const *rows, int number, const int32_t *steps, ptrdiff_t n, ptrdiff_t lanes) {
  if (number >= 0 && lanes >= (ptrdiff_t)(CPOOL_VECTOR / sizeof(T))) {
    OF(networks)[number](rows, lanes);
    return;
  }
  for (const int32_t *step = steps; step < steps + 4 * n; step += 4) {
    const T *a = (const T *)rows[step[2]], *b = (const T *)rows[step[3]];
    if (step[1] < 0) OF(lower)((T *)rows[step[0]], a, b, lanes);
    else if (step[0] < 0) OF(higher)((T *)rows[step[1]], a, b, lanes);
    else OF(both)((T *)rows[step[0]], (T *)rows[step[1]], a, b, lanes);
  }
}

#ifndef EXCHANGES_ALONE
/* Which of two elements wins, m or v, which came later: with NaN the later NaN (or, where NaN is passed over, no NaN;
 * of NaN alone the first stays). Two conditions one after the other become vectors where a single one with "or" does
 * not. Asked is whether m stays, for AVX-512 compares under the mask of another comparison. NOT is ! or, of vectors,
 * ~. */
#if FLOATS
#define STAYS_MAX(m, v, NOT) ((NOT((v) > (m))) & ((v) == (v)))
#define STAYS_MIN(m, v, NOT) ((NOT((v) < (m))) & ((v) == (v)))
#define STAYS_NANMAX(m, v, NOT) ((NOT((v) > (m))) & (((m) == (m)) | ((v) != (v))))
#define STAYS_NANMIN(m, v, NOT) ((NOT((v) < (m))) & (((m) == (m)) | ((v) != (v))))
CPOOL_INLINE T OF(max)(T m, T v) { return v != v ? v : v > m ? v : m; }
CPOOL_INLINE T OF(min)(T m, T v) { return v != v ? v : v < m ? v : m; }
CPOOL_INLINE T OF(nanmax)(T m, T v) { return m != m ? v : v > m ? v : m; }
CPOOL_INLINE T OF(nanmin)(T m, T v) { return m != m ? v : v < m ? v : m; }
#else
#define STAYS_MAX(m, v, NOT) (NOT((v) > (m)))
#define STAYS_MIN(m, v, NOT) (NOT((v) < (m)))
CPOOL_INLINE T OF(max)(T m, T v) { return v > m ? v : m; }
CPOOL_INLINE T OF(min)(T m, T v) { return v < m ? v : m; }
#endif

#if defined(WIDTH) && defined(CPOOL_VECTORS)
typedef T OF(vector) __attribute__((vector_size(CPOOL_NATIVE)));
#define VECTOR OF(vector)
#if FLOATS
CPOOL_INLINE VECTOR OF(max_vectors)(VECTOR m, VECTOR v) { return SELECT(v != v, v, GREATER(v, m)); }
CPOOL_INLINE VECTOR OF(min_vectors)(VECTOR m, VECTOR v) { return SELECT(v != v, v, LESSER(v, m)); }
CPOOL_INLINE VECTOR OF(nanmax_vectors)(VECTOR m, VECTOR v) { return SELECT(m != m, v, GREATER(v, m)); }
CPOOL_INLINE VECTOR OF(nanmin_vectors)(VECTOR m, VECTOR v) { return SELECT(m != m, v, LESSER(v, m)); }
#endif
#endif

#define SELECTS 1
#define NAME(leaf) OF(max_##leaf)
#define COMBINE OF(max)
#define COMBINE_VECTORS OF(max_vectors)
#define STAYS STAYS_MAX
#include "reduction.h"

#define NAME(leaf) OF(min_##leaf)
#define COMBINE OF(min)
#define COMBINE_VECTORS OF(min_vectors)
#define STAYS STAYS_MIN
#include "reduction.h"

#if FLOATS
#define NAME(leaf) OF(nanmax_##leaf)
#define COMBINE OF(nanmax)
#define COMBINE_VECTORS OF(nanmax_vectors)
#define STAYS STAYS_NANMAX
#include "reduction.h"

#define NAME(leaf) OF(nanmin_##leaf)
#define COMBINE OF(nanmin)
#define COMBINE_VECTORS OF(nanmin_vectors)
#define STAYS STAYS_NANMIN
#include "reduction.h"
#endif
#undef SELECTS
#define SELECTS 0

#if FLOATS || defined(SUMS)
#define NAME(leaf) OF(sum_##leaf)
#define COMBINE(m, v) ((T)((m) + (v)))
#define COMBINE_VECTORS(m, v) ((m) + (v))
#include "reduction.h"
#endif

#if FLOATS
/* States. */
typedef struct { T value, count; } OF(total);
CPOOL_INLINE OF(total) OF(total_at)(const T *p, ptrdiff_t apart) {
  const T v = p[0], n = p[apart], there = v == v ? 1 : 0;
  return apart ? (OF(total)){v, n} : (OF(total)){v == v ? v : 0, there};
}
CPOOL_INLINE void OF(total_to)(T *p, ptrdiff_t apart, OF(total) v) { p[0] = v.value, p[apart] = v.count; }
CPOOL_INLINE OF(total) OF(add_total)(OF(total) a, OF(total) b) {
  return (OF(total)){a.value + b.value, a.count + b.count};
}
#define ARRAYS 2
#define STATE OF(total)
#define STATE_AT OF(total_at)
#define STATE_TO OF(total_to)
#define NAME(leaf) OF(total_##leaf)
#define COMBINE(m, v) OF(add_total)(m, v)
#include "reduction.h"

#if MOMENTS
/* Means and squared distances are merged pairwise, by what the means differ (Chan, Golub and LeVeque 1979): of digits
 * as many are lost as the mean is larger than the deviation, not its square. Products are taken in an order in which 0
 * elements add 0. */
typedef struct { T value, count, squares; } OF(moments);
CPOOL_INLINE OF(moments) OF(moments_at)(const T *p, ptrdiff_t apart) {
  return (OF(moments)){p[0], p[apart], p[2 * apart]};
}
CPOOL_INLINE void OF(moments_to)(T *p, ptrdiff_t apart, OF(moments) v) {
  p[0] = v.value, p[apart] = v.count, p[2 * apart] = v.squares;
}
CPOOL_INLINE OF(moments) OF(merge)(OF(moments) a, OF(moments) b) {
  const T count = a.count + b.count, part = b.count / (count > 1 ? count : (T)1), apart = b.value - a.value;
  return (OF(moments)){a.value + apart * part, count, a.squares + b.squares + (apart * part) * (apart * a.count)};
}
#define ARRAYS 3
#define STATE OF(moments)
#define STATE_AT OF(moments_at)
#define STATE_TO OF(moments_to)
#define NAME(leaf) OF(moments_##leaf)
#define COMBINE(m, v) OF(merge)(m, v)
#include "reduction.h"

static void OF(vary)(void *moments, ptrdiff_t apart, double ddof, double least, int root, ptrdiff_t lanes) {
  T *restrict x = (T *)moments;
  const T *restrict count = (const T *)((char *)moments + apart);
  const T *restrict squares = count + apart / (ptrdiff_t)sizeof(T);
  const T free = (T)ddof, fewest = (T)least;
#define VARY(k, ROOT)                                                        \
  const T mean = x[k], n = count[k], d = n - free;                           \
  const T v = squares[k] / (d > 0 ? d : (T)1), r = ROOT(v) + (T)0;           \
  const T finite = mean - mean == 0 ? r : (T)NAN, enough = d > 0 ? finite : (T)NAN; \
  const T all = n < fewest ? (T)NAN : enough;                                \
  x[k] = all == all ? all : (T)NAN
#define ITSELF(v) (v)
#define VARIANCE(k) VARY(k, ITSELF)
#define DEVIATION(k) VARY(k, CPOOL_SQRT)
  if (root) CPOOL_LANES_ONCE(T, lanes, DEVIATION);
  else CPOOL_LANES_ONCE(T, lanes, VARIANCE);
#undef VARY
#undef ITSELF
#undef VARIANCE
#undef DEVIATION
}
#endif

static void OF(begin)(void *out, const void *in, int arrays, ptrdiff_t apart, int omits, ptrdiff_t lanes) {
  T *to = (T *)out, *count = (T *)((char *)out + apart); /* `in` may be `out` */
  const T *x = (const T *)in;
#define OMIT(k)                             \
  const T v = x[k], there = v == v ? 1 : 0; \
  to[k] = v == v ? v : (T)0;                \
  count[k] = there
#define COUNT(k) \
  to[k] = x[k];  \
  count[k] = (T)1
  if (omits) CPOOL_LANES_ONCE(T, lanes, OMIT);
  else CPOOL_LANES_ONCE(T, lanes, COUNT);
#undef OMIT
#undef COUNT
  if (arrays > 2) memset((char *)out + 2 * apart, 0, (size_t)lanes * sizeof(T));
}

#include "blank.h"

static int OF(lacks)(const void *in, ptrdiff_t lanes) {
  enum { some = 256 / sizeof(T), few = CPOOL_VECTOR / sizeof(T) };
  const T *x = (const T *)in;
  ptrdiff_t i = 0;
  PLACE any = 0;
  for (; i + some <= lanes && !any; i += some)
    for (int j = 0; j < (int)some; j++) any |= x[i + j] != x[i + j];
  for (; i + few <= lanes && !any; i += few)
    for (int j = 0; j < (int)few; j++) any |= x[i + j] != x[i + j];
  for (; i < lanes && !any; i++) any = x[i] != x[i];
  return any != 0;
}

static void OF(share)(void *out, const void *totals, ptrdiff_t apart, const void *widths, const void *inside,
                      double across, double within, double divisor, double least, ptrdiff_t lanes) {
  T *to = (T *)out;
  const T *x = (const T *)totals, *restrict there = (const T *)((const char *)totals + apart);
  const T *restrict w = (const T *)widths, *restrict seen = (const T *)inside;
  const T tall = (T)across, high = (T)within, whole = (T)divisor, fewest = (T)least;
#define SHARE(k, DIVISOR)                                                     \
  const T all = high * seen[k], n = there[k], wanted = all > 0 ? fewest : (T)0; \
  const T counted = tall * w[k] - (all - n), v = x[k] / (DIVISOR) + (T)0;     \
  const T some_there = n < wanted ? (T)NAN : v;                               \
  (void)counted;                                                              \
  to[k] = v == v ? some_there : (T)NAN
#define BY_COUNT(k) SHARE(k, counted > 1 ? counted : (T)1)
#define BY_DIVISOR(k) SHARE(k, whole)
  if (divisor != 0) CPOOL_LANES_ONCE(T, lanes, BY_DIVISOR);
  else CPOOL_LANES_ONCE(T, lanes, BY_COUNT);
#undef SHARE
#undef BY_COUNT
#undef BY_DIVISOR
}

/* One zero, one NaN. */
#define ONE_FORM(v) ((v) == (v) ? (v) + (T)0 : (T)NAN)

/* From a row into another, or the same; a norm is not plain here. */
static void OF(raise)(void *out, const void *in, ptrdiff_t lanes, int norm, double power) {
  T *to = (T *)out;
  const T *x = (const T *)in;
#define CPOOL_EACH(v) CPOOL_INDEPENDENT for (ptrdiff_t i = 0; i < lanes; i++) to[i] = v
  if (norm == CPOOL_SQUARE) CPOOL_EACH(x[i] * x[i]);
  else if (norm == CPOOL_MAGNITUDE) CPOOL_EACH((T)fabs(x[i]));
  else if (power == -1) CPOOL_EACH(1 / x[i]);
  else if (power == 0.5) CPOOL_EACH((T)CPOOL_SQRT(x[i])); /* -infinity has none, as in torch */
  else if (power == 3) CPOOL_EACH((T)((double)x[i] * x[i] * x[i])); /* generalized means */
  else POWERS(to, x, lanes, power);
}

static void OF(root)(void *a, ptrdiff_t lanes, int norm, double power) {
  T *to = (T *)a, *x = to;
  if (norm == CPOOL_SQUARE) CPOOL_EACH((T)CPOOL_SQRT(x[i]));
  else if (norm == CPOOL_POWER) POWERS(to, x, lanes, 1 / power);
  CPOOL_EACH(ONE_FORM(x[i]));
}

static void OF(times_power)(void *out, const void *g, const void *in, ptrdiff_t lanes, double power, int zeros) {
  T *to = (T *)out;
  const T *v = (const T *)g, *x = (const T *)in;
  T powers[256];
#define TIMES(factor) CPOOL_EACH((zeros & (x[i] == 0)) ? (T)0 : v[i] * (factor))
  if (power == 0) TIMES(1);
  else if (power == 1) TIMES(x[i]);
  else if (power == 2) TIMES(x[i] * x[i]);
  else if (power == -1) TIMES(1 / x[i]);
  else if (power == -2) TIMES((T)(1 / ((double)x[i] * x[i])));
  else
    for (ptrdiff_t first = 0, n; first < lanes; first += n) {
      n = lanes - first < 256 ? lanes - first : 256;
      POWERS(powers, x + first, n, power);
      CPOOL_INDEPENDENT for (ptrdiff_t i = 0; i < n; i++)
        to[first + i] = (zeros & (x[first + i] == 0)) ? (T)0 : v[first + i] * powers[i];
    }
#undef TIMES
  CPOOL_EACH(ONE_FORM(to[i]));
}

static void OF(divide)(void *out, const void *in, const void *widths, double across, ptrdiff_t lanes) {
  T *to = (T *)out;
  const T *x = (const T *)in, *w = (const T *)widths;
  const T tall = (T)across;
  CPOOL_EACH(x[i] / (tall * w[i]));
  CPOOL_EACH(ONE_FORM(to[i]));
}
#undef CPOOL_EACH
#undef ONE_FORM
#endif
#undef SELECTS

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
    /* Pictures beyond the caches: 0.8 to 0.95 of the time, for between two rows others are read. */
    for (int line = 0; line < 256; line += 64) CPOOL_PREFETCH((const char *)(v + lane) + 2048 + line);
    for (int j = 0; j < some; j++) {
      to[lane + j] = ONE_ZERO(v[lane + j]);
      any |= ABSENT(v[lane + j]);
    }
    found |= any != 0;
  }
  for (; lane < lanes; lane++) {
    CPOOL_SINGLY;
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

CPOOL_INLINE void OF(between_two)(double *restrict result, const void *below, const void *above, double part,
                                  ptrdiff_t lanes) {
  const T *restrict low = (const T *)below, *restrict high = (const T *)above;
#define BETWEEN(k, FORMULA)                                                 \
  const double l = (double)low[k], h = (double)high[k], r = FORMULA;        \
  const double s = SOUND(r, l, h, part) + 0.0;                              \
  result[k] = s == s ? s : (double)NAN
#define ELEMENT(k) result[k] = (double)low[k]
#define MIDDLE(k) BETWEEN(k, (l + h) / 2)
#define NEAR_LOW(k) BETWEEN(k, l + (h - l) * part)
#define NEAR_HIGH(k) BETWEEN(k, h - (h - l) * (1 - part))
  if (part == 0) CPOOL_LANES(T, lanes, ELEMENT);
  else if (part == 0.5) CPOOL_LANES(T, lanes, MIDDLE);
  else if (part < 0.5) CPOOL_LANES(T, lanes, NEAR_LOW);
  else CPOOL_LANES(T, lanes, NEAR_HIGH);
#undef BETWEEN
#undef ELEMENT
#undef MIDDLE
#undef NEAR_LOW
#undef NEAR_HIGH
}

/* n lanes from `first` on: first what lies below and above, then all formulas for all of them, so that nothing
 * jumps. */
CPOOL_INLINE void OF(between_some)(double *restrict result, const void *const *below, const void *const *above,
                                   const double *parts, const int32_t *which, ptrdiff_t first, int n) {
  double low[32], high[32], at[32];
  for (int j = 0; j < n; j++) {
    const int32_t w = which[first + j];
    low[j] = (double)((const T *)below[w])[first + j];
    high[j] = (double)((const T *)above[w])[first + j];
    at[j] = parts[w];
  }
  for (int j = 0; j < n; j++) {
    const double l = low[j], h = high[j], part = at[j];
    const double near_low = l + (h - l) * part, near_high = h - (h - l) * (1 - part), middle = (l + h) / 2;
    const double near = part < 0.5 ? near_low : near_high, r = part == 0.5 ? middle : near;
    const double weighted = l * (1 - part) + h * part, s = (fabs(r) <= DBL_MAX ? r : weighted) + 0.0;
    const double sound = s == s ? s : (double)NAN;
    result[first + j] = part == 0 ? l : sound;
  }
}
static void OF(between)(double *result, const void *const *below, const void *const *above, const double *parts,
                        const int32_t *which, ptrdiff_t lanes) {
  ptrdiff_t i = 0;
  if (!which) {
    OF(between_two)(result, below[0], above[0], parts[0], lanes);
    return;
  }
  for (; i + 32 <= lanes; i += 32) OF(between_some)(result, below, above, parts, which, i, 32);
  for (; i < lanes; i++) {
    CPOOL_SINGLY;
    OF(between_some)(result, below, above, parts, which, i, 1);
  }
}
#undef FLAG
#undef ABSENT
#undef GREATEST
#undef ONE_ZERO
#undef SOUND

#if !FLOATS
static void OF(count)(void *restrict result, int32_t *restrict length, int32_t *restrict most,
                      const int32_t *restrict taps, int32_t t, const void *restrict before, const void *restrict row,
                      ptrdiff_t lanes) {
  T *to = (T *)result;
  const T *last = (const T *)before, *v = (const T *)row;
#define COUNT(k)                                                \
  const int32_t longer = length[k] + 1, n = v[k] == last[k] ? longer : 1; \
  const int better = (n > most[k]) & (t < taps[k]);             \
  length[k] = n;                                                \
  const int32_t record = most[k];                               \
  most[k] = better ? n : record;                                \
  const T kept = to[k], now = v[k];                             \
  to[k] = better ? now : kept
  CPOOL_LANES_ONCE(T, lanes, COUNT);
#undef COUNT
}
#endif

#ifdef WIDTH
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
#endif

#endif
#undef STAYS_MAX
#undef STAYS_MIN
#undef STAYS_NANMAX
#undef STAYS_NANMIN
#undef VECTOR
#undef OF
#undef T
#undef TYPE
#undef FLOATS
#undef SUMS
#undef MOMENTS
#undef WIDTH
#undef CPOOL_SQRT
#undef POWERS
