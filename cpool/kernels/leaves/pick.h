/* Fold with the winners' places, for one reduction that selects and one type. Included after fold.h. PLACE: the integer
 * of T's width. STAYS(m, v, !): whether m wins over v, which came later.
 *
 * Taps must come in the order of memory: then "a later one wins only if it is better" gives the first of equals, and
 * the last of several NaN, which is torch's rule. */
/* Taps of one pass: all comparisons stay in registers; nine are first only. More are taken one by one, up to so many
 * lanes. */
enum { NAME(group) = 4, NAME(nine) = 9, NAME(few) = 384 / sizeof(T) };

#define POINT(t)                                                                                    \
  const T *restrict at_##t = (const T *)((const char *)taps[(t) < n ? (t) : 0] + shift);            \
  const PLACE *restrict from_##t =                                                                  \
      chosen ? (const PLACE *)((const char *)from[(t) < n ? (t) : 0] + shift) : (const PLACE *)at_##t; \
  const PLACE off_##t = (PLACE)offsets[(t) < n ? (t) : 0];                                          \
  (void)from_##t, (void)at_##t
#define FROM(t) (chosen ? (PLACE)(from_##t[i + j] + off_##t) : off_##t)
#define TAKE(t)                   \
  if (n > t) {                    \
    T v = at_##t[i + j];          \
    PLACE p = FROM(t);            \
    p = STAYS(m, v, !) ? w : p;   \
    m = STAYS(m, v, !) ? m : v;   \
    w = p;                        \
  }
#define LANE(k)                                                    \
  T m = going ? to[k] : at_0[k];                                   \
  PLACE w = going ? places[k] : FROM(0);                           \
  if (going) TAKE(0)                                               \
  TAKE(1) TAKE(2) TAKE(3) TAKE(4) TAKE(5) TAKE(6) TAKE(7) TAKE(8)  \
  to[k] = NAME(closed)(m, NAME(undivided), 1);                         \
  places[k] = w

/* `going`: what `to` and `places` hold came first. That overlapping vectors take a tap twice changes nothing. */
CPOOL_INLINE void NAME(pick_pass)(T *restrict to, PLACE *restrict places, const void *const *taps,
                                  const void *const *from, const int64_t *offsets, ptrdiff_t n, ptrdiff_t shift,
                                  ptrdiff_t lanes, int chosen, int going) {
  POINT(0); POINT(1); POINT(2); POINT(3); POINT(4); POINT(5); POINT(6); POINT(7); POINT(8);
  CPOOL_LANES(T, lanes, LANE);
}

static CPOOL_NOINLINE void NAME(pick_some)(T *to, PLACE *places, const void *const *taps, const void *const *from,
                                           const int64_t *offsets, ptrdiff_t n, ptrdiff_t shift, ptrdiff_t lanes,
                                           int going) {
#define CASE(N, chosen, going_on)                                                        \
  case N + 16 * chosen + 32 * going_on:                                                  \
    NAME(pick_pass)(to, places, taps, from, offsets, N, shift, lanes, chosen, going_on); \
    break;
#define CASES(N) CASE(N, 0, 0) CASE(N, 0, 1) CASE(N, 1, 0) CASE(N, 1, 1)
  switch (n + 16 * (from != NULL) + 32 * (going != 0)) { CASES(1) CASES(2) CASES(3) CASES(4) CASE(9, 0, 0) }
#undef CASE
#undef CASES
}

#ifdef VECTOR
/* All of many taps of a few vectors, whose winners stay in registers. */
CPOOL_INLINE void NAME(pick_vectors)(T *to, PLACE *places, const void *const *taps, const int64_t *offsets, ptrdiff_t n,
                                     ptrdiff_t shift, ptrdiff_t lanes, int going, int vectors) {
  const ptrdiff_t size = sizeof(T), width = sizeof(VECTOR) / sizeof(T);
  for (ptrdiff_t i = 0; i < lanes; i += vectors * width) {
    VECTOR m[4], v;
    PLACES w[4];
    if (i + vectors * width > lanes) i = lanes - vectors * width;
    CPOOL_UNROLL for (int k = 0; k < vectors; k++) {
      memcpy(&m[k], (const char *)taps[0] + shift + (i + k * width) * size, sizeof v);
      w[k] = (PLACES){0} + (PLACE)offsets[0];
      if (going) memcpy(&m[k], to + i + k * width, sizeof v), memcpy(&w[k], places + i + k * width, sizeof v);
    }
    for (ptrdiff_t t = !going; t < n; t++) {
      const char *tap = (const char *)taps[t] + shift + i * size;
      const PLACES stands = (PLACES){0} + (PLACE)offsets[t];
      CPOOL_UNROLL for (int k = 0; k < vectors; k++) {
        memcpy(&v, tap + k * (ptrdiff_t)sizeof v, sizeof v);
        const PLACES stays = (PLACES)STAYS(m[k], v, ~);
        m[k] = SELECT(stays, m[k], v);
        w[k] = (PLACES)SELECT(stays, (VECTOR)w[k], (VECTOR)stands);
      }
    }
    CPOOL_UNROLL for (int k = 0; k < vectors; k++) {
      m[k] = NAME(closed_vector)(m[k], NAME(undivided), 1);
      memcpy(to + i + k * width, &m[k], sizeof v);
      memcpy(places + i + k * width, &w[k], sizeof v);
    }
  }
}

