/* Sums of rows of 2-byte floats as they lie, as float, in the order of tree(n): they are widened on the way to the
 * sum. Included with NAME; EIGHT(p), 8 of them as a vector, where there are vectors; and ONE(to, p), one as a float. */
#ifdef CPOOL_VECTORS
CPOOL_INLINE cpool_floats NAME(eight)(const void *const *taps, ptrdiff_t n, ptrdiff_t at, int how, float divisor) {
#define AT(t) EIGHT((const char *)taps[(t) < n ? (t) : 0] + at)
  cpool_floats m = AT(0);
  if (n > 1) m = m + AT(1);
  if (n == 3) m = m + AT(2);
  if (n > 3) m = m + (AT(2) + AT(3));
  if (n == 5) m = m + AT(4);
  if (n == 6) m = m + (AT(4) + AT(5));
  if (n == 7) m = m + ((AT(4) + AT(5)) + AT(6));
  if (n == 8) m = m + ((AT(4) + AT(5)) + (AT(6) + AT(7)));
#undef AT
  if (how == sum_open_FLOAT32) return m;
  if (how == sum_quotient_FLOAT32) m = m / divisor;
  if (how == sum_product_FLOAT32) m = m * divisor;
  m = m + 0.f;
  return (cpool_floats)(((cpool_words)m & (m == m)) | (0x7fc00000 & (m != m)));
}
#endif

CPOOL_INLINE void NAME(sum_rows)(char *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n, ptrdiff_t shift,
                                 ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes, int how, float divisor) {
  for (ptrdiff_t r = 0; r < rows; r++, out += out_pitch, shift += pitch) {
    float *to = (float *)out;
    ptrdiff_t i = 0;
#ifdef CPOOL_VECTORS
    while (lanes >= 8 && i < lanes) {
      if (i + 8 > lanes) i = lanes - 8;
      const cpool_floats m = NAME(eight)(taps, n, shift + i * 2, how, divisor);
      memcpy(to + i, &m, sizeof m);
      i += 8;
    }
#endif
    for (; i < lanes; i++) {
      float one[CPOOL_RADIX];
      const void *row[CPOOL_RADIX];
      for (ptrdiff_t t = 0; t < n; t++) {
        ONE(one + t, (const uint16_t *)((const char *)taps[t] + shift) + i);
        row[t] = one + t;
      }
      sum_pass_FLOAT32(to + i, 0, row, n, 0, 0, 1, 1, how, divisor);
    }
  }
}

static CPOOL_NOINLINE void NAME(pass)(void *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n,
                                      ptrdiff_t shift, ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes, int how,
                                      float divisor) {
#define CASE(N) \
  case N: NAME(sum_rows)((char *)out, out_pitch, taps, N, shift, pitch, rows, lanes, how, divisor); break
  switch (n) { CASE(1); CASE(2); CASE(3); CASE(4); CASE(5); CASE(6); CASE(7); CASE(8); }
#undef CASE
}

/* Up to HALVES_STRIP lanes of one row: of more taps than one pass takes blocks of the largest power of the radix, then
 * what is left, as `tree` of fold.h. 17 KiB of the stack for each power. */
#define HALVES_STRIP 512
static void NAME(tree)(float *out, const void *const *taps, ptrdiff_t n, ptrdiff_t shift, ptrdiff_t lanes, int how,
                       float divisor) {
  float sums[CPOOL_RADIX][HALVES_STRIP + 16];
  const void *partial[CPOOL_RADIX];
  ptrdiff_t block = 1, held = 0;
  if (n <= CPOOL_RADIX) {
    NAME(pass)(out, 0, taps, n, shift, 0, 1, lanes, how, divisor);
    return;
  }
  while (block * CPOOL_RADIX < n) block *= CPOOL_RADIX;
  for (ptrdiff_t t = 0; t < n; t += block, held++) {
    NAME(tree)(sums[held], taps + t, n - t < block ? n - t : block, shift, lanes, sum_open_FLOAT32, 1);
    partial[held] = sums[held];
  }
  sum_step_FLOAT32(out, 0, partial, held, 0, 0, 1, lanes, how, divisor);
}

static void NAME(widen)(void *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n, ptrdiff_t pitch,
                        ptrdiff_t rows, ptrdiff_t lanes, int pairs, const cpool_close *close) {
  float divisor;
  const int how = sum_closing_FLOAT32(close, &divisor);
  (void)pairs;
  if (pitch == lanes * 2 && out_pitch == lanes * 4) lanes *= rows, rows = 1; /* one long row */
  if (n <= CPOOL_RADIX) {
    NAME(pass)(out, out_pitch, taps, n, 0, pitch, rows, lanes, how, divisor);
    return;
  }
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t i = 0; i < lanes; i += HALVES_STRIP)
      NAME(tree)((float *)((char *)out + r * out_pitch) + i, taps, n, r * pitch + i * 2,
                 lanes - i < HALVES_STRIP ? lanes - i : HALVES_STRIP, how, divisor);
}
#undef HALVES_STRIP
#undef NAME
#undef EIGHT
#undef ONE
