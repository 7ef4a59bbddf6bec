/* Windows of 2 or 3 lanes that move by 2, for one reduction and one type; included after fold.h. Several rows are
 * folded on the way, in registers: of two rows and pairs of columns that takes 0.67 to 0.9 of the time of a row in
 * scratch.
 *
 * Even and odd lanes are taken within 16-byte lanes, combined, and only the result is put in order. A compiler moves
 * each of them across by itself, which costs twice the shuffles.
 *
 *     in:     | 0  1  2  3| 4  5  6  7|   | 8  9 10 11|12 13 14 15|
 *     even:   | 0  2  8 10| 4  6 12 14|
 *     odd:    | 1  3  9 11| 5  7 13 15|
 */
#if FLOATS && ARRAYS <= 2
/* What becomes of a window: of totals an average (`share`). */
typedef struct { int how; T divisor, beside, least; } NAME(finish);

/* Lane `shift` bytes behind the pointers of 1, 2 or 4 rows of elements, folded. */
CPOOL_INLINE STATE NAME(folded_lane)(const void *const *taps, ptrdiff_t n, ptrdiff_t shift) {
#if ARRAYS == 2
  const ptrdiff_t from = 0;
#endif
#define LANE(t) LOAD((const T *)((const char *)taps[t] + shift), 0)
  if (n == 1) return LANE(0);
  if (n == 2) return COMBINE(LANE(0), LANE(1));
  return COMBINE(COMBINE(LANE(0), LANE(1)), COMBINE(LANE(2), LANE(3)));
#undef LANE
}

CPOOL_INLINE T NAME(halve_one)(const void *const *taps, ptrdiff_t n, ptrdiff_t kernel, ptrdiff_t shift,
                               NAME(finish) finish) {
  const ptrdiff_t one = sizeof(T);
  STATE m = COMBINE(NAME(folded_lane)(taps, n, shift), NAME(folded_lane)(taps, n, shift + one));
  if (kernel > 2) m = COMBINE(m, NAME(folded_lane)(taps, n, shift + 2 * one));
#if ARRAYS == 2
  const T by = m.count + finish.beside;
  const T v = m.value / (finish.divisor != 0 ? finish.divisor : by > 1 ? by : (T)1) + (T)0;
  return m.count < finish.least || v != v ? (T)NAN : v;
#else
  return NAME(closed)(m, finish.how, finish.divisor);
#endif
}

#ifdef VECTOR
#if ARRAYS == 2
/* Averages of as many windows of 2 columns as a vector has lanes; no further is read than their last tap. */
CPOOL_INLINE void NAME(halve_some)(T *to, const void *const *taps, ptrdiff_t n, ptrdiff_t kernel, ptrdiff_t shift,
                                   NAME(finish) finish) { /* kernel is 2 */
  const ptrdiff_t next = sizeof(VECTOR);
  VECTOR v[2][4];
  PLACES lacks[2][4]; /* 0 or -1; sums of these */
  CPOOL_UNROLL for (int k = 0; k < 2; k++) {
    CPOOL_UNROLL for (int t = 0; t < 4; t++)
      if (t < n) {
        memcpy(&v[k][t], (const char *)taps[t] + shift + k * next, sizeof v[k][t]);
        lacks[k][t] = v[k][t] != v[k][t];
        v[k][t] = SELECT(lacks[k][t], (VECTOR){0}, v[k][t]);
      }
    if (n > 2) v[k][2] += v[k][3], lacks[k][2] += lacks[k][3];
    v[k][0] += v[k][1], lacks[k][0] += lacks[k][1];
    if (n > 2) v[k][0] += v[k][2], lacks[k][0] += lacks[k][2];
  }
  const VECTOR evens = __builtin_shufflevector(v[0][0], v[1][0], EVEN);
  const VECTOR odds = __builtin_shufflevector(v[0][0], v[1][0], ODD);
  const PLACES gone = __builtin_shufflevector(lacks[0][0], lacks[1][0], EVEN) +
                      __builtin_shufflevector(lacks[0][0], lacks[1][0], ODD);
  const VECTOR counts = (T)(kernel * n) + __builtin_convertvector(gone, VECTOR);
  const VECTOR one = (VECTOR){0} + 1, none = (VECTOR){0} + (T)NAN;
  VECTOR by = counts + finish.beside;
  by = finish.divisor != 0 ? (VECTOR){0} + finish.divisor : SELECT(by > one, by, one);
  VECTOR m = (evens + odds) / by + 0;
  m = SELECT(counts < finish.least, none, m);
  m = IN_ORDER(SELECT(m == m, m, none));
  memcpy(to, &m, sizeof m);
}
#else
/* A vector of lanes. */
CPOOL_INLINE VECTOR NAME(folded)(const void *const *taps, ptrdiff_t n, ptrdiff_t shift) {
  VECTOR v[4];
  CPOOL_UNROLL for (int t = 0; t < 4; t++)
    if (t < n) memcpy(&v[t], (const char *)taps[t] + shift, sizeof v[t]);
  if (n > 1) v[0] = COMBINE_VECTORS(v[0], v[1]);
  if (n > 2) v[2] = COMBINE_VECTORS(v[2], v[3]), v[0] = COMBINE_VECTORS(v[0], v[2]);
  return v[0];
}

