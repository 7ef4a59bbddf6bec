/* Transpose rows of elements of one size: out[c][r] = in[r][c]. Included with BITS, the element's size in bits; no
 * arithmetic is done, so that one type of a size serves all.
 *
 * A block is N columns of 2N rows, N elements being 16 bytes: rows r and r + N share a vector, and log2(N) rounds of
 * zipping row i with row i + N/2 turn both halves at once.
 *
 *     r0 r1 r2 r3  ->  r0 r2 zipped, r1 r3 zipped  ->  zipped again: c0 c1 c2 c3       (N = 4)
 */
#define E CPOOL_JOIN(CPOOL_JOIN(uint, BITS), _t)
#define TURN(leaf) CPOOL_JOIN(CPOOL_JOIN(turn, BITS), leaf)
enum { TURN(_n) = 16 / (BITS / 8) };

#ifdef CPOOL_VECTORS
typedef E TURN(_vector) __attribute__((vector_size(32)));
typedef E TURN(_half) __attribute__((vector_size(16)));

#if BITS >= 32 && defined(__AVX2__)
#define COLLECTS /* there are `_threes` and `_fives` */
/* 2N rows of S elements without gaps, S being 3 or 5. Lane i of vector v is an element of the column that 2N * v + i
 * leaves by S: so each lane of a column is in another vector, and one blend after the other collects it, in a wrong
 * order. With AVX2 pooling takes 0.7 to 1.03 of the time that blocks take; with SSE2, which does not blend so, it took
 * 1.0 to 1.9. */
#if BITS == 32
#define LANES(X, ...) X(0, __VA_ARGS__), X(1, __VA_ARGS__), X(2, __VA_ARGS__), X(3, __VA_ARGS__), X(4, __VA_ARGS__), \
      X(5, __VA_ARGS__), X(6, __VA_ARGS__), X(7, __VA_ARGS__)
#else
#define LANES(X, ...) X(0, __VA_ARGS__), X(1, __VA_ARGS__), X(2, __VA_ARGS__), X(3, __VA_ARGS__)
#endif
#define WIDE (256 / BITS)
#define LANE_FROM(i, S, c, v) ((WIDE * (v) + (i)) % (S) == (c) ? WIDE + (i) : (i))
#define LANE_AT(i, S, c) (((S) * (i) + (c)) % WIDE)
#define COLUMN(S, c)                                                                                              \
  do {                                                                                                            \
    if ((c) < columns) {                                                                                          \
      TURN(_vector) all = a[0];                                                                                   \
      all = __builtin_shufflevector(all, a[1], LANES(LANE_FROM, S, c, 1));                                             \
      all = __builtin_shufflevector(all, a[2], LANES(LANE_FROM, S, c, 2));                                             \
      if (S > 3) all = __builtin_shufflevector(all, a[S > 3 ? 3 : 0], LANES(LANE_FROM, S, c, 3));                      \
      if (S > 3) all = __builtin_shufflevector(all, a[S > 3 ? 4 : 0], LANES(LANE_FROM, S, c, 4));                      \
      all = __builtin_shufflevector(all, all, LANES(LANE_AT, S, c));                                                \
      memcpy(out + (c) * out_pitch, &all, 32);                                                                    \
    }                                                                                                             \
  } while (0)

CPOOL_INLINE void TURN(_threes)(char *out, ptrdiff_t out_pitch, const char *in, ptrdiff_t columns) {
  TURN(_vector) a[3];
  CPOOL_UNROLL for (int v = 0; v < 3; v++) memcpy(&a[v], in + 32 * v, 32);
  COLUMN(3, 0); COLUMN(3, 1); COLUMN(3, 2);
}

CPOOL_INLINE void TURN(_fives)(char *out, ptrdiff_t out_pitch, const char *in, ptrdiff_t columns) {
  TURN(_vector) a[5];
  CPOOL_UNROLL for (int v = 0; v < 5; v++) memcpy(&a[v], in + 32 * v, 32);
  COLUMN(5, 0); COLUMN(5, 1); COLUMN(5, 2); COLUMN(5, 3); COLUMN(5, 4);
}
#undef LANES
#undef WIDE
#undef LANE_FROM
#undef LANE_AT
#undef COLUMN
#endif

/* `columns` of them are wanted, at most N; N are read. */
CPOOL_INLINE void TURN(_block)(char *out, ptrdiff_t out_pitch, const char *in, ptrdiff_t in_pitch, int columns) {
  enum { N = TURN(_n) };
  TURN(_vector) a[N], b[N];
  TURN(_half) upper, lower;
  CPOOL_UNROLL for (int i = 0; i < N; i++) {
    memcpy(&upper, in + i * in_pitch, 16);
    memcpy(&lower, in + (i + N) * in_pitch, 16);
    a[i] = __builtin_shufflevector(upper, lower, CPOOL_BOTH);
  }
  CPOOL_UNROLL for (int round = 1; round < N; round *= 2) {
    CPOOL_UNROLL for (int i = 0; i < N / 2; i++) {
      b[2 * i] = __builtin_shufflevector(a[i], a[i + N / 2], CPOOL_ZIP_LOW);
      b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + N / 2], CPOOL_ZIP_HIGH);
    }
    CPOOL_UNROLL for (int i = 0; i < N; i++) a[i] = b[i];
  }
  CPOOL_UNROLL for (int i = 0; i < N; i++)
    if (i < columns) memcpy(out + i * out_pitch, &a[i], 32);
}

