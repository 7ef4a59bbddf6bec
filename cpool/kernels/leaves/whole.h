/* Averages of small integers that are such integers again, exactly. Included with S, what arrays hold; T, of twice its
 * bytes, what sums are kept in; NAME. The largest sum that is divided by d is d times the largest S; larger ones give
 * the largest S. */
#define BITS (8 * (int)sizeof(T))
#define LARGEST ((T)(S)-1)

static void NAME(widen)(void *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n, ptrdiff_t pitch,
                        ptrdiff_t rows, ptrdiff_t lanes, int pairs, const cpool_close *close) {
  const ptrdiff_t size = sizeof(S);
  (void)close;
  if (pitch == (1 + pairs) * lanes * size && out_pitch == 2 * lanes * size) lanes *= rows, rows = 1; /* one long row */
  for (ptrdiff_t r = 0; r < rows; r++) {
    T *to = (T *)((char *)out + r * out_pitch);
    ptrdiff_t i = 0;
#define ROW(t) ((const S *)((const char *)taps[t] + r * pitch))
#ifdef CPOOL_VECTORS
    typedef S stored __attribute__((vector_size(16)));
    typedef T sums __attribute__((vector_size(32)));
    const ptrdiff_t some = sizeof(sums) / sizeof(T);
    while (lanes >= 2 * some && i < lanes) {
      sums low = {0}, high = {0}, both;
      stored half;
      if (i + 2 * some > lanes) i = lanes - 2 * some;
      for (ptrdiff_t t = 0; t < n && pairs; t++) {
        memcpy(&both, ROW(t) + 2 * i, sizeof both);
        low += (both & LARGEST) + (both >> (BITS / 2));
        __builtin_prefetch((const char *)(ROW(t) + 2 * i) + pitch);
        memcpy(&both, ROW(t) + 2 * (i + some), sizeof both);
        high += (both & LARGEST) + (both >> (BITS / 2));
      }
      for (ptrdiff_t t = 0; t < n && !pairs; t++) {
        memcpy(&half, ROW(t) + i, sizeof half);
        low += __builtin_convertvector(half, sums);
        __builtin_prefetch((const char *)(ROW(t) + i) + pitch);
        memcpy(&half, ROW(t) + i + some, sizeof half);
        high += __builtin_convertvector(half, sums);
      }
      memcpy(to + i, &low, sizeof low);
      memcpy(to + i + some, &high, sizeof high);
      i += 2 * some;
    }
#endif
    for (; i < lanes; i++) {
      CPOOL_SINGLY;
      to[i] = 0;
      for (ptrdiff_t t = 0; t < n; t++)
        to[i] = (T)(to[i] + (pairs ? (T)((T)ROW(t)[2 * i] + ROW(t)[2 * i + 1]) : (T)ROW(t)[i]));
    }
#undef ROW
  }
}

/* Sums of 2 bytes by a product, of which the high half counts (Granlund and Montgomery 1994), so that lanes stay as
 * wide as they are: a quotient that lies in the middle is rounded up first. Sums of 4 bytes, which vectors do not
 * multiply so, are doubles that are divided: their quotients are as far from the middle as they were, or in it. By
 * powers of two both are shifted, to even at once. */
static void NAME(round)(void *sums, ptrdiff_t divisor, ptrdiff_t lanes) {
  const T *x = (const T *)sums;
  char *to = (char *)sums; /* no sum is written over before it was read */
  int by = 0;
  while ((ptrdiff_t)1 << by < divisor) by++;
  const T most = (T)(LARGEST * (uint64_t)divisor), middle = (T)(divisor / 2), below = (T)(middle - 1);
#ifdef PRODUCTS
  const T d = (T)divisor, ties = divisor % 2 == 0, inverse = (T)(((ptrdiff_t)1 << BITS) / divisor);
  const T factor = (T)(((((ptrdiff_t)1 << by) - divisor) << BITS) / divisor + 1);
#define HIGH(a, b) (T)(((uint32_t)(a) * (b)) >> BITS)
#define SHIFTED(v) HIGH(v, inverse)
/* `up` is w / d, rounded down, w being v + d/2: a half is rounded up. Where up * d is w, v / d lies in the middle of
 * up - 1 and `up`, and becomes the even one. */
#define BY_ANY(v)                                                                   \
  const T w = (T)(v + middle), high = HIGH(w, factor);                              \
  const T up = (T)((T)(high + (T)((T)(w - high) >> 1)) >> (by - 1));                \
  const T q = (T)(up - (((T)(up * d) == w) & up & ties))
#else
  const double d = (double)divisor, whole = 6755399441055744; /* doubles from here on have no fractions */
#define SHIFTED(v) ((v) >> by)
#define BY_ANY(v) const T q = (T)(int32_t)((double)(int32_t)v / d + whole - whole)
#endif
#define BY_ONE(v) const T q = v
#define BY_POWER(v) const T w = (T)(v + (T)(below + (SHIFTED(v) & 1))), q = SHIFTED(w)
#define EACH_LANE(QUOTIENT)                                  \
  CPOOL_INDEPENDENT for (ptrdiff_t i = 0; i < lanes; i++) {  \
    const T v = x[i] < most ? x[i] : most;                   \
    QUOTIENT(v);                                             \
    const S narrow = (S)q;                                   \
    memcpy(to + i * (ptrdiff_t)sizeof narrow, &narrow, sizeof narrow); \
  }
  if (by == 0) EACH_LANE(BY_ONE)
  else if ((ptrdiff_t)1 << by == divisor) EACH_LANE(BY_POWER)
  else EACH_LANE(BY_ANY)
}
#undef SHIFTED
#undef BY_ANY
#undef BITS
#undef S
#undef T
#undef NAME
#undef PRODUCTS