/* As many windows as a vector has lanes; no further is read than their last tap. */
CPOOL_INLINE void NAME(halve_some)(T *to, const void *const *taps, ptrdiff_t n, ptrdiff_t kernel, ptrdiff_t shift,
                                   NAME(finish) finish) {
  const ptrdiff_t next = sizeof(VECTOR), one = sizeof(T);
  VECTOR low = NAME(folded)(taps, n, shift), high = NAME(folded)(taps, n, shift + next), m, odd;
  m = __builtin_shufflevector(low, high, EVEN);
  odd = __builtin_shufflevector(low, high, ODD);
  m = COMBINE_VECTORS(m, odd);
  if (kernel > 2) {
    low = NAME(folded)(taps, n, shift + one);
    high = NAME(folded)(taps, n, shift + one + next);
    odd = __builtin_shufflevector(low, high, ODD);
    m = COMBINE_VECTORS(m, odd);
  }
  m = NAME(closed_vector)(IN_ORDER(m), finish.how, finish.divisor);
  memcpy(to, &m, sizeof m);
}
#endif
#endif

CPOOL_INLINE void NAME(halve_rows)(T *to, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n, ptrdiff_t kernel,
                                   ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes, NAME(finish) finish) {
  const ptrdiff_t size = sizeof(T);
  ptrdiff_t r = 0;
#ifdef VECTOR
  const ptrdiff_t width = sizeof(VECTOR) / sizeof(T), beyond = 2 * (width - lanes) * size;
  /* Rows of less than a vector that lie end to end, as whole ones: what they read and write behind a row is the next
   * one's, which comes later. */
  if (lanes < width && 2 * lanes >= width && out_pitch == lanes * size && pitch >= beyond)
    for (; r + 1 < rows; r++)
      NAME(halve_some)(to + r * lanes, taps, n, kernel, r * pitch, finish);
#endif
  for (; r < rows; r++) {
    T *row = (T *)((char *)to + r * out_pitch);
    ptrdiff_t o = 0;
#ifdef VECTOR
    for (; lanes >= width && o < lanes; o += width) {
      if (o + width > lanes) o = lanes - width;
      NAME(halve_some)(row + o, taps, n, kernel, r * pitch + 2 * o * size, finish);
    }
#endif
    for (; o < lanes; o++) {
      CPOOL_SINGLY;
      row[o] = NAME(halve_one)(taps, n, kernel, r * pitch + 2 * o * size, finish);
    }
  }
}
#endif

#if !FLOATS || !defined(VECTOR) || ARRAYS > 1
CPOOL_INLINE void NAME(halve_row)(T *restrict to, const T *restrict row, ptrdiff_t kernel, ptrdiff_t lanes APART) {
  const int how = NAME(open);
  const T divisor = 1;
  (void)how, (void)divisor;
  CPOOL_INDEPENDENT for (ptrdiff_t o = 0; o < lanes; o++) {
    STATE v = COMBINE(LOAD(row, 2 * o), LOAD(row, 2 * o + 1));
    if (kernel > 2) v = COMBINE(v, LOAD(row, 2 * o + 2));
    STORE(to, o, v);
  }
}
#endif

