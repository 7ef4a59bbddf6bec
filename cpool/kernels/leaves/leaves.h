/* The leaves: rows of numbers, one table of functions per instruction set, over the table of the set below.
 *
 * A leaf knows one reduction, one type and vectors. It knows no window, no padding, no axis and no thread: the driver
 * tells it where rows lie. Words, here and in the driver:
 *
 *   lane     one number of a row; a leaf does the same to all lanes
 *   row      lanes that lie side by side; `pitch` is the distance from one row to the next, in bytes
 *   tap      one of the rows that are combined, lane by lane; tap t of row r starts at taps[t] + r * pitch
 *   close    what is done to the last result of a window: divide, one zero, one NaN
 *   place    where a lane's winner stands, counted from its window's first element
 *
 * A leaf reads and writes exactly the lanes it is given. None folds into a row that it folds. Where lanes do not fill
 * vectors, the last vector overlaps the one before.
 *
 * Sums have one order, whatever the instruction set: tree(n) of taps is their sum where n is 1, and else tree(first m)
 * + tree(others), m being the largest power of two below n. So (x0 + x1) + x2, and pairwise for long windows. */
#ifndef CPOOL_LEAVES_H
#define CPOOL_LEAVES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Types in which arrays store numbers; those below CPOOL_COMPUTED are computed in as they are. */
enum cpool_type {
  CPOOL_FLOAT32, CPOOL_FLOAT64, CPOOL_INT8, CPOOL_INT16, CPOOL_INT32, CPOOL_INT64, CPOOL_UINT8, CPOOL_UINT16,
  CPOOL_UINT32, CPOOL_UINT64, CPOOL_COMPUTED,
  CPOOL_FLOAT16 = CPOOL_COMPUTED,
  CPOOL_BFLOAT16,
  CPOOL_STORED
};

/* `total` and `moments` have a state of two and three numbers a lane, each in an array of its own: sum and count; mean,
 * count, and sum of squared distances from the mean. Where an element does not count, its count is 0. */
enum cpool_reduction {
  CPOOL_MAX, CPOOL_MIN, CPOOL_NANMAX, CPOOL_NANMIN, CPOOL_SUM, CPOOL_TOTAL, CPOOL_MOMENTS, CPOOL_REDUCTIONS
};

/* What is done to an element before it is summed: the powers of a norm, which are undone after. */
enum cpool_norm { CPOOL_PLAIN, CPOOL_SQUARE, CPOOL_POWER, CPOOL_MAGNITUDE };

/* What was met along indices. */
enum { CPOOL_ODD = 1, CPOOL_CROWDED = 2 };

enum {
  CPOOL_RADIX = 8,   /* most taps of one pass; longer windows are folded by powers of it */
  CPOOL_VECTOR = 32, /* bytes that a leaf does at once: rows shorter than that are better laid end to end */
};

typedef struct {
  int last;       /* whether this is the window's last step */
  double divisor; /* of sums */
  ptrdiff_t apart; /* bytes from one array of a state to the next */
  int far;         /* whether taps lie beyond the caches, so that what comes next is worth asking for */
  int elements;    /* of totals: whether taps are elements, of which NaN does not count, and no states yet */
  double beside, least; /* of these, where they become averages at once: what a divisor counts besides, and fewest */
} cpool_close;

/* A set of ranks, and where some numbers of it were last found: cursor c in word[c], before which lie before[c]
 * members. */
typedef struct {
  uint64_t *members; /* one bit for each rank there may be */
  ptrdiff_t count, cursors;
  ptrdiff_t *word, *before;
} cpool_set;

