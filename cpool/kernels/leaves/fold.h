/* Fold for one reduction and one type. Defined by the file that includes this: T, NAME(leaf), COMBINE(m, v), where m
 * came first, and SELECTS (an element is selected) or not (a sum). FLOATS: the type has NaN and two zeros.
 *
 * Where a lane is more than one number (ARRAYS of them, in a STATE), these lie in arrays of their own: `from` elements
 * apart of taps, `into` elements apart of results. What becomes of them in the end is not done here. Taps that are 0
 * apart are elements, of which states are made here. */
#if ARRAYS > 1
#define LOAD(p, k) STATE_AT((p) + (k), from)
#define STORE(p, k, v) STATE_TO((p) + (k), into, v)
#define APART , ptrdiff_t from, ptrdiff_t into
#define AS_APART(from, into) , from, into
#define AGAIN_APART(from, apart) (from) = (apart)
#define LAST_APART(into) (void)(into)
#else
#define STATE T
#define LOAD(p, k) (p)[k]
#define STORE(p, k, v) (p)[k] = NAME(closed)(v, how, divisor)
#define APART
#define AS_APART(from, into)
#define AGAIN_APART(from, apart) ((void)0)
#define LAST_APART(into) ((void)0)
#endif

/* What is done to a lane's last result. An element that was selected is told apart from its equals by nobody: which of
 * two zeros, or which NaN, would depend on the order in which a window is folded. */
enum { NAME(open), NAME(undivided), NAME(quotient), NAME(product) };

CPOOL_INLINE T NAME(closed)(T v, int how, T divisor) {
#if FLOATS
  if (how == NAME(open)) return v;
  if (how == NAME(quotient)) v = v / divisor;
  if (how == NAME(product)) v = v * divisor;
  v = v + (T)0;
  return v == v ? v : (T)NAN;
#else
  (void)how, (void)divisor;
  return v;
#endif
}

#if defined(VECTOR) && ARRAYS == 1
CPOOL_INLINE VECTOR NAME(closed_vector)(VECTOR m, int how, T divisor) {
#if FLOATS
  if (how == NAME(open)) return m;
  if (how == NAME(quotient)) m = m / divisor;
  if (how == NAME(product)) m = m * divisor;
  m = m + (T)0;
  return SELECT(m == m, m, (VECTOR){0} + (T)NAN);
#else
  (void)how, (void)divisor;
  return m;
#endif
}
#endif

/* A tree over the taps of one lane, or of a vector of lanes. */
#define TREE_1(AT, O) AT(0)
#define TREE_2(AT, O) O(AT(0), AT(1))
#define TREE_3(AT, O) O(TREE_2(AT, O), AT(2))
#define TREE_4(AT, O) O(TREE_2(AT, O), O(AT(2), AT(3)))
#define TREE_5(AT, O) O(TREE_4(AT, O), AT(4))
#define TREE_6(AT, O) O(TREE_4(AT, O), O(AT(4), AT(5)))
#define TREE_7(AT, O) O(TREE_4(AT, O), O(O(AT(4), AT(5)), AT(6)))
#define TREE_8(AT, O) O(TREE_4(AT, O), O(O(AT(4), AT(5)), O(AT(6), AT(7))))

#define LANE_AT(t) LOAD(at_##t, i + j)
#define LANES(first, width, TREE)                                                            \
  do {                                                                                       \
    const ptrdiff_t i = (first);                                                             \
    CPOOL_INDEPENDENT for (int j = 0; j < (int)(width); j++) { STORE(to, i + j, TREE(LANE_AT, COMBINE)); } \
  } while (0)

/* Vectors of floats are written out: which loops a compiler turns into vectors by itself, of selections above all,
 * differs from one version to the next. */
#if FLOATS && defined(VECTOR) && ARRAYS == 1
CPOOL_INLINE VECTOR NAME(vector)(const T *p) {
  VECTOR v;
  memcpy(&v, p, sizeof v);
  return v;
}
#define VECTOR_AT(t) NAME(vector)(at_##t + i)
#define VECTORS(first, width, TREE)                                                          \
  CPOOL_UNROLL for (ptrdiff_t part = 0, i; part < (width); part += (ptrdiff_t)(sizeof(VECTOR) / sizeof(T))) { \
    i = (first) + part;                                                                      \
    const VECTOR v = NAME(closed_vector)(TREE(VECTOR_AT, COMBINE_VECTORS), how, divisor);    \
    memcpy(to + i, &v, sizeof v);                                                            \
  }
#else
#define VECTORS LANES
#endif

