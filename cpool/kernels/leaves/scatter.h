/* Adding along indices, or with `assign` letting the last one stand, bit for bit, for one type of number and one of
 * index. Included with F, I and NAME, and ALONE: then F is the bits of a float of two bytes, which cannot be added, and
 * a place has at most one that is not 0. (Its sum is that number; the sign of zeros is the highest bit.)
 *
 * n runs of numbers, g_stride bytes apart, and of indices; index x of element i of a run means flat[x * run + i].
 * Returned is whether a gradient was no finite number, CPOOL_ODD: only then can a sum be NaN, which is to be settled in
 * the end; and whether two numbers met that should have been alone, CPOOL_CROWDED. Sums begin at +0, so that no zero is
 * -0. */
#if ALONE
#define IS_ODD(v) (((v) & 0x7c00) == 0x7c00) /* of bfloat16 some large numbers too */
#define ADD(place, number)                                                      \
  do {                                                                          \
    const F held = (place), given = (number), one = given & 0x7fff ? given : 0; \
    met |= (held != 0) & (one != 0) & !assign;                                  \
    (place) = assign ? given : held | one;                                      \
  } while (0)
#else
#define IS_ODD(v) (!((v) - (v) == 0))
#define ADD(place, number) (place) = assign ? (number) : (place) + (number)
#endif
/* What functions return that compare indices as they add: 0 if one is outside the plane, or INSIDE, and with it
 * CPOOL_CROWDED. (The leaf itself returns -1 for 0, and nothing or CPOOL_ODD for INSIDE.) */
#define INSIDE 1
#define FOUND (INSIDE | (met ? CPOOL_CROWDED : 0))

CPOOL_INLINE int NAME(is_odd)(const F *g, ptrdiff_t n) {
  int odd = 0;
  for (ptrdiff_t i = 0; i < n; i++) odd |= IS_ODD(g[i]);
  return odd;
}

/* Those whose index is in [lo, hi); flat begins at lo. */
static int NAME(scatter)(void *plane, const void *g, ptrdiff_t g_stride, const void *index, ptrdiff_t stride,
                         ptrdiff_t n, ptrdiff_t run, int64_t lo, int64_t hi, int assign) {
  F *flat = (F *)plane, elsewhere[8]; /* where the others go, so that no jump is to be foreseen */
  int odd = 0, met = 0;
  for (ptrdiff_t o = 0; o < n; o++) {
    const F *v = (const F *)((const char *)g + o * g_stride);
    const I *at = (const I *)((const char *)index + o * stride);
    for (ptrdiff_t i = 0; i < run; i++) {
      const uint64_t x = (uint64_t)(at[i] - lo);
      const int inside = x < (uint64_t)(hi - lo);
      const uintptr_t here = (uintptr_t)flat + (x * (uint64_t)run + (uint64_t)i) * sizeof(F), mask = -(uintptr_t)inside;
      F *to = (F *)((here & mask) | ((uintptr_t)(elsewhere + i % 8) & ~mask));
      elsewhere[i % 8] = 0;
      ADD(*to, v[i]);
      odd |= inside & IS_ODD(v[i]);
    }
  }
  return (odd && !assign ? CPOOL_ODD : 0) | (met ? CPOOL_CROWDED : 0);
}

/* Zero `lanes` elements of each run up to index x, and of some more; false if it is outside the plane. */
static CPOOL_NOINLINE int NAME(clear)(F *flat, ptrdiff_t run, ptrdiff_t lanes, uint64_t x, uint64_t *cleared,
                                      uint64_t limit) {
  const uint64_t ahead = 16384 / sizeof(F) / (uint64_t)lanes + 1; /* so much stays in the first cache */
  const uint64_t to = limit - x > ahead ? x + ahead : limit;
  if (x >= limit) return 0;
  if (lanes == run) { /* runs that are cleared lie end to end */
    memset(flat + *cleared * (uint64_t)run, 0, (to - *cleared) * (uint64_t)run * sizeof(F));
    *cleared = to;
  }
  for (; *cleared < to; ++*cleared) memset(flat + *cleared * (uint64_t)run, 0, (uint64_t)lanes * sizeof(F));
  return 1;
}

