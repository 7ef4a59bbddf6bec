/* Loading and storing: the only place that knows how arrays hold their numbers. Included with T, what is computed in,
 * S, what is stored, and NAME; n runs of `run` elements lie `stride` bytes apart in the array and densely in scratch.
 *
 * Defined by the file that includes this: WIDEN(to, from, n) and NARROW(to, from, n), both on dense elements. */
#ifndef WIDENED
#define WIDENED(to, from, n) for (ptrdiff_t k = 0; k < (n); k++) (to)[k] = (T)(from)[k]
/* The nearest integer, half to even, kept in range. */
#define ROUNDED_SMALL(to, from, n, least, most)                     \
  for (ptrdiff_t k = 0; k < (n); k++) {                             \
    const T v = (from)[k] > (T)(least) ? (from)[k] : (T)(least);    \
    const T w = v < (T)(most) ? v : (T)(most);                      \
    (to)[k] = (S)(int32_t)(w + (T)(WHOLE) - (T)(WHOLE));            \
  }
#define ROUNDED(to, from, n, least, most)                                                                       \
  for (ptrdiff_t k = 0; k < (n); k++) {                                                                         \
    const T v = RINT((from)[k]);                                                                                \
    (to)[k] = v > (T)(least) ? v < (T)(most) ? (S)v : (S)(most) : (S)(least);                                   \
  }
#define DEMOTED(to, from, n) for (ptrdiff_t k = 0; k < (n); k++) (to)[k] = (S)(from)[k]
#endif

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
#undef S
#undef NAME