/* Two or four rows into one, 2N columns of each. */
CPOOL_INLINE void TURN(_zip)(char *out, const char *in, ptrdiff_t in_pitch, int rows) {
  TURN(_vector) a[4], b[4];
  CPOOL_UNROLL for (int i = 0; i < rows; i++) memcpy(&a[i], in + i * in_pitch, 32);
  CPOOL_UNROLL for (int round = 1; round < rows; round *= 2) {
    CPOOL_UNROLL for (int i = 0; i < rows / 2; i++) {
      b[2 * i] = __builtin_shufflevector(a[i], a[i + rows / 2], CPOOL_ZIP_LOW);
      b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + rows / 2], CPOOL_ZIP_HIGH);
    }
    CPOOL_UNROLL for (int i = 0; i < rows; i++) a[i] = b[i];
  }
  CPOOL_UNROLL for (int i = 0; i < rows; i++) {
    memcpy(out + i * 16, &a[i], 16);
    memcpy(out + (rows + i) * 16, (const char *)&a[i] + 16, 16);
  }
}

/* Ask for memory before it is needed: more rows are read and written than a processor sees the pattern of. */
CPOOL_INLINE void TURN(_ask)(char *out, ptrdiff_t out_pitch, const char *behind) {
  for (int i = 0; i < TURN(_n) / 2; i++) __builtin_prefetch(behind + 64 * i); /* as many bytes as a block reads */
  for (int i = 0; i < TURN(_n); i++) __builtin_prefetch(out + i * out_pitch + 128, 1);
}
#endif

static void TURN()(void *out, ptrdiff_t out_pitch, const void *in, ptrdiff_t in_pitch, ptrdiff_t rows,
                   ptrdiff_t columns) {
  const ptrdiff_t size = BITS / 8, n = TURN(_n);
  char *to = (char *)out;
  const char *from = (const char *)in;
  ptrdiff_t r = 0, zipped = 0, c;
  (void)n;
#ifdef CPOOL_VECTORS
  if (out_pitch == rows * size && (rows == 2 || rows == 4)) {
    for (; zipped + 2 * n <= columns; zipped += 2 * n) {
      if (rows == 2) TURN(_zip)(to + zipped * out_pitch, from + zipped * size, in_pitch, 2);
      else TURN(_zip)(to + zipped * out_pitch, from + zipped * size, in_pitch, 4);
    }
#ifdef COLLECTS
  } else if (in_pitch >= columns * size && (in_pitch == 3 * size || in_pitch == 5 * size)) { /* no rows that overlap */
    for (; (r + 2 * n) * in_pitch <= (rows - 1) * in_pitch + columns * size; r += 2 * n) /* none reaches too far */
      if (in_pitch == 3 * size) TURN(_threes)(to + r * size, out_pitch, from + r * in_pitch, columns);
      else TURN(_fives)(to + r * size, out_pitch, from + r * in_pitch, columns);
#endif
  } else if (columns >= n) {
    const int dense = in_pitch == columns * size;
    for (; rows >= 2 * n && r < rows; r += 2 * n) {
      if (r + 2 * n > rows) r = rows - 2 * n;
      for (c = 0; c < columns; c += n) {
        if (c + n > columns) c = columns - n;
        /* The next 2N rows: in one stream if they lie end to end. Else block number b asks for row b % 2N of them, for
         * all that 2N blocks will read of it. */
        const ptrdiff_t row = c / n % (2 * n), ahead = dense ? 2 * n * c * size : row * in_pitch + (c - row * n) * size;
        TURN(_ask)(to + c * out_pitch + r * size, out_pitch, from + (r + 2 * n) * in_pitch + ahead);
        TURN(_block)(to + c * out_pitch + r * size, out_pitch, from + r * in_pitch + c * size, in_pitch, TURN(_n));
      }
    }
  } else if (in_pitch > 0 && in_pitch <= 16) {
    /* Reads go on into the rows behind, of which the last few have too few. */
    while ((r + 2 * n - 1) * in_pitch + 16 <= (rows - 1) * in_pitch + columns * size) {
      TURN(_block)(to + r * size, out_pitch, from + r * in_pitch, in_pitch, (int)columns);
      r += 2 * n;
    }
  }
#endif
  for (; r < rows; r++)
    for (c = zipped; c < columns; c++) memcpy(to + c * out_pitch + r * size, from + r * in_pitch + c * size, BITS / 8);
}
#undef E
#undef TURN
#undef COLLECTS
#undef BITS
#undef CPOOL_BOTH
#undef CPOOL_ZIP_LOW
#undef CPOOL_ZIP_HIGH