static CPOOL_NOINLINE void NAME(pick_many)(T *to, PLACE *places, const void *const *taps, const int64_t *offsets,
                                           ptrdiff_t n, ptrdiff_t shift, ptrdiff_t lanes, int going) {
  const ptrdiff_t width = sizeof(VECTOR) / sizeof(T);
  if (lanes >= 4 * width) NAME(pick_vectors)(to, places, taps, offsets, n, shift, lanes, going, 4);
  else if (lanes >= 2 * width) NAME(pick_vectors)(to, places, taps, offsets, n, shift, lanes, going, 2);
  else NAME(pick_vectors)(to, places, taps, offsets, n, shift, lanes, going, 1);
}
#endif

static void NAME(pick)(void *out, void *places, ptrdiff_t out_pitch, const void *const *taps, const void *const *from,
                       const int64_t *offsets, ptrdiff_t n, ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes,
                       int going) {
  const ptrdiff_t size = sizeof(T), strip = NAME(strip);
  if (pitch == lanes * size && out_pitch == pitch) lanes *= rows, rows = 1; /* one long row */
#ifdef VECTOR
  if (n > NAME(nine) && !from && lanes >= (ptrdiff_t)(sizeof(VECTOR) / sizeof(T)) && lanes <= NAME(few)) {
    for (ptrdiff_t r = 0; r < rows; r++)
      NAME(pick_many)((T *)((char *)out + r * out_pitch), (PLACE *)((char *)places + r * out_pitch), taps, offsets, n,
                      r * pitch, lanes, going);
    return;
  }
#endif
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t i = 0; i < lanes; i += strip)
      for (ptrdiff_t t = 0, some; t < n; t += some) {
        some = n - t < NAME(group) ? n - t : NAME(group);
        if (t == 0 && n >= NAME(nine) && !from && !going) some = NAME(nine);
        NAME(pick_some)((T *)((char *)out + r * out_pitch) + i, (PLACE *)((char *)places + r * out_pitch) + i, taps + t,
                        from ? from + t : NULL, offsets + t, some, r * pitch + i * size,
                        lanes - i < strip ? lanes - i : strip, going || t);
      }
}

/* Windows of 2 or 3 lanes that move by 2, of n rows, in one pass. */
#ifdef VECTOR
/* As many as a vector has lanes, by halves as halve.h takes them: what wins, and where it stands, stay in registers. */
CPOOL_INLINE void NAME(pick_halved)(T *to, PLACE *places, const void *const *rows, const int64_t *offsets, ptrdiff_t n,
                                    ptrdiff_t shift, int kernel) {
  const ptrdiff_t width = sizeof(VECTOR) / sizeof(T);
  VECTOR m = {0}, v, low, high;
  PLACES w = {0}, stays, stands;
  CPOOL_UNROLL_FEW for (ptrdiff_t t = 0; t < n; t++) {
    const T *row = (const T *)((const char *)rows[t] + shift);
    stands = (PLACES){0} + (PLACE)offsets[t];
    CPOOL_UNROLL for (int c = 0; c < kernel; c++) {
      if (c != 1) { /* for the third column no further than the last tap */
        memcpy(&low, row + c / 2, sizeof low);
        memcpy(&high, row + c / 2 + width, sizeof high);
      }
      if (c == 0) v = __builtin_shufflevector(low, high, EVEN);
      else v = __builtin_shufflevector(low, high, ODD);
      stays = t + c ? (PLACES)STAYS(m, v, ~) : (PLACES){0};
      m = SELECT(stays, m, v);
      w = (PLACES)SELECT(stays, (VECTOR)w, (VECTOR)(stands + (PLACE)c));
    }
  }
  m = NAME(closed_vector)(IN_ORDER(m), NAME(undivided), 1), w = (PLACES)IN_ORDER((VECTOR)w);
  memcpy(to, &m, sizeof m);
  memcpy(places, &w, sizeof w);
}
#endif

