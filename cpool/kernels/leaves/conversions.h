/* How T, which floats and doubles are computed in, is loaded from and stored as every type. Included with T, RINT and OF;
 * from WHOLE on numbers of T have no fractions. */
#define S int8_t
#define NAME(leaf) OF(leaf##_INT8)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED_SMALL(to, from, n, INT8_MIN, INT8_MAX)
#include "numbers.h"
#define S int16_t
#define NAME(leaf) OF(leaf##_INT16)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED_SMALL(to, from, n, INT16_MIN, INT16_MAX)
#include "numbers.h"
#define S int32_t
#define NAME(leaf) OF(leaf##_INT32)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED(to, from, n, INT32_MIN, INT32_MAX)
#include "numbers.h"
#define S uint8_t
#define NAME(leaf) OF(leaf##_UINT8)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED_SMALL(to, from, n, 0, UINT8_MAX)
#include "numbers.h"
#define S uint16_t
#define NAME(leaf) OF(leaf##_UINT16)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED_SMALL(to, from, n, 0, UINT16_MAX)
#include "numbers.h"
#define S uint32_t
#define NAME(leaf) OF(leaf##_UINT32)
#define WIDEN WIDENED
#define NARROW(to, from, n) ROUNDED(to, from, n, 0, UINT32_MAX)
#include "numbers.h"

#define S float
#define NAME(leaf) OF(leaf##_FLOAT32)
#define WIDEN WIDENED
#define NARROW DEMOTED
#include "numbers.h"
#define S double
#define NAME(leaf) OF(leaf##_FLOAT64)
#define WIDEN WIDENED
#define NARROW DEMOTED
#include "numbers.h"

#define S uint16_t
#define NAME(leaf) OF(leaf##_FLOAT16)
#define WIDEN(to, from, n) OF(from_half)(to, from, n)
#define NARROW(to, from, n) OF(to_half)(to, from, n)
#include "numbers.h"
#define S uint16_t
#define NAME(leaf) OF(leaf##_BFLOAT16)
#define WIDEN(to, from, n) OF(from_bfloat)(to, from, n)
#define NARROW(to, from, n) OF(to_bfloat)(to, from, n)
#include "numbers.h"
#include "long_conversions.h"
