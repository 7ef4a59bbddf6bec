/* The types that are computed in; with LONGS_ALONE integers of 8 bytes, with EXCHANGES_ALONE all but these. */

#ifndef LONGS_ALONE
#define T float
#define TYPE FLOAT32
#define FLOATS 1
#define WIDTH 4
#define CPOOL_SQRT sqrtf
#define POWERS cpool_float_powers
#include "type.h"

#define T double
#define TYPE FLOAT64
#define FLOATS 1
#define MOMENTS 1
#define WIDTH 8
#define CPOOL_SQRT sqrt
#define POWERS cpool_double_powers
#include "type.h"

#define T int8_t
#define TYPE INT8
#include "type.h"

#define T int16_t
#define TYPE INT16
#include "type.h"

#define T int32_t
#define TYPE INT32
#define WIDTH 4
#include "type.h"

#define T uint8_t
#define TYPE UINT8
#include "type.h"

#define T uint16_t
#define TYPE UINT16
#define SUMS 1
#include "type.h"

#define T uint32_t
#define TYPE UINT32
#define SUMS 1
#include "type.h"
#endif

#ifndef EXCHANGES_ALONE
#define T int64_t
#define TYPE INT64
#define WIDTH 8
#include "type.h"

#define T uint64_t
#define TYPE UINT64
#define WIDTH 8
#include "type.h"
#endif

#define EACH(leaf)                                                          \
  {leaf##_FLOAT32, leaf##_FLOAT64, leaf##_INT8, leaf##_INT16, leaf##_INT32, \
   leaf##_INT64, leaf##_UINT8, leaf##_UINT16, leaf##_UINT32, leaf##_UINT64}
