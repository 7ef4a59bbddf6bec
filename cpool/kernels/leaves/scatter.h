/* Adding along indices, for one type of number and one of index. Included with F, I and NAME.
 *
 * n runs of numbers, g_stride bytes apart, and of indices; index x of element i of a run means flat[x * run + i]. */

/* One zero and one NaN, as everywhere. */
CPOOL_INLINE F NAME(settled)(F v) { return v == v ? v + (F)0 : (F)NAN; }

/* Those whose index is in [lo, hi); flat begins at lo. With `assign` the last one stands. */
static void NAME(scatter)(void *plane, const void *g, ptrdiff_t g_stride, const void *index, ptrdiff_t stride, ptrdiff_t n,
                          ptrdiff_t run, int64_t lo, int64_t hi, int assign) {
  F *flat = (F *)plane;
  for (ptrdiff_t o = 0; o < n; o++) {
    const F *v = (const F *)((const char *)g + o * g_stride);
    const I *at = (const I *)((const char *)index + o * stride);
    for (ptrdiff_t i = 0; i < run; i++) {
      const int64_t x = at[i];
      if (lo <= x && x < hi) flat[(x - lo) * run + i] = assign ? v[i] : NAME(settled)(flat[(x - lo) * run + i] + v[i]);
    }
  }
}

/* All of several small planes in turns, so that a gradient with the winner of the one before it, which must wait for
 * that, holds up no other plane. 0 if an index is outside the plane: it was not used. */
CPOOL_INLINE int NAME(add_turns)(F *const *flat, const F *const *g, const I *const *at, int planes, ptrdiff_t n,
                                 ptrdiff_t elements) {
  for (ptrdiff_t o = 0; o < n; o++)
    for (int p = 0; p < planes; p++) {
      const I x = at[p][o];
      if ((uint64_t)x >= (uint64_t)elements) return 0;
      flat[p][x] = NAME(settled)(flat[p][x] + g[p][o]);
    }
  return 1;
}

static int NAME(add)(void *const *flat, const void *const *g, const void *const *at, int planes, ptrdiff_t n,
                     ptrdiff_t elements) {
  F *const *f = (F *const *)flat;
  const F *const *v = (const F *const *)g;
  const I *const *x = (const I *const *)at;
  return planes == 4 ? NAME(add_turns)(f, v, x, 4, n, elements) : NAME(add_turns)(f, v, x, 1, n, elements);
}
#undef NAME
#undef F
#undef I
