/* Powers of floats, computed in doubles: the logarithm to the base of 2 and its inverse as polynomials, without a table or a
 * jump, so that they become vectors, and all instruction sets give the same bits. The exact power rounds to another float
 * in about one of 10,000 numbers. */
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

/* x**p as the C library's pow has it, but for the rounding; p is not 0. */
CPOOL_INLINE double cpool_power(float base, cpool_exponent to) {
  /* x = 2**e * m with m in [sqrt(1/2), sqrt(2)); `bias` keeps what is shifted positive. */
  const uint64_t root = 0x3fe6a09e667f3bcd, bias = (uint64_t)1 << 62;
  const double whole = 6755399441055744, apart = 4503599627370496; /* from where on doubles have no fractions */
  const double x = fabs((double)base);
  uint64_t bits, k, integer;
  double m, e, r, f, power;
  memcpy(&bits, &x, sizeof bits);
  k = (bits - root + bias) >> 52;
  integer = k | 0x4330000000000000;
  memcpy(&e, &integer, sizeof e);
  e = e - (apart + 1024);
  bits -= (k << 52) - bias;
  memcpy(&m, &bits, sizeof m);
  /* log(m) = 2 artanh(s) = 2 (s + s**3 / 3 + s**5 / 5 + ...) */
  const double s = (m - 1) / (m + 1), t = s * s;
  r = 1 + t * (1. / 3 + t * (1. / 5 + t * (1. / 7 + t * (1. / 9 + t * (1. / 11 + t * (1. / 13 + t * (1. / 15)))))));
  r = to.p * (e + 2.885390081777927 * (s * r));
  r = r > 1000 ? 1000 : r;
  r = r < -1000 ? -1000 : r;
  /* 2**r = 2**k * exp(f), f = (r - k) log(2) */
  e = r + whole;
  memcpy(&k, &e, sizeof k);
  f = (r - (e - whole)) * 0.6931471805599453;
  power = 1 + f * (1 + f * (1. / 2 + f * (1. / 6 + f * (1. / 24 + f * (1. / 120 + f * (1. / 720 + f * (1. / 5040
        + f * (1. / 40320 + f * (1. / 362880 + f * (1. / 3628800))))))))));
  memcpy(&bits, &power, sizeof bits);
  bits += k << 52;
  memcpy(&power, &bits, sizeof power);
  power = x == 0 ? to.at_zero : power;
  power = x == (double)INFINITY ? to.at_infinity : power;
  const int special = to.whole | (x == 0) | (x == (double)INFINITY);
  const double sign = special ? (to.whole ? to.of_negative : 1) : (double)NAN;
  memcpy(&bits, &(double){base}, sizeof bits);
  power = bits >> 63 ? power * sign : power;
  return x == x ? power : x;
}

#endif
