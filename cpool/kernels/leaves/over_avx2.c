/* What AVX-512 has instructions for that AVX2 lacks; all its other leaves are AVX2's. Of integers of 8 bytes it has the
 * greater of two and conversions to and from floats: maxima take 0.56 to 0.87 of AVX2's time, averages 0.39 to 0.76,
 * medians 0.67 to 0.97. Of a mask it makes bits, by which floats are chosen at once. Its other leaves took 1.00 of
 * AVX2's time, places 1.05 to 1.1 and at most 1.65 times, bytes at most 1.8. All on AMD EPYC (family 25, model 17).
 *
 * Compiled networks compute much between a load and a store: on an AMD EPYC (family 26, model 2), which does 64 bytes
 * at once, medians of 5x5 take 0.65 to 0.9 of the time by vectors as long, those of 3x3 0.8 to 1. Folds would gain
 * there, too, 0.7 to 0.9 of the time in the caches, but lose beyond them, 1.1 to 1.8. */
#include "conversions.h"
#include "shuffles.h"

#define LONGS_ALONE
#include "types.h"
#undef LONGS_ALONE

#define OF(leaf) CPOOL_JOIN(leaf##_, TYPE)
#define T float
#define TYPE FLOAT32
#define WIDTH 4
#include "blank.h"
#undef T
#undef TYPE
#undef WIDTH
#define T double
#define TYPE FLOAT64
#define WIDTH 8
#include "blank.h"
#undef T
#undef TYPE
#undef WIDTH
#undef OF

CPOOL_LONG_CONVERSIONS(float, FLOAT32)
CPOOL_LONG_CONVERSIONS(double, FLOAT64)

#undef CPOOL_WIDEST
#define CPOOL_WIDEST 64
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("prefer-vector-width=512") /* of what follows alone */
#endif
#define EXCHANGES_ALONE
#include "types.h"

#define LONG(leaf) {[CPOOL_INT64] = leaf##_INT64, [CPOOL_UINT64] = leaf##_UINT64}
#define CONVERTED(leaf, TYPE) {[CPOOL_INT64] = leaf##_INT64_##TYPE, [CPOOL_UINT64] = leaf##_UINT64_##TYPE}

extern const cpool_leaves CPOOL_JOIN(cpool_leaves_, CPOOL_LEVEL);
const cpool_leaves CPOOL_JOIN(cpool_leaves_, CPOOL_LEVEL) = {
  .fold = {[CPOOL_MAX] = LONG(max_fold), [CPOOL_MIN] = LONG(min_fold)},
  .halve = {[CPOOL_MAX] = LONG(max_halve), [CPOOL_MIN] = LONG(min_halve)},
  .shrink = {[CPOOL_MAX] = LONG(max_shrink), [CPOOL_MIN] = LONG(min_shrink)},
  .pick = {[CPOOL_MAX] = LONG(max_pick), [CPOOL_MIN] = LONG(min_pick)},
  .pick_halves = {[CPOOL_MAX] = LONG(max_pick_halves), [CPOOL_MIN] = LONG(min_pick_halves)},
  .find = LONG(find),
  .load = {CONVERTED(load, FLOAT32), CONVERTED(load, FLOAT64)},
  .store = {CONVERTED(store, FLOAT32), CONVERTED(store, FLOAT64)},
  .exchange = EACH(exchange),
  .between = LONG(between),
  .mark = LONG(mark),
  .count = LONG(count),
  .blank = {blank_FLOAT32, blank_FLOAT64},
};
