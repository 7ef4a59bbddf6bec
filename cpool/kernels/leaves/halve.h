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
