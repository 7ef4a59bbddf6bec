/* Ranks of elements, and sets of ranks: windows that lose and gain a few elements from one to the next
 * (driver/ranked.pxi). */

/* Numbers of `words` words, of which `digits` bytes from byte `first` of the first word on decide, in order; equal ones
 * as they were. Returns where they are: `from` or `to`. */
CPOOL_INLINE uint64_t *in_order(uint64_t *from, uint64_t *to, ptrdiff_t n, int words, int first, int digits) {
  ptrdiff_t counts[8][256] = {{0}};
#define CPOOL_DIGIT(i, d) (from[(i) * words] >> 8 * (first + (d)) & 255)
  for (ptrdiff_t i = 0; i < n; i++)
    for (int d = 0; d < digits; d++) counts[d][CPOOL_DIGIT(i, d)]++;
  for (int d = 0; d < digits; d++) {
    ptrdiff_t *at = counts[d], before = 0;
    if (at[CPOOL_DIGIT(0, d)] == n) continue; /* all alike */
    for (int v = 0; v < 256; v++) {
      const ptrdiff_t many = at[v];
      at[v] = before;
      before += many;
    }
    for (ptrdiff_t i = 0; i < n; i++) {
      const ptrdiff_t place = at[CPOOL_DIGIT(i, d)]++;
      for (int w = 0; w < words; w++) to[place * words + w] = from[i * words + w];
    }
    uint64_t *other = from;
    from = to, to = other;
  }
#undef CPOOL_DIGIT
  return from;
}
static CPOOL_NOINLINE uint64_t *in_order_1(uint64_t *from, uint64_t *to, ptrdiff_t n, int first, int digits) {
  return in_order(from, to, n, 1, first, digits);
}
static CPOOL_NOINLINE uint64_t *in_order_2(uint64_t *from, uint64_t *to, ptrdiff_t n, int first, int digits) {
  return in_order(from, to, n, 2, first, digits);
}

/* Elements by their bits, as numbers without a sign that lie in the same order. There is no NaN among them: `mark` has
 * taken it out. Those of 8 bytes have a word for that, before that of the element's number. */
enum cpool_kind { CPOOL_WITHOUT_SIGN, CPOOL_WITH_SIGN, CPOOL_FLOATING };
#define CPOOL_RANK(BITS)                                                                                           \
  CPOOL_INLINE void rank##BITS(int32_t *restrict ranks, int32_t *restrict order, const void *elements,             \
                               const int32_t *gone, ptrdiff_t n, void *spare, enum cpool_kind kind) {              \
    const uint##BITS##_t *v = (const uint##BITS##_t *)elements, sign = (uint##BITS##_t)(1ull << (BITS - 1));       \
    uint64_t *pairs = (uint64_t *)spare;                                                                           \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                            \
      uint##BITS##_t key = kind == CPOOL_WITHOUT_SIGN ? v[i] : v[i] ^ sign;                                        \
      if (kind == CPOOL_FLOATING && v[i] & sign) key = (uint##BITS##_t)~v[i];                                      \
      if (BITS == 64) pairs[2 * i] = key, pairs[2 * i + 1] = (uint64_t)i;                                          \
      else pairs[i] = (uint64_t)key << 32 | (uint64_t)i;                                                           \
    }                                                                                                              \
    pairs = BITS == 64 ? in_order_2(pairs, pairs + 2 * n, n, 0, 8) : in_order_1(pairs, pairs + n, n, 4, BITS / 8); \
    for (ptrdiff_t r = 0; r < n; r++) {                                                                            \
      const int32_t i = (int32_t)(uint32_t)pairs[BITS == 64 ? 2 * r + 1 : r];                                      \
      order[r] = i;                                                                                                \
      ranks[i] = (int32_t)r;                                                                                       \
    }                                                                                                              \
    for (ptrdiff_t i = 0; gone && i < n; i++)                                                                      \
      if (gone[i]) ranks[i] = -1;                                                                                  \
  }
#define CPOOL_RANK_OF(TYPE, BITS, KIND)                                                                           \
  static void rank_##TYPE(int32_t *ranks, int32_t *order, const void *elements, const int32_t *gone, ptrdiff_t n, \
                          void *spare) {                                                                          \
    rank##BITS(ranks, order, elements, gone, n, spare, CPOOL_##KIND);                                             \
  }
CPOOL_RANK(8)
CPOOL_RANK(16)
CPOOL_RANK(32)
CPOOL_RANK(64)
CPOOL_RANK_OF(FLOAT32, 32, FLOATING)
CPOOL_RANK_OF(FLOAT64, 64, FLOATING)
CPOOL_RANK_OF(INT8, 8, WITH_SIGN)
CPOOL_RANK_OF(INT16, 16, WITH_SIGN)
CPOOL_RANK_OF(INT32, 32, WITH_SIGN)
CPOOL_RANK_OF(INT64, 64, WITH_SIGN)
CPOOL_RANK_OF(UINT8, 8, WITHOUT_SIGN)
CPOOL_RANK_OF(UINT16, 16, WITHOUT_SIGN)
CPOOL_RANK_OF(UINT32, 32, WITHOUT_SIGN)
CPOOL_RANK_OF(UINT64, 64, WITHOUT_SIGN)

/* Take away (-1) or add (1) the elements of a column: those whose ranks stand at ranks[taps[t]]. */
CPOOL_INLINE void change(cpool_set *set, const int32_t *ranks, const ptrdiff_t *taps, ptrdiff_t n, int sign) {
  for (ptrdiff_t t = 0; t < n; t++) {
    const int32_t rank = ranks[taps[t]];
    if (rank < 0) continue;
    set->members[rank >> 6] ^= (uint64_t)1 << (rank & 63);
    set->count += sign;
    for (ptrdiff_t c = 0; c < set->cursors; c++) set->before[c] += rank >> 6 < set->word[c] ? sign : 0;
  }
}

static void slide(cpool_set *set, const int32_t *leaving, const int32_t *entering, const ptrdiff_t *taps, ptrdiff_t n) {
  if (leaving) change(set, leaving, taps, n, -1);
  if (entering) change(set, entering, taps, n, 1);
}

static int32_t seek(cpool_set *set, ptrdiff_t cursor, ptrdiff_t number) {
  ptrdiff_t word = set->word[cursor], before = set->before[cursor], some;
  uint64_t members;
  while (number < before) before -= __builtin_popcountll(set->members[--word]);
  while (number >= before + (some = __builtin_popcountll(set->members[word]))) before += some, word++;
  set->word[cursor] = word, set->before[cursor] = before;
  members = set->members[word];
  for (ptrdiff_t i = before; i < number; i++) members &= members - 1; /* without the least */
  return (int32_t)(64 * word + __builtin_ctzll(members));
}