/* The first `lanes` elements of one run. All indices are compared at once; if one is not below `done`, one by one. */
CPOOL_INLINE int NAME(add_run)(F *flat, const F *v, const I *at, ptrdiff_t run, ptrdiff_t lanes, uint64_t *done,
                               uint64_t limit, int assign) {
  int beyond = 0, met = 0;
  for (ptrdiff_t i = 0; i < lanes; i++) beyond |= (uint64_t)at[i] >= *done;
  for (ptrdiff_t i = 0; beyond && i < lanes; i++)
    if ((uint64_t)at[i] >= *done && !NAME(clear)(flat, run, lanes, (uint64_t)at[i], done, limit)) return 0;
  ptrdiff_t i = 0;
  for (; i + 4 <= lanes; i += 4) {
    F *to = flat + i;
    ADD(to[(ptrdiff_t)at[i] * run], v[i]);
    ADD(to[(ptrdiff_t)at[i + 1] * run + 1], v[i + 1]);
    ADD(to[(ptrdiff_t)at[i + 2] * run + 2], v[i + 2]);
    ADD(to[(ptrdiff_t)at[i + 3] * run + 3], v[i + 3]);
  }
  for (; i < lanes; i++) ADD(flat[(ptrdiff_t)at[i] * run + i], v[i]);
  return FOUND;
}

/* A row whose n runs lie end to end: lane k is number k % run of its run. */
CPOOL_INLINE int NAME(add_dense)(F *flat, const F *v, const I *at, ptrdiff_t n, ptrdiff_t run, uint64_t *cleared,
                                 uint64_t limit, int assign) {
  uint64_t done = *cleared;
  ptrdiff_t i = 0;
  int met = 0;
  for (ptrdiff_t k = 0; k < n * run; k++) {
    const uint64_t x = (uint64_t)at[k];
    if (x >= done && !NAME(clear)(flat, run, run, x, &done, limit)) return 0;
    ADD(flat[x * (uint64_t)run + (uint64_t)i], v[k]);
    i = i + 1 < run ? i + 1 : 0;
  }
  *cleared = done;
  return FOUND;
}

#if !ALONE
/* The same of single elements, which are added. Where windows overlap much, one element wins many that follow one
 * another: its sum then stays in a register, instead of being stored and loaded for each. The first `sample` of a block
 * tell whether that is so of three in four; else it would be guessed wrongly too often where the next one begins. */
static int NAME(add_elements)(F *flat, const F *v, const I *at, ptrdiff_t n, uint64_t *cleared, uint64_t limit) {
  enum { block = 256, sample = 16 };
  for (ptrdiff_t first = 0; first < n; first += block) {
    const ptrdiff_t last = n - first < block ? n : first + block;
    I others = sample;
    if (last - first > 4 * sample)
      for (int k = 1; k <= sample; k++) others -= at[first + k] == at[first + k - 1];
    if (4 * others >= sample) {
      if (!NAME(add_dense)(flat, v + first, at + first, last - first, 1, cleared, limit, 0)) return 0;
      continue;
    }
    for (ptrdiff_t k = first; k < last;) {
      const uint64_t x = (uint64_t)at[k];
      if (x >= *cleared && !NAME(clear)(flat, 1, 1, x, cleared, limit)) return 0;
      F sum = flat[x];
      for (; k < last && (uint64_t)at[k] == x; k++) sum += v[k];
      flat[x] = sum;
    }
  }
  return INSIDE;
}
#endif

/* Rows of a few single elements, end to end, each into a plane of its own that is zero. */
CPOOL_INLINE int NAME(add_short_rows)(char *planes, ptrdiff_t plane_pitch, const F *v, const char *index,
                                      ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t n, uint64_t limit, int assign) {
  int met = 0;
  for (ptrdiff_t r = 0; r < rows; r++, planes += plane_pitch, index += pitch, v += n)
    for (ptrdiff_t k = 0; k < n; k++) {
      const uint64_t x = (uint64_t)((const I *)index)[k];
      if (x >= limit) return 0;
      ADD(((F *)planes)[x], v[k]);
    }
  return FOUND;
}

