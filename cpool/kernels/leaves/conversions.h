/* How T, which floats and doubles are computed in, is loaded from and stored as every type. Included with T, RINT and OF;
 * from WHOLE on numbers of T have no fractions. */
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
    T v = RINT((from)[k]);                                                                                      \
    (to)[k] = v <= (T)(least) ? (S)(least) : v >= (T)(most) ? (S)(most) : (S)v;                                 \
  }

#define S int8_t
#define NAME(leaf) OF(leaf##_INT8)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED_SMALL(to, from, n, INT8_MIN, INT8_MAX)
#include "numbers.h"
#undef S
#undef NAME
#define S int16_t
#define NAME(leaf) OF(leaf##_INT16)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED_SMALL(to, from, n, INT16_MIN, INT16_MAX)
#include "numbers.h"
#undef S
#undef NAME
#define S int32_t
#define NAME(leaf) OF(leaf##_INT32)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED(to, from, n, INT32_MIN, INT32_MAX)
#include "numbers.h"
#undef S
#undef NAME
#define S int64_t
#define NAME(leaf) OF(leaf##_INT64)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED(to, from, n, INT64_MIN, INT64_MAX)
#include "numbers.h"
#undef S
#undef NAME
#define S uint8_t
#define NAME(leaf) OF(leaf##_UINT8)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED_SMALL(to, from, n, 0, UINT8_MAX)
#include "numbers.h"
#undef S
#undef NAME
#define S uint16_t
#define NAME(leaf) OF(leaf##_UINT16)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED_SMALL(to, from, n, 0, UINT16_MAX)
#include "numbers.h"
#undef S
#undef NAME
#define S uint32_t
#define NAME(leaf) OF(leaf##_UINT32)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED(to, from, n, 0, UINT32_MAX)
#include "numbers.h"
#undef S
#undef NAME
#define S uint64_t
#define NAME(leaf) OF(leaf##_UINT64)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED(to, from, n, 0, UINT64_MAX)
#include "numbers.h"
#undef S
#undef NAME

#define S float
#define NAME(leaf) OF(leaf##_FLOAT32)
#define WIDEN WIDENED
#define NARROW(to, from, n) for (ptrdiff_t k = 0; k < (n); k++) (to)[k] = (S)(from)[k]
#include "numbers.h"
#undef S
#undef NAME
#define S double
#define NAME(leaf) OF(leaf##_FLOAT64)
#define WIDEN WIDENED
#define NARROW(to, from, n) for (ptrdiff_t k = 0; k < (n); k++) (to)[k] = (S)(from)[k]
#include "numbers.h"
#undef S
#undef NAME

#define S uint16_t
#define NAME(leaf) OF(leaf##_FLOAT16)
#define WIDEN(to, from, n) OF(from_half)(to, from, n)
#define NARROW(to, from, n) OF(to_half)(to, from, n)
#include "numbers.h"
#undef NAME
#define NAME(leaf) OF(leaf##_BFLOAT16)
#define WIDEN(to, from, n) OF(from_bfloat)(to, from, n)
#define NARROW(to, from, n) OF(to_bfloat)(to, from, n)
#include "numbers.h"
#undef S
#undef NAME
#undef WIDENED
#undef ROUNDED
#undef ROUNDED_SMALL
#undef WHOLE
#undef T
#undef RINT
#undef OF
