/* The same of integers of 8 bytes; the last that T is taken for. */
#define S int64_t
#define NAME(leaf) OF(leaf##_INT64)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED(to, from, n, INT64_MIN, INT64_MAX)
#include "numbers.h"
#define S uint64_t
#define NAME(leaf) OF(leaf##_UINT64)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED(to, from, n, 0, UINT64_MAX)
#include "numbers.h"
#undef WHOLE
#undef T
#undef RINT
#undef OF