/* One output row; rows are read `shift` bytes behind their pointers. */
CPOOL_INLINE void NAME(pick_halves_row)(T *to, PLACE *places, const void *const *rows, const int64_t *offsets,
                                        ptrdiff_t n, int kernel, ptrdiff_t first, ptrdiff_t size, ptrdiff_t shift,
                                        ptrdiff_t lanes) {
  ptrdiff_t o = 0;
#ifdef VECTOR
  const ptrdiff_t width = sizeof(VECTOR) / sizeof(T), begin = first < 0 ? (1 - first) / 2 : 0;
  const ptrdiff_t inside = (size - kernel - first) / 2 + 1, end = inside < lanes ? inside : lanes;
  const int vectors = size >= kernel + first && end - begin >= width;
#endif
  while (o < lanes) {
#ifdef VECTOR
    if (vectors && o >= begin && o < end) {
      for (; o < end; o += width) {
        if (o + width > end) o = end - width;
        NAME(pick_halved)(to + o, places + o, rows, offsets, n, shift + (first + 2 * o) * (ptrdiff_t)sizeof(T), kernel);
      }
      continue;
    }
#endif
    const ptrdiff_t column = first + 2 * o, left = column < 0 ? -column : 0;
    const ptrdiff_t right = size - column < kernel ? size - column : kernel;
    T m = 0;
    PLACE w = 0;
    for (ptrdiff_t t = 0; t < n; t++)
      for (ptrdiff_t c = left; c < right; c++) {
        const T v = ((const T *)((const char *)rows[t] + shift))[column + c];
        const int stays = (t || c > left) && STAYS(m, v, !);
        m = stays ? m : v;
        w = stays ? w : (PLACE)(offsets[t] + c);
      }
    to[o] = NAME(closed)(m, NAME(undivided), 1);
    places[o++] = w;
  }
}

CPOOL_INLINE void NAME(pick_halves_rows)(void *out, void *places, ptrdiff_t out_pitch, const void *const *rows,
                                         const int64_t *offsets, ptrdiff_t n, int kernel, ptrdiff_t first,
                                         ptrdiff_t size, ptrdiff_t pitch, ptrdiff_t windows, ptrdiff_t lanes) {
  ptrdiff_t r = 0;
#ifdef VECTOR
  /* Rows of fewer windows than a vector has lanes, but at least half as many, that lie end to end, as whole vectors
   * nevertheless: what they read and write behind a row is the next one's, which comes later. Not the last ones. */
  const ptrdiff_t width = sizeof(VECTOR) / sizeof(T), one = sizeof(T), begin = first * one;
  const ptrdiff_t beyond = (first + 2 * width + kernel - 2 - size) * one; /* bytes that are read behind a row */
  if (out_pitch == lanes * one && lanes < width && 2 * lanes >= width && first >= 0
      && first + 2 * (lanes - 1) + kernel <= size && pitch > 0)
    for (; r + 1 < windows && (windows - 1 - r) * pitch >= beyond; r++)
      NAME(pick_halved)((T *)out + r * lanes, (PLACE *)places + r * lanes, rows, offsets, n, r * pitch + begin, kernel);
#endif
  for (; r < windows; r++)
    NAME(pick_halves_row)((T *)((char *)out + r * out_pitch), (PLACE *)((char *)places + r * out_pitch), rows, offsets,
                          n, kernel, first, size, r * pitch, lanes);
}

static void NAME(pick_halves)(void *out, void *places, ptrdiff_t out_pitch, const void *const *rows,
                              const int64_t *offsets, ptrdiff_t n, ptrdiff_t kernel, ptrdiff_t first, ptrdiff_t size,
                              ptrdiff_t pitch, ptrdiff_t windows, ptrdiff_t lanes) {
#define CASE(n, kernel) \
  NAME(pick_halves_rows)(out, places, out_pitch, rows, offsets, n, kernel, first, size, pitch, windows, lanes)
  if (n == 2 && kernel == 2) CASE(2, 2);
  else if (n == 3 && kernel == 3) CASE(3, 3);
  else if (kernel == 2) CASE(n, 2);
  else CASE(n, 3);
#undef CASE
}

#undef TAKE
#undef LANE
#undef POINT
#undef FROM