/* One pass over rows: N is the number of taps. */
#define ROWS(N)                                                                       \
  case N:                                                                             \
    for (ptrdiff_t r = 0; r < rows; r++, shift += pitch) {                            \
      T *restrict to = (T *)((char *)out + r * out_pitch);                            \
      POINT(0); POINT(1); POINT(2); POINT(3); POINT(4); POINT(5); POINT(6); POINT(7); \
      CPOOL_LANES_IN(T, lanes, VECTORS, LANES, TREE_##N);                             \
    }                                                                                 \
    break;

#define POINT(t) const T *restrict at_##t = (const T *)((const char *)taps[(t) < n ? (t) : 0] + shift); (void)at_##t

CPOOL_INLINE void NAME(pass)(T *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n, ptrdiff_t shift,
                             ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes, int how, T divisor APART) {
  (void)how, (void)divisor;
  switch (n) { ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7) ROWS(8) }
}

#if FLOATS && ARRAYS == 1
static CPOOL_NOINLINE void NAME(last_pass)(T *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n,
                                           ptrdiff_t shift, ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes, int how,
                                           T divisor) {
  if (how == NAME(undivided)) NAME(pass)(out, out_pitch, taps, n, shift, pitch, rows, lanes, NAME(undivided), divisor);
#if !SELECTS
  if (how == NAME(quotient)) NAME(pass)(out, out_pitch, taps, n, shift, pitch, rows, lanes, NAME(quotient), divisor);
  if (how == NAME(product)) NAME(pass)(out, out_pitch, taps, n, shift, pitch, rows, lanes, NAME(product), divisor);
#endif
}
#endif

static CPOOL_NOINLINE void NAME(first_pass)(T *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n,
                                            ptrdiff_t shift, ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes APART) {
#if ARRAYS == 2
  if (from == 0) {
    NAME(pass)(out, out_pitch, taps, n, shift, pitch, rows, lanes, NAME(open), 1, 0, into);
    return;
  }
#endif
  NAME(pass)(out, out_pitch, taps, n, shift, pitch, rows, lanes, NAME(open), 1 AS_APART(from, into));
}

CPOOL_INLINE void NAME(step)(T *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n, ptrdiff_t shift,
                             ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes, int how, T divisor APART) {
#if FLOATS && ARRAYS == 1
  if (how != NAME(open)) {
    NAME(last_pass)(out, out_pitch, taps, n, shift, pitch, rows, lanes, how, divisor);
    return;
  }
#else
  (void)how, (void)divisor;
#endif
  NAME(first_pass)(out, out_pitch, taps, n, shift, pitch, rows, lanes AS_APART(from, into));
}

enum {
  NAME(strip) = (ARRAYS > 1 ? 1024 : 2048) / sizeof(T), /* lanes whose partial results lie in the first cache */
  NAME(piece) = 256 / sizeof(T),                        /* lanes between two requests for what comes next */
  NAME(linear) = 128 / sizeof(T),                       /* lanes of a row that is worth requests of its own */
  NAME(line) = 64 / sizeof(T),                          /* lanes of one line of the cache */
};

/* One pass over `some` taps that lie end to end, piece by piece: as many bytes of what comes next, in the order of
 * memory, are asked for as are read, for the processor does not foresee so many short rows at once. */
static CPOOL_NOINLINE void NAME(linear_step)(T *out, const void *const *taps, ptrdiff_t some, ptrdiff_t shift,
                                             ptrdiff_t lanes APART) {
  const ptrdiff_t size = sizeof(T), pieces = (lanes + NAME(piece) - 1) / NAME(piece);
  const ptrdiff_t most = (lanes + pieces - 1) / pieces;
  const char *next = (const char *)taps[0] + shift + some * lanes * size, *end = next;
  for (ptrdiff_t i = 0, n; i < lanes; i += n) {
    n = lanes - i < most ? lanes - i : most;
    for (end += some * n * size; next < end; next += 64) CPOOL_PREFETCH(next);
    NAME(step)(out + i, 0, taps, some, shift + i * size, 0, 1, n, NAME(open), 1 AS_APART(from, into));
  }
}

/* Eight taps of `rows` rows of one pass, on their own: so the loop has registers for all addresses. */
CPOOL_INLINE void NAME(eight)(T *out, const void *const *taps, ptrdiff_t shift, ptrdiff_t pitch, ptrdiff_t rows,
                              ptrdiff_t lanes APART) {
  const ptrdiff_t line = 64 / sizeof(T), n = CPOOL_RADIX;
  const int how = NAME(open);
  const T divisor = 1;
  (void)how, (void)divisor;
  for (ptrdiff_t r = 0; r < rows; r++, shift += pitch) {
    T *restrict to = out + r * lanes;
    POINT(0); POINT(1); POINT(2); POINT(3); POINT(4); POINT(5); POINT(6); POINT(7);
    if (lanes < line) {
      CPOOL_LANES_IN(T, lanes, VECTORS, LANES, TREE_8);
      continue;
    }
    for (ptrdiff_t lane = 0; lane + line <= lanes; lane += line) VECTORS(lane, line, TREE_8);
    if (lanes % line) VECTORS(lanes - line, line, TREE_8);
  }
}
static CPOOL_NOINLINE void NAME(each_eight)(T *out, const void *const *taps, ptrdiff_t shift, ptrdiff_t pitch,
                                            ptrdiff_t rows, ptrdiff_t lanes APART) {
#if ARRAYS == 2
  if (from == 0) {
    NAME(eight)(out, taps, shift, pitch, rows, lanes, 0, into);
    return;
  }
#endif
  NAME(eight)(out, taps, shift, pitch, rows, lanes AS_APART(from, into));
}