static void NAME(halve)(void *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n, ptrdiff_t kernel,
                        ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes, const cpool_close *close) {
  const ptrdiff_t size = sizeof(T);
  if (pitch == 2 * lanes * size && out_pitch == lanes * size) /* windows of 3 have longer rows */
    lanes *= rows, rows = 1;
#if FLOATS && ARRAYS <= 2
  NAME(finish) finish = {NAME(open), 1, (T)close->beside, (T)close->least};
#define CASE(n, kernel) NAME(halve_rows)((T *)out, out_pitch, taps, n, kernel, pitch, rows, lanes, finish)
#endif
#if FLOATS && ARRAYS == 1
  finish.how = NAME(closing)(close, &finish.divisor);
  /* What is asked is set again: a constant, for which the compiler makes a loop of its own. */
  if (n == 2 && finish.how == NAME(undivided)) finish.how = NAME(undivided), CASE(2, 2);
  else if (n == 2) CASE(2, 2);
  else if (n == 4) CASE(4, 2);
  else if (kernel == 2) CASE(1, 2);
  else if (finish.how == NAME(undivided)) finish.how = NAME(undivided), CASE(1, 3);
  else CASE(1, 3);
#else
#if FLOATS && ARRAYS == 2
  if (close->elements) {
    finish.divisor = (T)close->divisor;
    if (n == 2) CASE(2, 2);
    else CASE(4, 2);
    return;
  }
#endif
  for (ptrdiff_t r = 0; r < rows; r++) { /* n is 1 */
    T *to = (T *)((char *)out + r * out_pitch);
    const T *row = (const T *)((const char *)taps[0] + r * pitch);
    if (kernel == 2) NAME(halve_row)(to, row, 2, lanes AS_APART(close->apart / size, close->apart / size));
    else NAME(halve_row)(to, row, 3, lanes AS_APART(close->apart / size, close->apart / size));
  }
  (void)n, (void)close;
#endif
#undef CASE
}

/* A row into one number. */
#if FLOATS && defined(VECTOR) && ARRAYS == 1
enum { NAME(most_shrunk) = 8192 };

/* Up to eight vectors into one, of which each lane is eight neighbours; those that are not there change nothing. Lanes
 * are out of order on the way, but neighbours meet:
 *
 *     float:   |a01 a23 b01 b23|a45 a67 b45 b67|   |a03 b03 c03 d03|a47 b47 c47 d47|   |a b c d|e f g h|
 *     double:  |a01 b01|a23 b23|                   |a b|c d|                           |ab ef|cd gh|
 */
#define PAIR(a, b, evens, odds) \
  COMBINE_VECTORS(__builtin_shufflevector(a, b, evens), __builtin_shufflevector(a, b, odds))
CPOOL_INLINE VECTOR NAME(eighth_of)(const VECTOR *v, int n, VECTOR nothing) {
  VECTOR a = PAIR(v[0], v[1], EVEN, ODD), c = nothing, e = nothing, g = nothing;
  if (n > 2) c = PAIR(v[2], v[3], EVEN, ODD);
  if (n > 4) e = PAIR(v[4], v[5], EVEN, ODD);
  if (n > 6) g = PAIR(v[6], v[7], EVEN, ODD);
  a = PAIR(a, c, SECOND_EVEN, SECOND_ODD);
  if (n > 4) e = PAIR(e, g, SECOND_EVEN, SECOND_ODD);
  return THIRD_IN_ORDER(PAIR(a, e, THIRD_EVEN, THIRD_ODD));
}
#undef PAIR

/* The lanes of a vector. */
CPOOL_INLINE T NAME(lanes_of)(VECTOR v) {
  enum { width = sizeof(VECTOR) / sizeof(T) };
  T a[width];
  memcpy(a, &v, sizeof a);
  CPOOL_UNROLL for (int n = width / 2; n; n /= 2)
    CPOOL_UNROLL for (int i = 0; i < n; i++) a[i] = COMBINE(a[2 * i], a[2 * i + 1]);
  return a[0];
}

#if SELECTS
static T NAME(shrunk)(const T *row, ptrdiff_t n) {
  enum { width = sizeof(VECTOR) / sizeof(T), some = 4 };
  VECTOR m[some];
  T winner = row[0];
  ptrdiff_t i;
  if (n < width) {
    for (i = 1; i < n; i++) winner = COMBINE(winner, row[i]);
    return winner;
  }
  CPOOL_UNROLL for (int k = 0; k < some; k++) m[k] = NAME(vector)(row);
  for (i = 0; i + some * width <= n; i += some * width)
    CPOOL_UNROLL for (int k = 0; k < some; k++) m[k] = COMBINE_VECTORS(m[k], NAME(vector)(row + i + k * width));
  for (; i < n; i += width) m[0] = COMBINE_VECTORS(m[0], NAME(vector)(row + (i + width < n ? i : n - width)));
  m[0] = COMBINE_VECTORS(m[0], m[1]), m[2] = COMBINE_VECTORS(m[2], m[3]);
  return NAME(lanes_of)(COMBINE_VECTORS(m[0], m[2]));
}
#else
/* The first n lanes of a vector; what lies behind them is not read. */
CPOOL_INLINE VECTOR NAME(first_lanes)(const T *row, int n, VECTOR nothing) {
#ifdef FIRST_LANES
  cpool_integers_4 mask;
  memcpy(&mask, cpool_whole_and_none + 8 - n * (int)(sizeof(T) / 4), sizeof mask);
  return SELECT(mask, FIRST_LANES(row, mask), nothing);
#else
  T last[sizeof(VECTOR) / sizeof(T)];
  memcpy(last, &nothing, sizeof last);
  for (int j = 0; j < n; j++) last[j] = row[j];
  return NAME(vector)(last);
#endif
}

