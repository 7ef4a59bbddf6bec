/* Loading and storing: the only place that knows how arrays hold their numbers. Included with T, what is computed in,
 * S, what is stored, and NAME; n runs of `run` elements lie `stride` bytes apart in the array and densely in scratch.
 *
 * Defined by the file that includes this: WIDEN(to, from, n) and NARROW(to, from, n), both on dense elements. */
static void NAME(load)(void *out, const char *in, ptrdiff_t stride, ptrdiff_t n, ptrdiff_t run) {
  T *restrict to = (T *)out;
  if (n == 1 || stride == run * (ptrdiff_t)sizeof(S)) {
    const S *restrict from = (const S *)in;
    WIDEN(to, from, n * run);
  } else if (run == 1) {
    for (ptrdiff_t i = 0; i < n; i++) {
      const S *from = (const S *)(in + i * stride);
      WIDEN(to + i, from, 1);
    }
  } else {
    for (ptrdiff_t i = 0; i < n; i++) {
      const S *restrict from = (const S *)(in + i * stride);
      WIDEN(to + i * run, from, run);
    }
  }
}

static void NAME(store)(char *out, ptrdiff_t stride, const void *in, ptrdiff_t n, ptrdiff_t run) {
  const T *restrict from = (const T *)in;
  if (n == 1 || stride == run * (ptrdiff_t)sizeof(S)) {
    S *restrict to = (S *)out;
    NARROW(to, from, n * run);
  } else if (run == 1) {
    for (ptrdiff_t i = 0; i < n; i++) {
      S *to = (S *)(out + i * stride);
      NARROW(to, from + i, 1);
    }
  } else {
    for (ptrdiff_t i = 0; i < n; i++) {
      S *restrict to = (S *)(out + i * stride);
      NARROW(to, from + i * run, run);
    }
  }
}
#undef WIDEN
#undef NARROW