typedef struct cpool_leaves {
  /* out[r][i] = taps[0][r][i] o taps[1][r][i] o …, in the order of tree(n). */
  void (*fold[CPOOL_REDUCTIONS][CPOOL_COMPUTED])(void *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n,
                                                 ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes,
                                                 const cpool_close *close);
  /* Fold, then windows of 2 or 3 lanes that move by 2: out[r][i] = f[r][2i] o f[r][2i + 1] (o f[r][2i + 2]), f being
   * the fold of one tap. Pairs of float and double are also folded of 2 or 4 taps; totals, of elements alone, become
   * averages (`share`) then. */
  void (*halve[CPOOL_REDUCTIONS][CPOOL_COMPUTED])(void *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n,
                                                  ptrdiff_t kernel, ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes,
                                                  const cpool_close *close);
  /* Rows of n lanes into one number each, out_pitch bytes apart: out[r] = in[r][0] o in[r][1] o …, in the order of
   * tree(n). */
  void (*shrink[CPOOL_REDUCTIONS][CPOOL_COMPUTED])(void *out, ptrdiff_t out_pitch, const void *in, ptrdiff_t n,
                                                   ptrdiff_t pitch, ptrdiff_t rows, const cpool_close *close);
  /* Windows of up to 8 rows of up to 8 lanes into one number each, rows first: row t of window r is at
   * r * pitch + t * distance, at any distances. Of float and double alone, and no states. */
  void (*condense[CPOOL_REDUCTIONS][2])(void *out, ptrdiff_t out_pitch, const void *in, ptrdiff_t pitch,
                                        ptrdiff_t distance, ptrdiff_t rows, ptrdiff_t lanes, ptrdiff_t n,
                                        const cpool_close *close);
  /* Fold with places: tap t stands at offsets[t], or where `from` (the same rows of places) says plus offsets[t]; of
   * types in which places fit. With `going`, out and places already hold the winner of earlier taps. */
  void (*pick[CPOOL_REDUCTIONS][CPOOL_COMPUTED])(void *out, void *places, ptrdiff_t out_pitch, const void *const *taps,
                                                 const void *const *from, const int64_t *offsets, ptrdiff_t n,
                                                 ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes, int going);
  /* The same of all n rows of windows of 2 or 3 lanes that move by 2: row t stands at offsets[t]. The first window
   * begins at lane `first`, be it before the rows, which have `size` lanes; taps outside are left out, but no window
   * has none. `windows` rows of windows, whose taps are `pitch` bytes apart. */
  void (*pick_halves[CPOOL_REDUCTIONS][CPOOL_COMPUTED])(void *out, void *places, ptrdiff_t out_pitch,
                                                        const void *const *rows, const int64_t *offsets, ptrdiff_t n,
                                                        ptrdiff_t kernel, ptrdiff_t first, ptrdiff_t size,
                                                        ptrdiff_t pitch, ptrdiff_t windows, ptrdiff_t lanes);
  /* The first lane that equals value, or the last NaN if it is one; -1 if there is none. Of types in which places
   * fit. */
  ptrdiff_t (*find[CPOOL_COMPUTED])(const void *row, const void *value, ptrdiff_t lanes);
  /* Of each of `rows` rows indices[o * run + i] = base[o] + shift + places[o * run + i]; long ones are int64, others
   * int32. Rows of indices are `pitch` bytes apart, rows of places end to end, and `shift` grows by `step`. */
  void (*place)(void *indices, int long_indices, ptrdiff_t pitch, ptrdiff_t stride, const void *places, int long_places,
                const int64_t *base, int64_t shift, int64_t step, ptrdiff_t rows, ptrdiff_t n, ptrdiff_t run);
  /* out[c][r] = in[r][c], by the logarithm of the element's size. */
  void (*turn[4])(void *out, ptrdiff_t out_pitch, const void *in, ptrdiff_t in_pitch, ptrdiff_t rows,
                  ptrdiff_t columns);
  /* The same of runs of `unit` bytes. */
  void (*turn_runs)(void *out, ptrdiff_t out_pitch, const void *in, ptrdiff_t in_pitch, ptrdiff_t rows,
                    ptrdiff_t columns, ptrdiff_t unit);
  /* n runs of `unit` bytes, which lie `stride` bytes apart, are laid side by side. */
  void (*keep)(void *out, const void *in, ptrdiff_t stride, ptrdiff_t n, ptrdiff_t unit);
  /* Copies, by the logarithm of the element's size: out[r][i] = in[(r + above) / tall][(i + before) / wide], for `rows`
   * rows of `lanes`. What lies up to a vector behind the last row of `in` is read, and means nothing. */
  void (*repeat[4])(void *out, ptrdiff_t out_pitch, const void *in, ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes,
                    ptrdiff_t tall, ptrdiff_t above, ptrdiff_t wide, ptrdiff_t before);
  /* The same of n runs of any length: out[r][i] = in[r][g] for i from ends[g - 1] to ends[g]. */
  void (*expand[4])(void *out, ptrdiff_t out_pitch, const void *in, ptrdiff_t pitch, ptrdiff_t rows,
                    const int64_t *ends, ptrdiff_t n);
  /* n runs, `stride` bytes apart in the array, to and from dense lanes. */
  void (*load[CPOOL_COMPUTED][CPOOL_STORED])(void *out, const char *in, ptrdiff_t stride, ptrdiff_t n, ptrdiff_t run);
  void (*store[CPOOL_COMPUTED][CPOOL_STORED])(char *out, ptrdiff_t stride, const void *in, ptrdiff_t n, ptrdiff_t run);
  void (*fill[4])(void *out, const void *value, ptrdiff_t lanes);
  /* out[i] = in[i], which may be the same row, but `value` where `where` is 0, whose n runs are `stride` bytes apart.
   * Of floats, whether there is NaN among the others. Of integers, whether there were such numbers, which counts[i]
   * counts; 0 if `counts` is NULL. */
  int (*blank[CPOOL_COMPUTED])(void *out, const void *in, int32_t *counts, const uint8_t *where, ptrdiff_t stride,
                               ptrdiff_t n, ptrdiff_t run, const void *value);
  /* Sums of rows as they lie, in numbers of twice their bytes: out[r][i] = taps[0][r][i] + taps[1][r][i] + …. Of
   * integers of 1 and of 2 bytes without a sign (whole.h), or, of `pairs`, of lanes 2i and 2i + 1 of all their taps;
   * and of float16 and bfloat16, as float, in the order of tree(n) (halves.h). */
  void (*widen[CPOOL_COMPUTED][CPOOL_STORED])(void *out, ptrdiff_t out_pitch, const void *const *taps, ptrdiff_t n,
                                              ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t lanes, int pairs,
                                              const cpool_close *close);
  /* Sums of such integers to the integers nearest to their quotients by 1 to 256 (32768), half to even, at most 255
   * (65535), which lie side by side where the sums lay. */
  void (*round[CPOOL_COMPUTED])(void *sums, ptrdiff_t divisor, ptrdiff_t lanes);
  /* Float and double alone: powers before a sum, roots after it, of plain norms one zero and one NaN alone; quotients
   * by widths[i] * across, in place or elsewhere. */
  void (*raise[2])(void *out, const void *in, ptrdiff_t lanes, int norm, double power);
  void (*root[2])(void *a, ptrdiff_t lanes, int norm, double power);
  void (*divide[2])(void *out, const void *in, const void *widths, double across, ptrdiff_t lanes);
  /* out[i] = g[i] * x[i]**power, in place of g or elsewhere; with `zeros` 0 where x[i] is 0. */
  void (*times_power[2])(void *out, const void *g, const void *x, ptrdiff_t lanes, double power, int zeros);
  /* Elements to states of `arrays` arrays, `apart` bytes apart; with `omits` NaN does not count. */
  void (*begin[2])(void *out, const void *in, int arrays, ptrdiff_t apart, int omits, ptrdiff_t lanes);
  /* Whether a row has NaN. */
  int (*lacks[2])(const void *in, ptrdiff_t lanes);
  /* Totals to averages of what counts, in place or elsewhere. A window divides by widths[i] * across, less what does
   * not count: it sees inside[i] * within elements, of which the total counts some. If `divisor` is not 0, by that. NaN
   * where fewer than `least` count. */
  void (*share[2])(void *out, const void *totals, ptrdiff_t apart, const void *widths, const void *inside,
                   double across, double within, double divisor, double least, ptrdiff_t lanes);
  /* Moments, of double alone, to variances, or with `root` to standard deviations; NaN where no more than `ddof` or
   * fewer than `least` elements count. */
  void (*vary)(void *moments, ptrdiff_t apart, double ddof, double least, int root, ptrdiff_t lanes);
  /* Steps (low, high, a, b) of numbers of rows: row low becomes the minimum and row high the maximum of rows a and b,
   * all different ones; what is -1 is not wanted. All of them at once by the compiled network of that number, unless it
   * is -1: then rows between the first and the wanted ones are not written. */
  void (*exchange[CPOOL_COMPUTED])(char *const *rows, int number, const int32_t *steps, ptrdiff_t n, ptrdiff_t lanes);
  /* out[i] = in[i], but the greatest number instead of NaN, or of integers instead of `skip`; counts[i] counts these.
   * Whether there were any. Of floats that come out a zero is +0. */
  int (*mark[CPOOL_COMPUTED])(void *out, int32_t *counts, const void *in, const void *skip, const void *greatest,
                              ptrdiff_t lanes);
  /* result[i] lies between below[w][i] and above[w][i], at parts[w] of the way, w being which[i], or 0 if `which` is
   * NULL: as numpy.quantile rounds, but the middle is half the sum; where that is infinite or NaN, by their weighted
   * sum. NaN where parts[w] is. */
  void (*between[CPOOL_COMPUTED])(double *result, const void *const *below, const void *const *above,
                                  const double *parts, const int32_t *which, ptrdiff_t lanes);
  /* Of rows in order, row t: length[i] counts equals up to it, most[i] the longest run among the first taps[i],
   * result[i] its value. */
  void (*count[CPOOL_COMPUTED])(void *result, int32_t *length, int32_t *most, const int32_t *taps, int32_t t,
                                const void *before, const void *row, ptrdiff_t lanes);
  /* Of n elements: how many of the others come before each, equal ones in the order of memory, or -1 where `gone` is
   * not 0; order[rank] is the element. `spare` holds 2n numbers of 8 bytes, or of 16 if elements have 8. */
  void (*rank[CPOOL_COMPUTED])(int32_t *ranks, int32_t *order, const void *elements, const int32_t *gone, ptrdiff_t n,
                               void *spare);
  /* Take the elements of one column from a set and add those of another: of n taps each, whose ranks stand at `taps`
   * from the column's first on. Either may be NULL. */
  void (*slide)(cpool_set *set, const int32_t *leaving, const int32_t *entering, const ptrdiff_t *taps, ptrdiff_t n);
  /* The rank of the member that has `number` members before it. */
  int32_t (*seek)(cpool_set *set, ptrdiff_t cursor, ptrdiff_t number);
  /* Along indices (scatter.h): by float, double, and uint16 as the bits of other floats, then by int32 and int64. Of
   * gradients g runs lie `g_stride` bytes apart and rows of n runs `g_pitch`, of indices `stride` and `pitch`. `add`
   * adds row r to the plane that lies r * plane_pitch bytes behind the first; indices have to be below `limit`. */
  void (*extent[2])(int64_t *extent, const void *index, ptrdiff_t stride, ptrdiff_t n, ptrdiff_t run);
  int (*scatter[CPOOL_COMPUTED][2])(void *plane, const void *g, ptrdiff_t g_stride, const void *index, ptrdiff_t stride,
                                    ptrdiff_t n, ptrdiff_t run, int64_t lo, int64_t hi, int assign);
  int (*add[CPOOL_COMPUTED][2])(void *planes, ptrdiff_t plane_pitch, const void *g, ptrdiff_t g_pitch,
                                ptrdiff_t g_stride, const void *index, ptrdiff_t pitch, ptrdiff_t stride,
                                ptrdiff_t rows, ptrdiff_t n, ptrdiff_t run, ptrdiff_t lanes, int64_t *cleared,
                                int64_t limit, int assign);
  /* The other way round, by the logarithm of the element's size: what stands at the index of each element of n runs, in
   * planes whose pixels are `pixel` bytes apart; `rows` rows, each of a plane of its own. Whether all indices are below
   * `limit`, and none negative; else some are not read. */
  int (*gather[4][2])(void *out, ptrdiff_t out_pitch, ptrdiff_t out_stride, const void *planes, ptrdiff_t plane_pitch,
                      ptrdiff_t pixel, const void *index, ptrdiff_t pitch, ptrdiff_t stride, ptrdiff_t rows,
                      ptrdiff_t n, ptrdiff_t run, int64_t limit);
} cpool_leaves;

/* Put leaves in the places of those that a table has; what is NULL stays. */
static inline void cpool_overlay(cpool_leaves *table, const cpool_leaves *leaves) {
  typedef void (*leaf)(void);
  enum { all = sizeof(cpool_leaves) / sizeof(leaf) };
  const char *from = (const char *)leaves;
  char *to = (char *)table;
  for (int i = 0; i < all; i++, from += sizeof(leaf), to += sizeof(leaf)) {
    leaf one;
    memcpy(&one, from, sizeof one);
    if (one) memcpy(to, &one, sizeof one);
  }
}

#endif