/* All of `rows` rows, each into a plane of its own, of each run the first `lanes` elements. What lies before `cleared`
 * is zero or has been added to; from there on elements are zeroed shortly before they are added to. So one comparison
 * tells both what is to be zeroed and, for a negative index is a large number, what is outside the plane: then -1 is
 * returned. */
CPOOL_INLINE int NAME(add_rows)(void *planes, ptrdiff_t plane_pitch, const void *g, ptrdiff_t g_pitch,
                                ptrdiff_t g_stride, const void *index, ptrdiff_t pitch, ptrdiff_t stride,
                                ptrdiff_t rows, ptrdiff_t n, ptrdiff_t run, ptrdiff_t lanes, int64_t *cleared,
                                int64_t limit, int assign) {
  const int dense = lanes == run && g_stride == run * (ptrdiff_t)sizeof(F) && stride == run * (ptrdiff_t)sizeof(I);
  const ptrdiff_t some = run < 2048 ? 2048 / run : 1; /* runs that stay in the first cache between two looks at them */
  const int at_once = dense && n <= some && g_pitch == n * g_stride; /* rows are short, and lie end to end */
  uint64_t done = (uint64_t)*cleared;
  int odd = !assign && at_once && NAME(is_odd)((const F *)g, rows * n * run), found;
  if (at_once && run == 1 && n <= 64 && done == (uint64_t)limit) {
    found = NAME(add_short_rows)(planes, plane_pitch, g, index, pitch, rows, n, done, assign);
    return found ? odd | (found & CPOOL_CROWDED) : -1;
  }
  for (ptrdiff_t r = 0; r < rows; r++) {
    F *flat = (F *)((char *)planes + r * plane_pitch);
    const char *v = (const char *)g + r * g_pitch, *at = (const char *)index + r * pitch;
    for (ptrdiff_t o = 0, m; dense && o < n; o += m) {
      const F *from = (const F *)v + o * run;
      const I *places = (const I *)at + o * run;
      m = n - o < some ? n - o : some;
      if (!assign && !at_once) odd |= NAME(is_odd)(from, m * run);
      if (run >= 8) {
        found = INSIDE;
        for (ptrdiff_t k = 0; found == INSIDE && k < m; k++)
          found = NAME(add_run)(flat, from + k * run, places + k * run, run, run, &done, (uint64_t)limit, assign);
      }
#if !ALONE
      else if (run == 1 && !assign)
        found = NAME(add_elements)(flat, from, places, m, &done, (uint64_t)limit);
#endif
      else found = NAME(add_dense)(flat, from, places, m, run, &done, (uint64_t)limit, assign);
      if (found != INSIDE) return found ? odd | CPOOL_CROWDED : -1;
    }
    for (ptrdiff_t o = 0; !dense && o < n; o++) {
      const F *from = (const F *)(v + o * g_stride);
      const I *places = (const I *)(at + o * stride);
      if (!assign) odd |= NAME(is_odd)(from, lanes);
      found = NAME(add_run)(flat, from, places, run, lanes, &done, (uint64_t)limit, assign);
      if (found != INSIDE) return found ? odd | CPOOL_CROWDED : -1;
    }
  }
  *cleared = (int64_t)done;
  return odd;
}
static int NAME(add)(void *planes, ptrdiff_t plane_pitch, const void *g, ptrdiff_t g_pitch, ptrdiff_t g_stride,
                     const void *index, ptrdiff_t pitch, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n, ptrdiff_t run,
                     ptrdiff_t lanes, int64_t *cleared, int64_t limit, int assign) {
#define ALL(assign)                                                                                                    \
  NAME(add_rows)(planes, plane_pitch, g, g_pitch, g_stride, index, pitch, stride, rows, n, run, lanes, cleared, limit, \
                 assign)
  return assign ? ALL(1) : ALL(0);
#undef ALL
}
#undef INSIDE
#undef FOUND
#undef IS_ODD
#undef ADD
#undef NAME
#undef F
#undef I
