/* Windows of 2 or 3 lanes that move by 2, for one reduction and one type; included after fold.h.
 *
 * Even and odd lanes are taken within 16-byte lanes, combined, and only the result is put in order. A compiler moves each
 * of them across by itself, which costs twice the shuffles.
 *
 *     in:     | 0  1  2  3| 4  5  6  7|   | 8  9 10 11|12 13 14 15|
 *     even:   | 0  2  8 10| 4  6 12 14|
 *     odd:    | 1  3  9 11| 5  7 13 15|
 */
CPOOL_INLINE void NAME(halve_row)(T *restrict to, const T *restrict row, ptrdiff_t n, ptrdiff_t lanes, int how, T divisor APART) {
  ptrdiff_t o = 0;
#if defined(VECTOR) && ARRAYS == 1
  const ptrdiff_t width = sizeof(VECTOR) / sizeof(T);
  VECTOR low, high, m, odd;
  while (lanes >= width && o < lanes) {
    if (o + width > lanes) o = lanes - width;
    memcpy(&low, row + 2 * o, sizeof low);
    memcpy(&high, row + 2 * o + width, sizeof high);
    m = __builtin_shufflevector(low, high, EVEN);
    odd = __builtin_shufflevector(low, high, ODD);
    m = COMBINE_VECTORS(m, odd);
    if (n > 2) {
      memcpy(&low, row + 2 * o + 1, sizeof low); /* no further than the last tap */
      memcpy(&high, row + 2 * o + 1 + width, sizeof high);
      odd = __builtin_shufflevector(low, high, ODD);
      m = COMBINE_VECTORS(m, odd);
    }
    m = IN_ORDER(m);
    if (how == NAME(quotient)) m = m / divisor;
    if (how == NAME(product)) m = m * divisor;
    if (how != NAME(open)) {
      m = m + (T)0;
      m = SELECT(m == m, m, (VECTOR){0} + (T)NAN);
    }
    memcpy(to + o, &m, sizeof m);
    o += width;
  }
  if (lanes >= width) return;
#endif
  (void)how, (void)divisor;
  CPOOL_INDEPENDENT for (; o < lanes; o++) {
    STATE v = COMBINE(LOAD(row, 2 * o), LOAD(row, 2 * o + 1));
    if (n > 2) v = COMBINE(v, LOAD(row, 2 * o + 2));
    STORE(to, o, v);
  }
}

static void NAME(halve)(void *out, ptrdiff_t out_pitch, const void *in, ptrdiff_t n, ptrdiff_t pitch, ptrdiff_t rows,
                        ptrdiff_t lanes, const cpool_close *close) {
  T divisor;
  const int how = NAME(closing)(close, &divisor);
  const ptrdiff_t size = sizeof(T);
  if (pitch == 2 * lanes * size && out_pitch == lanes * size && n == 2) lanes *= rows, rows = 1;
  for (ptrdiff_t r = 0; r < rows; r++) {
    T *to = (T *)((char *)out + r * out_pitch);
    const T *row = (const T *)((const char *)in + r * pitch);
    if (n == 2 && how == NAME(open)) NAME(halve_row)(to, row, 2, lanes, NAME(open), 1 AS_APART(close->apart / size, close->apart / size));
    else if (how == NAME(open)) NAME(halve_row)(to, row, 3, lanes, NAME(open), 1 AS_APART(close->apart / size, close->apart / size));
#if FLOATS && ARRAYS == 1
    else if (how == NAME(quotient)) NAME(halve_row)(to, row, n, lanes, NAME(quotient), divisor);
    else if (how == NAME(product)) NAME(halve_row)(to, row, n, lanes, NAME(product), divisor);
    else if (n == 2) NAME(halve_row)(to, row, 2, lanes, NAME(whole), divisor);
    else NAME(halve_row)(to, row, 3, lanes, NAME(whole), divisor);
#endif
  }
}

/* A row into one number: lanes by pairs, pairs by pairs, ...; what is left over waits for the end. Rows longer than the
 * buffers are the first lanes, a power of two of them, and the others. */
enum { NAME(most_halved) = 512 };

static void NAME(shrink_row)(T *to, const T *row, ptrdiff_t n, int how, T divisor APART) {
  enum { half = NAME(most_halved) / 2, part = 2 * half };
  T halves[ARRAYS][2][half];
  STATE v, rest;
  int waits = 0, turn = 0;
  (void)how, (void)divisor;
  if (n > NAME(most_halved)) {
    ptrdiff_t first = NAME(most_halved);
    while (2 * first < n) first *= 2;
    NAME(shrink_row)(halves[0][0], row, first, NAME(open), 1 AS_APART(from, part));
    NAME(shrink_row)(halves[0][1], row + first, n - first, NAME(open), 1 AS_APART(from, part));
    v = COMBINE(STATE_OF(halves[0][0], part), STATE_OF(halves[0][1], part));
  } else {
    v = rest = LOAD(row, 0);
    while (n > 1) {
      if (n % 2) {
        const STATE last = LOAD(row, n - 1);
        rest = waits ? COMBINE(last, rest) : last;
        waits = 1;
      }
      n /= 2;
#if SELECTS /* in any order: no lane need move */
      const void *taps[2] = {row, row + n};
      NAME(first_pass)(halves[0][turn], taps, 2, 0, n);
#else
      NAME(halve_row)(halves[0][turn], row, 2, n, NAME(open), 1 AS_APART(from, part));
#endif
      row = halves[0][turn];
      v = STATE_OF(row, part);
      turn = 1 - turn;
      AGAIN_APART(from, part);
    }
    if (waits) v = COMBINE(v, rest);
  }
  STORE(to, 0, v);
}

static void NAME(shrink)(void *out, ptrdiff_t out_pitch, const void *in, ptrdiff_t n, ptrdiff_t pitch, ptrdiff_t rows,
                         const cpool_close *close) {
  T divisor;
  const int how = NAME(closing)(close, &divisor);
  for (ptrdiff_t r = 0; r < rows; r++)
    NAME(shrink_row)((T *)((char *)out + r * out_pitch), (const T *)((const char *)in + r * pitch), n, how,
                     divisor AS_APART(close->apart / (ptrdiff_t)sizeof(T), close->apart / (ptrdiff_t)sizeof(T)));
}
