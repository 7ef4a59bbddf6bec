/* Adding along indices, for one type of number and one of index. Included with F, I and NAME.
 *
 * n runs of numbers, g_stride bytes apart, and of indices; index x of element i of a run means flat[x * run + i]. */

/* Sums of gradients begin at +0, so that no zero is -0; and a NaN comes only where a gradient was no finite number. Then,
 * and only then, all that was written is looked at again. */
CPOOL_INLINE int NAME(is_odd)(const F *g, ptrdiff_t n) {
  int odd = 0;
  for (ptrdiff_t i = 0; i < n; i++) odd |= !(g[i] - g[i] == 0);
  return odd;
}

static CPOOL_NOINLINE void NAME(settle)(F *flat, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) flat[i] = flat[i] == flat[i] ? flat[i] : (F)NAN;
}

/* Those whose index is in [lo, hi); flat begins at lo. With `assign` the last one stands, bit for bit. */
static void NAME(scatter)(void *plane, const void *g, ptrdiff_t g_stride, const void *index, ptrdiff_t stride, ptrdiff_t n,
                          ptrdiff_t run, int64_t lo, int64_t hi, int assign) {
  F *flat = (F *)plane;
  int odd = 0;
  for (ptrdiff_t o = 0; o < n; o++) {
    const F *v = (const F *)((const char *)g + o * g_stride);
    const I *at = (const I *)((const char *)index + o * stride);
    for (ptrdiff_t i = 0; i < run; i++) {
      const int64_t x = at[i];
      if (x < lo || x >= hi) continue;
      flat[(x - lo) * run + i] = assign ? v[i] : flat[(x - lo) * run + i] + v[i];
      odd |= !(v[i] - v[i] == 0);
    }
  }
  if (odd && !assign) NAME(settle)(flat, (ptrdiff_t)(hi - lo) * run);
}

/* All of whole planes, each of one row of n runs; those of several small planes in turns, so that a gradient with the
 * winner of the one before it, which must wait for that, holds up no other plane. 0 if an index is outside the plane: it
 * was not used. */
CPOOL_INLINE int NAME(add_turns)(F *const *flat, const F *const *g, ptrdiff_t g_stride, const I *const *at, ptrdiff_t stride,
                                 int planes, ptrdiff_t n, ptrdiff_t run, ptrdiff_t elements, int strided) {
  int odd = 0;
  for (int p = 0; p < planes; p++)
    for (ptrdiff_t o = 0; o < (strided ? n : 1); o++)
      odd |= NAME(is_odd)((const F *)((const char *)g[p] + o * g_stride), strided ? run : n);
  for (ptrdiff_t o = 0; o < n; o++)
    for (int p = 0; p < planes; p++) {
      const F *v = strided ? (const F *)((const char *)g[p] + o * g_stride) : g[p] + o;
      const I *x = strided ? (const I *)((const char *)at[p] + o * stride) : at[p] + o;
      for (ptrdiff_t i = 0; i < (strided ? run : 1); i++) {
        if ((uint64_t)x[i] >= (uint64_t)elements) return 0;
        flat[p][x[i] * (strided ? run : 1) + i] += v[i];
      }
    }
  for (int p = 0; odd && p < planes; p++) NAME(settle)(flat[p], elements * run);
  return 1;
}

static int NAME(add)(void *const *flat, const void *const *g, ptrdiff_t g_stride, const void *const *at, ptrdiff_t stride,
                     int planes, ptrdiff_t n, ptrdiff_t run, ptrdiff_t elements) {
  F *const *f = (F *const *)flat;
  const F *const *v = (const F *const *)g;
  const I *const *x = (const I *const *)at;
  if (run > 1 || (n > 1 && (g_stride != sizeof(F) || stride != sizeof(I))))
    return NAME(add_turns)(f, v, g_stride, x, stride, 1, n, run, elements, 1);
  return planes == 4 ? NAME(add_turns)(f, v, 0, x, 0, 4, n, 1, elements, 0)
                     : NAME(add_turns)(f, v, 0, x, 0, 1, n, 1, elements, 0);
}
#undef NAME
#undef F
#undef I