/* The same of eight vectors of a row; of its end, of the fewer lanes that there are. */
static CPOOL_NOINLINE VECTOR NAME(last_eighth)(const T *row, ptrdiff_t n, VECTOR nothing) {
  enum { width = sizeof(VECTOR) / sizeof(T) };
  const int whole = (int)(n / width), rest = (int)(n % width);
  VECTOR v[8];
  CPOOL_UNROLL for (int i = 0; i < 8; i++) {
    v[i] = nothing;
    if (i < whole) v[i] = NAME(vector)(row + i * width);
    else if (i == whole && rest) v[i] = NAME(first_lanes)(row + i * width, rest, nothing);
  }
  return NAME(eighth_of)(v, whole + (rest > 0), nothing);
}
CPOOL_INLINE VECTOR NAME(eighth)(const T *row, ptrdiff_t n, VECTOR nothing) {
  enum { width = sizeof(VECTOR) / sizeof(T) };
  VECTOR v[8];
  if (n < 8 * width) return NAME(last_eighth)(row, n, nothing);
  CPOOL_UNROLL for (int i = 0; i < 8; i++) v[i] = NAME(vector)(row + i * width);
  return NAME(eighth_of)(v, 8, nothing);
}

/* Blocks of eight vectors become a vector each; if there are more of these than eight, they are a row again. What is
 * not there changes nothing, for tree(n) is that of the next power of two then. */
CPOOL_INLINE VECTOR NAME(few_lanes)(const T *row, ptrdiff_t n) {
  enum { block = 8 * sizeof(VECTOR) / sizeof(T) };
  const VECTOR nothing = -(VECTOR){0};
  VECTOR v[8];
  ptrdiff_t i;
  if (n <= block) return NAME(eighth)(row, n, nothing);
  if (n <= 2 * block) {
    v[0] = NAME(eighth)(row, block, nothing), v[1] = NAME(eighth)(row + block, n - block, nothing);
    return NAME(eighth_of)(v, 2, nothing);
  }
  CPOOL_UNROLL for (i = 0; i < 8; i++) v[i] = nothing;
  for (i = 0; i * block < n; i++) v[i] = NAME(eighth)(row + i * block, n - i * block, nothing);
  return NAME(eighth_of)(v, (int)i, nothing);
}
static T NAME(shrunk)(const T *row, ptrdiff_t n) {
  enum { width = sizeof(VECTOR) / sizeof(T), block = 8 * width, room = NAME(most_shrunk) / 8 + width };
  T eighths[2][room];
  for (int turn = 0; n > 8 * block; turn = 1 - turn) {
    T *to = eighths[turn];
    for (ptrdiff_t i = 0; i < n; i += block, to += width) {
      const VECTOR v = NAME(eighth)(row + i, n - i, -(VECTOR){0});
      memcpy(to, &v, sizeof v);
    }
    row = eighths[turn];
    n = to - row;
  }
  return NAME(lanes_of)(NAME(few_lanes)(row, n));
}

/* As many rows of up to 64 vectors as a vector has lanes: their last lanes become numbers at once. Return how many were
 * done. */
CPOOL_INLINE ptrdiff_t NAME(shrink_together)(char *out, ptrdiff_t out_pitch, const char *in, ptrdiff_t n,
                                             ptrdiff_t pitch, ptrdiff_t rows, int how, T divisor) {
  enum { width = sizeof(VECTOR) / sizeof(T), parts = 8 / width };
  ptrdiff_t r = 0;
  for (; n <= 64 * width && r + width <= rows; r += width) {
    VECTOR v[8];
    T results[width];
    CPOOL_UNROLL for (int i = 0; i < 8; i++) v[i] = -(VECTOR){0};
    for (int i = 0; i < (int)width; i++) v[i * parts] = NAME(few_lanes)((const T *)(in + (r + i) * pitch), n);
    v[0] = NAME(closed_vector)(NAME(eighth_of)(v, 8, v[0]), how, divisor);
    memcpy(results, &v[0], sizeof results);
    for (int i = 0; i < (int)width; i++) *(T *)(out + (r + i) * out_pitch) = results[i];
  }
  return r;
}
#endif
#elif SELECTS && !FLOATS
enum { NAME(most_shrunk) = 1 << 30 };

