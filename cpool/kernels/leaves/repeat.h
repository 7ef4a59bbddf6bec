/* Copies of elements of one size: out[r][i] = in[(r + above) / tall][(i + before) / wide]. Included with BITS, the
 * element's size in bits.
 *
 * With up to 8 copies of each element, one vector of elements becomes `wide` vectors of copies, by a permutation each.
 * Where rows of copies lie end to end, such a vector may reach into the next row, which is written later. */
#define E CPOOL_JOIN(CPOOL_JOIN(uint, BITS), _t)
#define NAME(leaf) CPOOL_JOIN(CPOOL_JOIN(leaf, _), BITS)
#if BITS >= 32
#define UNIT int32_t
#define COPIED __m256i
#define PERMUTE _mm256_permutevar8x32_epi32
#else
#define UNIT int8_t
#define COPIED __m128i
#define PERMUTE _mm_shuffle_epi8
#endif

CPOOL_INLINE void NAME(splat)(E *restrict to, E v, ptrdiff_t n) {
#define LANE(k) to[k] = v
  CPOOL_LANES(E, n, LANE);
#undef LANE
}

static void NAME(repeat)(void *out, ptrdiff_t out_pitch, const void *in, ptrdiff_t pitch, ptrdiff_t rows,
                         ptrdiff_t lanes, ptrdiff_t tall, ptrdiff_t above, ptrdiff_t wide, ptrdiff_t before) {
  const ptrdiff_t size = sizeof(E);
#ifdef __AVX2__
  enum { most = 8, units = sizeof(E) / sizeof(UNIT), all = sizeof(COPIED) / sizeof(UNIT), whole = all / units };
  COPIED at[most];
  for (int j = 0; wide <= most && j < (int)wide; j++) {
    UNIT from[all];
    for (int k = 0; k < all; k++) from[k] = (UNIT)((all * j + k) / units / (int)wide * units + (all * j + k) % units);
    memcpy(&at[j], from, sizeof from);
  }
#endif
  if (tall == 1 && before == 0 && out_pitch == lanes * size && pitch * wide == out_pitch) lanes *= rows, rows = 1;
  /* Copies of the first element of a row, then elements all of whose copies are wanted. */
  const ptrdiff_t rest = (wide - before % wide) % wide, head = rest < lanes ? rest : lanes;
  const ptrdiff_t n = (lanes - head) / wide, tail = head + n * wide;
  const E *from = (const E *)((const char *)in + above / tall * pitch) + before / wide;
  ptrdiff_t remaining = tall - above % tall; /* rows that copy this one */
  for (ptrdiff_t r = 0; r < rows; r++, remaining--) {
    E *to = (E *)((char *)out + r * out_pitch);
    ptrdiff_t k = 0;
    if (remaining == 0) from = (const E *)((const char *)from + pitch), remaining = tall;
    const E *from_whole = from + (head > 0);
    if (head) NAME(splat)(to, from[0], head);
#ifdef __AVX2__
    const ptrdiff_t beyond = (out_pitch == lanes * size ? (rows - r) * lanes : lanes) - head;
    for (; wide <= most && k < n; k += whole) {
      if (k + whole > n && (k + whole) * wide > beyond) {
        if (n < whole) break;
        k = n - whole;
      }
      COPIED v, copies;
      memcpy(&v, from_whole + k, sizeof v);
      for (ptrdiff_t j = 0; j < wide; j++) {
        copies = PERMUTE(v, at[j]);
        memcpy(to + head + k * wide + j * whole, &copies, sizeof copies);
      }
    }
#endif
    for (; k < n; k++) NAME(splat)(to + head + k * wide, from_whole[k], wide);
    if (tail < lanes) NAME(splat)(to + tail, from_whole[n], lanes - tail);
  }
}

/* Runs of copies of any length: out[r][i] = in[r][g] for i from where run g - 1 ends to where run g does. Whole vectors
 * are written: what goes beyond a run is written next, and nothing goes beyond a row. */
static void NAME(expand)(void *out, ptrdiff_t out_pitch, const void *in, ptrdiff_t pitch, ptrdiff_t rows,
                         const int64_t *ends, ptrdiff_t n) {
  enum { whole = CPOOL_VECTOR / sizeof(E) };
  ptrdiff_t safe = n;
  while (safe > 0 && ends[safe - 1] + whole > ends[n - 1]) safe--;
  for (ptrdiff_t r = 0; r < rows; r++) {
    E *restrict to = (E *)((char *)out + r * out_pitch);
    const E *from = (const E *)((const char *)in + r * pitch);
    ptrdiff_t at = 0, g = 0;
    for (; g < safe; at = ends[g], g++) {
      const E v = from[g];
#define LANE(k) to[k] = v
      for (; at < ends[g]; at += whole) CPOOL_BLOCK(at, whole, LANE);
#undef LANE
    }
    for (; g < n; at = ends[g], g++) NAME(splat)(to + at, from[g], ends[g] - at);
  }
}
#undef E
#undef NAME
#undef UNIT
#undef COPIED
#undef PERMUTE
#undef BITS
