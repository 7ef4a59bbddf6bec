/* Rows of 2-byte floats to and from float: float16 (IEEE) and bfloat16 (the upper half of a float).
 * Round to nearest even; NaN stays NaN, made quiet. F16C where the instruction set has it, else the same bits by
 * branch-free integer code that the compiler vectorises. */
#ifndef CPOOL_HALF_H
#define CPOOL_HALF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __F16C__
#include <immintrin.h>
#endif

static inline uint32_t cpool_bits(float f) { uint32_t u; memcpy(&u, &f, 4); return u; }
static inline float cpool_float(uint32_t u) { float f; memcpy(&f, &u, 4); return f; }

static inline float cpool_from_half(uint16_t h)
{
    uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13;
    uint32_t u = cpool_bits(cpool_float(magnitude) * 0x1p112f);  /* moves the exponent's bias; exact */
    u |= (h & 0x7c00) == 0x7c00 ? 0x7f800000u : 0;               /* infinity and NaN */
    u |= (h & 0x7fff) > 0x7c00 ? 0x00400000u : 0;                /* quiet */
    return cpool_float(u | (uint32_t)(h & 0x8000) << 16);
}

static inline uint16_t cpool_to_half(float f)
{
    uint32_t u = cpool_bits(f), sign = u & 0x80000000u;
    u ^= sign;
    uint32_t normal = (u + 0xc8000fffu + (u >> 13 & 1)) >> 13;            /* re-bias, round to nearest even */
    uint32_t tiny = cpool_bits(cpool_float(u) + 0.5f) - 0x3f000000u;      /* below 2^-14: the adder rounds */
    uint32_t large = u > 0x7f800000u ? 0x7e00u | (u >> 13 & 0x3ff) : 0x7c00u;
    uint32_t h = u < 0x38800000u ? tiny : normal;
    h = u >= 0x47800000u ? large : h;
    return (uint16_t)(h | sign >> 16);
}

static inline void cpool_load_half(float *to, const uint16_t *from, ptrdiff_t n)
{
    ptrdiff_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from + i))));
#endif
    for (; i < n; i++)
        to[i] = cpool_from_half(from[i]);
}

static inline void cpool_store_half(uint16_t *to, const float *from, ptrdiff_t n)
{
    ptrdiff_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(to + i), _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
#endif
    for (; i < n; i++)
        to[i] = cpool_to_half(from[i]);
}

static inline void cpool_load_bfloat(float *to, const uint16_t *from, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        to[i] = cpool_float((uint32_t)from[i] << 16);
}

static inline void cpool_store_bfloat(uint16_t *to, const float *from, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        uint32_t u = cpool_bits(from[i]);
        uint32_t rounded = (u + 0x7fffu + (u >> 16 & 1)) >> 16;
        to[i] = (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? (u >> 16 | 0x40) : rounded);
    }
}

#endif