/* n lanes, at least `width`, as so many running winners; the last ones may be compared twice. */
CPOOL_INLINE T NAME(winner_of)(const T *row, ptrdiff_t n, int width) {
  T m[4 * CPOOL_VECTOR / sizeof(T)];
  memcpy(m, row, width * sizeof(T));
  for (ptrdiff_t i = width; i < n; i += width) {
    const T *next = row + (i + width <= n ? i : n - width);
    CPOOL_INDEPENDENT for (int j = 0; j < width; j++) m[j] = COMBINE(m[j], next[j]);
  }
  for (int half = width / 2; half; half /= 2)
    CPOOL_INDEPENDENT for (int j = 0; j < half; j++) m[j] = COMBINE(m[j], m[j + half]);
  return m[0];
}

static T NAME(shrunk)(const T *row, ptrdiff_t n) {
  enum { vector = CPOOL_VECTOR / sizeof(T) };
  if (n >= 4 * vector) return NAME(winner_of)(row, n, 4 * vector);
  if (n >= vector) return NAME(winner_of)(row, n, vector);
  return NAME(winner_of)(row, n, 1);
}
#else
enum { NAME(most_shrunk) = 512 };

/* Halves: lanes by pairs, or where the order means nothing, the first half and the second. What is left over waits. */
CPOOL_INLINE STATE NAME(shrunk)(const T *row, ptrdiff_t n APART) {
  enum { half = NAME(most_shrunk) / 2, part = 2 * half };
  T halves[ARRAYS][2][half];
  STATE v = LOAD(row, 0), rest = v;
  int waits = 0;
  LAST_APART(into);
  for (int turn = 0; n > 1; turn = 1 - turn) {
    if (n % 2) {
      const STATE last = LOAD(row, n - 1);
      rest = waits ? COMBINE(last, rest) : last;
      waits = 1;
    }
    n /= 2;
#if SELECTS
    const void *taps[2] = {row, row + n};
    NAME(first_pass)(halves[0][turn], 0, taps, 2, 0, 0, 1, n);
#else
    NAME(halve_row)(halves[0][turn], row, 2, n AS_APART(from, part));
#endif
    row = halves[0][turn];
    AGAIN_APART(from, part);
    v = LOAD(row, 0);
  }
  return waits ? COMBINE(v, rest) : v;
}
#endif

/* Longer rows than there is room for: the first lanes, a power of two of them, and the others. */
static STATE NAME(shrunk_long)(const T *row, ptrdiff_t n APART) {
  ptrdiff_t first = NAME(most_shrunk);
  if (n <= first) return NAME(shrunk)(row, n AS_APART(from, into));
  while (2 * first < n) first *= 2;
  const STATE m = NAME(shrunk_long)(row, first AS_APART(from, into));
  return COMBINE(m, NAME(shrunk_long)(row + first, n - first AS_APART(from, into)));
}

static void NAME(shrink)(void *out, ptrdiff_t out_pitch, const void *in, ptrdiff_t n, ptrdiff_t pitch, ptrdiff_t rows,
                         const cpool_close *close) {
  T divisor;
  const int how = NAME(closing)(close, &divisor);
  ptrdiff_t r = 0;
  (void)how, (void)divisor;
#if FLOATS && defined(VECTOR) && ARRAYS == 1 && !SELECTS
  r = NAME(shrink_together)((char *)out, out_pitch, (const char *)in, n, pitch, rows, how, divisor);
#endif
  for (; r < rows; r++) {
    T *to = (T *)((char *)out + r * out_pitch);
    const T *row = (const T *)((const char *)in + r * pitch);
#if ARRAYS > 1
    const ptrdiff_t into = close->apart / (ptrdiff_t)sizeof(T);
#endif
    STORE(to, 0, NAME(shrunk_long)(row, n AS_APART(into, into)));
  }
}

