/* Sums of up to 64 rows of 2-byte floats as they lie, as float, in the order of tree(n): they are widened on the way to the
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
      for (ptrdiff_t t = 0; t < n; t++) ONE(one + t, (const uint16_t *)((const char *)taps[t] + shift) + i), row[t] = one + t;
      sum_pass_FLOAT32(to + i, 0, row, n, 0, 0, 1, 1, how, divisor);
    }
  }
}

static CPOOL_NOINLINE void NAME(pass)(void *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n, ptrdiff_t shift,
                                      ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes, int how, float divisor) {
#define CASE(N) \
  case N: NAME(sum_rows)((char *)out, out_pitch, taps, N, shift, pitch, rows, lanes, how, divisor); break
  switch (n) { CASE(1); CASE(2); CASE(3); CASE(4); CASE(5); CASE(6); CASE(7); CASE(8); }
#undef CASE
}

static void NAME(widen)(void *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n, ptrdiff_t pitch, ptrdiff_t rows,
                        ptrdiff_t lanes, int pairs, const cpool_close *close) {
  enum { strip = 512 }; /* lanes whose sums of eight rows stay in the first cache */
  float divisor, sums[CPOOL_RADIX][strip + 16];
  const void *inner[CPOOL_RADIX];
  const int how = sum_closing_FLOAT32(close, &divisor);
  (void)pairs;
  if (pitch == lanes * 2 && out_pitch == lanes * 4) lanes *= rows, rows = 1; /* one long row */
  if (n <= CPOOL_RADIX) {
    NAME(pass)(out, out_pitch, taps, n, 0, pitch, rows, lanes, how, divisor);
    return;
  }
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t i = 0; i < lanes; i += strip) {
      const ptrdiff_t some = lanes - i < strip ? lanes - i : strip;
      ptrdiff_t held = 0;
      for (ptrdiff_t t = 0; t < n; t += CPOOL_RADIX, held++) {
        NAME(pass)(sums[held], 0, taps + t, n - t < CPOOL_RADIX ? n - t : CPOOL_RADIX, r * pitch + i * 2, 0, 1, some,
                   sum_open_FLOAT32, 1);
        inner[held] = sums[held];
      }
      sum_step_FLOAT32((float *)((char *)out + r * out_pitch) + i, 0, inner, held, 0, 0, 1, some, how, divisor);
    }
}
#undef NAME
#undef EIGHT
#undef ONE
