/* Powers of floats, computed in doubles: the logarithm to the base of 2 and its inverse are polynomials (interpolated
 * at Chebyshev's points, both exact where x is 1), without a table or a jump, so that they become vectors, and all
 * instruction sets give the same bits. Their errors are below 1e-9 of the power: one in a few hundred rounds to another
 * float. */
#ifndef CPOOL_POWER_H
#define CPOOL_POWER_H

#include "vectors.h"

/* An exponent, and what becomes of the numbers for which there is no logarithm. */
typedef struct { double p, at_zero, at_infinity, of_negative; int whole; } cpool_exponent;

static inline cpool_exponent cpool_exponent_of(double p) {
  const int whole = p == rint(p), odd = whole && fabs(fmod(p, 2)) == 1;
  return (cpool_exponent){p, p > 0 ? 0 : (double)INFINITY, p > 0 ? (double)INFINITY : 0,
                          whole ? (odd ? -1 : 1) : (double)NAN, whole};
}

/* x**p of a positive finite float. */
CPOOL_INLINE double cpool_positive_power(double x, double p) {
  /* x = 2**e * m with m in [sqrt(1/2), sqrt(2)); `bias` keeps what is shifted positive. */
  const uint64_t root = 0x3fe6a09e667f3bcd, bias = (uint64_t)1 << 62, number = 0x4330000000000000; /* 2**52 */
  const double whole = 6755399441055744; /* from here on doubles have no fractions; their last bits are an integer */
  uint64_t bits, k;
  double m, e;
  memcpy(&bits, &x, sizeof bits);
  k = (bits - root + bias) >> 52;
  bits -= (k << 52) - bias;
  k |= number;
  memcpy(&m, &bits, sizeof m);
  memcpy(&e, &k, sizeof e);
  /* log2(m) = 2 artanh(s) / log(2), an odd function of s = (m - 1) / (m + 1) */
  const double s = (m - 1) / (m + 1), t = s * s;
  const double of_m = s * (2.8853900817899856 + t * (0.9617966734529668 + t * (0.5770835657752675
                      + t * (0.41167377863246235 + t * 0.34071182976151987))));
  double r = p * (e - (4503599627370496. + 1024) + of_m);
  r = r > 1000 ? 1000 : r;
  r = r < -1000 ? -1000 : r;
  /* 2**r = 2**k * 2**f */
  e = r + whole;
  memcpy(&k, &e, sizeof k);
  const double f = r - (e - whole);
  const double power = 1 + f * (0.6931471805599453 + f * (0.2402265092228876 + f * (0.05550410883910356
                       + f * (0.009618056678522889 + f * (0.0013333502385250997 + f * (0.00015461444699635
                       + f * 1.529732402819458e-05))))));
  memcpy(&bits, &power, sizeof bits);
  bits += k << 52;
  memcpy(&r, &bits, sizeof r);
  return r;
}

/* The same of any float, as the C library's pow has it but for the rounding; p is not 0. */
CPOOL_INLINE double cpool_any_power(double base, cpool_exponent to) {
  const double x = fabs(base), infinity = INFINITY;
  const int special = (x == 0) | (x == infinity);
  const double sign = to.whole | special ? (to.whole ? to.of_negative : 1) : (double)NAN;
  double power = cpool_positive_power(x, to.p);
  uint64_t bits;
  power = x == 0 ? to.at_zero : power;
  power = x == infinity ? to.at_infinity : power;
  memcpy(&bits, &base, sizeof bits);
  power = bits >> 63 ? power * sign : power;
  return x == x ? power : base;
}

/* n powers, in place or elsewhere. Where all of some floats are positive and finite, as most are, that is two thirds of
 * the work. */
static inline void cpool_float_powers(float *to, const float *x, ptrdiff_t n, double p) {
  enum { some = 64 };
  const cpool_exponent exponent = cpool_exponent_of(p);
  for (ptrdiff_t first = 0; first < n; first += some) {
    const ptrdiff_t end = n - first < some ? n : first + some;
    int others = 0;
    for (ptrdiff_t i = first; i < end; i++) others |= !((x[i] > 0) & (x[i] <= FLT_MAX));
    if (others)
      CPOOL_INDEPENDENT for (ptrdiff_t i = first; i < end; i++) to[i] = (float)cpool_any_power(x[i], exponent);
    else
      CPOOL_INDEPENDENT for (ptrdiff_t i = first; i < end; i++) to[i] = (float)cpool_positive_power(x[i], p);
  }
}

static inline void cpool_double_powers(double *to, const double *x, ptrdiff_t n, double p) {
  for (ptrdiff_t i = 0; i < n; i++) to[i] = pow(x[i], p);
}

#endif