#if FLOATS && ARRAYS == 1
/* Small windows into one number each: up to 8 rows of up to 8 lanes, filled up with what changes nothing. */
enum { NAME(side) = 8 };
#ifdef VECTOR
enum { NAME(windows) = sizeof(VECTOR) / sizeof(T), NAME(parts) = NAME(side) / NAME(windows) };

/* As many windows as a vector has lanes, of which 8 lanes of each row are read. */
CPOOL_INLINE VECTOR NAME(condensed)(const char *in, ptrdiff_t pitch, ptrdiff_t distance, ptrdiff_t rows,
                                    ptrdiff_t lanes) {
  VECTOR v[NAME(side)], r[NAME(side)];
  PLACES number;
  for (int j = 0; j < (int)NAME(windows); j++) number[j] = (PLACE)j;
  CPOOL_UNROLL for (int i = 0; i < (int)NAME(side); i++) {
    const int part = i % NAME(parts) * NAME(windows);
    const char *window = in + i / NAME(parts) * pitch + part * (ptrdiff_t)sizeof(T);
    if (part && part >= lanes) {
      v[i] = SELECTS ? v[i - i % NAME(parts)] : -(VECTOR){0};
      continue;
    }
    r[0] = NAME(vector)((const T *)window);
    CPOOL_UNROLL for (int t = 1; t < (int)NAME(side); t++)
      r[t] = t < rows ? NAME(vector)((const T *)(window + t * distance)) : SELECTS ? r[0] : -(VECTOR){0};
    r[0] = COMBINE_VECTORS(r[0], r[1]), r[2] = COMBINE_VECTORS(r[2], r[3]);
    r[4] = COMBINE_VECTORS(r[4], r[5]), r[6] = COMBINE_VECTORS(r[6], r[7]);
    r[0] = COMBINE_VECTORS(r[0], r[2]), r[4] = COMBINE_VECTORS(r[4], r[6]);
    v[i] = COMBINE_VECTORS(r[0], r[4]);
    if (lanes < part + NAME(windows))
      v[i] = SELECT((PLACES)(number + (PLACE)part < (PLACE)lanes), v[i],
                    SELECTS ? (VECTOR){0} + v[i][0] : -(VECTOR){0});
  }
  return NAME(eighth_of)(v, 8, v[0]);
}
#endif

static void NAME(condense)(void *out, ptrdiff_t out_pitch, const void *in, ptrdiff_t pitch, ptrdiff_t distance,
                           ptrdiff_t rows, ptrdiff_t lanes, ptrdiff_t n, const cpool_close *close) {
  T divisor;
  const int how = NAME(closing)(close, &divisor);
  ptrdiff_t i = 0;
#ifdef VECTOR
  enum { some = NAME(windows), side = NAME(side) };
  T last[some][side][side], results[some];
  for (; i < n; i += some) {
    const char *from = (const char *)in + i * pitch;
    VECTOR v;
    if (i + some < n && pitch >= (side - lanes) * (ptrdiff_t)sizeof(T)) {
      if (rows == 7) v = NAME(condensed)(from, pitch, distance, 7, lanes);
      else v = NAME(condensed)(from, pitch, distance, rows, lanes);
    } else { /* nothing is read behind the last window, nor behind any where no other one follows it in memory */
      memset(last, 0, sizeof last);
      for (ptrdiff_t k = 0; k < n - i && k < some; k++)
        for (ptrdiff_t t = 0; t < rows; t++)
          memcpy(last[k][t], from + k * pitch + t * distance, (size_t)lanes * sizeof(T));
      v = NAME(condensed)((const char *)last, sizeof last[0], sizeof last[0][0], rows, lanes);
    }
    memcpy(results, &v, sizeof results);
    for (int k = 0; k < (int)some; k++) results[k] = NAME(closed)(results[k], how, divisor);
    if (out_pitch == (ptrdiff_t)sizeof(T) && i + some <= n) memcpy((T *)out + i, results, sizeof results);
    else
      for (ptrdiff_t k = 0; k < n - i && k < some; k++) *(T *)((char *)out + (i + k) * out_pitch) = results[k];
  }
#else
  for (; i < n; i++) {
    T row[NAME(side)], column[NAME(side)];
    for (ptrdiff_t l = 0; l < lanes; l++) {
      for (ptrdiff_t t = 0; t < rows; t++) column[t] = ((const T *)((const char *)in + i * pitch + t * distance))[l];
      row[l] = NAME(shrunk)(column, rows);
    }
    *(T *)((char *)out + i * out_pitch) = NAME(closed)(NAME(shrunk)(row, lanes), how, divisor);
  }
#endif
}
#endif
