/* Floats, with one number in place of those that a mask leaves out. Included with T, its WIDTH, and OF. */

/* Of n numbers, `step` bytes of `where` apart; return whether NaN is among those that count. `from` may be `to`. */
static int OF(blank_row)(T *to, const T *from, const uint8_t *where, ptrdiff_t step, ptrdiff_t n, T v) {
  enum { laid = 256 };
  PLACE found = 0;
  ptrdiff_t i = 0;
  if (step != 1) { /* bytes that lie apart are laid side by side first */
    for (uint8_t side[laid]; i < n; i += laid) {
      const ptrdiff_t few = n - i < laid ? n - i : laid;
      for (ptrdiff_t j = 0; j < few; j++) side[j] = where[(i + j) * step];
      found |= OF(blank_row)(to + i, from + i, side, 1, few, v);
    }
    return found != 0;
  }
#ifdef WHOLE /* AVX-512: a mask of bits takes a third of the instructions */
  enum { width = 64 / sizeof(T) };
  unsigned nan = 0;
  for (; i < n; i += width) {
    const unsigned some = n - i < width ? (1u << (n - i)) - 1 : (1u << width) - 1;
    const __m128i side = _mm_maskz_loadu_epi8((__mmask16)some, where + i);
    const unsigned counts = _mm_test_epi8_mask(side, side);
    const __typeof__(WHOLE(setzero)()) x = WHOLE(maskz_loadu)(some, from + i);
    CPOOL_PREFETCH((const char *)(from + i) + 2048); /* large planes: a quarter of the time */
    CPOOL_PREFETCH(where + i + 1024);
    nan |= WHOLE_COMPARED(counts, x, x, _CMP_UNORD_Q);
    WHOLE(mask_storeu)(to + i, some, WHOLE(mask_blend)(counts, WHOLE(set1)(v), x));
  }
  found = nan != 0;
#else
#if defined(VECTOR) && defined(BYTES)
  enum { width = sizeof(VECTOR) / sizeof(T) };
  VECTOR any = {0}, blank;
  for (int j = 0; j < (int)width; j++) blank[j] = v;
  for (; i + width <= n; i += width) {
    VECTOR x;
    memcpy(&x, from + i, sizeof x);
    CPOOL_PREFETCH((const char *)(from + i) + 2048); /* large planes: a quarter of the time */
    CPOOL_PREFETCH(where + i + 1024);
    const VECTOR counts = (VECTOR)(BYTES(where + i) != 0), counted = SELECT(counts, x, (VECTOR){0});
    any = SELECT(counted != counted, counted, any);
    x = SELECT(counts, x, blank);
    memcpy(to + i, &x, sizeof x);
  }
  for (int j = 0; j < (int)width; j++) found |= any[j] != any[j];
#endif
  CPOOL_INDEPENDENT for (; i < n; i++) {
    const T x = from[i], counted = where[i] ? x : 0; /* read in any case, so that there is no jump */
    to[i] = where[i] ? x : v;
    found |= counted != counted;
  }
#endif
  return found != 0;
}

static int OF(blank)(void *out, const void *in, int32_t *counts, const uint8_t *where, ptrdiff_t stride, ptrdiff_t n,
                     ptrdiff_t run, const void *value) {
  T v;
  int found = 0;
  (void)counts;
  memcpy(&v, value, sizeof v);
  if (stride == run || run == 1)
    return OF(blank_row)((T *)out, (const T *)in, where, run == 1 ? stride : 1, n * run, v);
  for (ptrdiff_t o = 0; o < n; o++, where += stride)
    found |= OF(blank_row)((T *)out + o * run, (const T *)in + o * run, where, 1, run, v);
  return found;
}