/* Up to `strip` lanes, of one row or of several, of more taps than one pass takes: blocks of the largest power of the
 * radix, then what is left. */
static void NAME(tree)(T *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n, ptrdiff_t shift,
                       ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes, int how, T divisor, int linear APART) {
  enum { part = CPOOL_RADIX * (NAME(strip) + 2 * NAME(line)) };
  T parts[ARRAYS][part];
  const void *partial[CPOOL_RADIX];
  const ptrdiff_t dense = lanes * (ptrdiff_t)sizeof(T);
  /* Partial results lie so far apart that they do not all begin at one place of the cache. */
  const ptrdiff_t next = (rows * lanes / NAME(line) + 2) * NAME(line);
  ptrdiff_t block = 1, done = 0, held = 0;
  if (n <= CPOOL_RADIX) {
    NAME(step)(out, out_pitch, taps, n, shift, pitch, rows, lanes, how, divisor AS_APART(from, into));
    return;
  }
  while (block * CPOOL_RADIX < n) block *= CPOOL_RADIX;
  if (block == CPOOL_RADIX && !linear) {
    held = n / block;
    done = held * block;
    for (ptrdiff_t t = 0; t < held; t++) {
      NAME(each_eight)(parts[0] + t * next, taps + t * block, shift, pitch, rows, lanes AS_APART(from, part));
      partial[t] = parts[0] + t * next;
    }
  }
  while (done < n) {
    ptrdiff_t some = n - done < block ? n - done : block;
    T *to = parts[0] + held * next;
    if (block == CPOOL_RADIX && some > 1 && linear)
      NAME(linear_step)(to, taps + done, some, shift, lanes AS_APART(from, part));
    else
      NAME(tree)(to, dense, taps + done, some, shift, pitch, rows, lanes, NAME(open), 1, linear AS_APART(from, part));
    partial[held++] = to;
    done += some;
  }
  NAME(step)(out, out_pitch, partial, held, 0, dense, rows, lanes, how, divisor AS_APART(part, into));
}

CPOOL_INLINE int NAME(closing)(const cpool_close *close, T *divisor) {
#if FLOATS && ARRAYS == 1
  *divisor = (T)close->divisor;
  if (!close->last) return NAME(open);
#if !SELECTS
  if (close->divisor != 1) {
    int exponent; /* by a power of two: the product with its inverse is the same number, and quicker */
    double part = frexp(close->divisor, &exponent);
    if ((part != 0.5 && part != -0.5) || exponent < -60 || exponent > 60) return NAME(quotient);
    *divisor = (T)(1 / close->divisor);
    return NAME(product);
  }
#endif
  return NAME(undivided);
#else
  (void)close, *divisor = 1;
  return NAME(open);
#endif
}

static void NAME(fold)(void *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n, ptrdiff_t pitch,
                       ptrdiff_t rows, ptrdiff_t lanes, const cpool_close *close) {
  T divisor;
  const int how = NAME(closing)(close, &divisor);
  const ptrdiff_t size = sizeof(T), strip = NAME(strip);
#if ARRAYS > 1
  const ptrdiff_t into = close->apart / size, from = close->elements ? 0 : into;
#endif
  if (pitch == lanes * size && out_pitch == pitch) lanes *= rows, rows = 1; /* one long row */
  if (n <= CPOOL_RADIX) {
    NAME(step)((T *)out, out_pitch, taps, n, 0, pitch, rows, lanes, how, divisor AS_APART(from, into));
    return;
  }
  const int linear = close->far && lanes >= NAME(linear) && lanes <= strip && /* taps lie end to end */
                     (const char *)taps[1] - (const char *)taps[0] == lanes * size;
  const ptrdiff_t many = lanes < strip && !linear ? strip / lanes : 1; /* short rows at once */
  for (ptrdiff_t r = 0; r < rows; r += many)
    for (ptrdiff_t i = 0; i < lanes; i += strip)
      NAME(tree)((T *)((char *)out + r * out_pitch) + i, out_pitch, taps, n, r * pitch + i * size, pitch,
                 rows - r < many ? rows - r : many, lanes - i < strip ? lanes - i : strip, how,
                 divisor, linear AS_APART(from, into));
}

#undef LANE_AT
#undef LANES
#undef POINT
#undef VECTORS
