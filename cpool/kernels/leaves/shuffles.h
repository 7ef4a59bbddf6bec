/* Vectors of lanes of 4 and of 8 bytes: what a compiler does not find by itself. Named by the bytes of a lane; V is the
 * type of the vector. */
#ifndef CPOOL_SHUFFLES_H
#define CPOOL_SHUFFLES_H

#include "vectors.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

typedef int32_t cpool_place_4, cpool_integers_4 __attribute__((vector_size(CPOOL_NATIVE)));
typedef int64_t cpool_place_8, cpool_integers_8 __attribute__((vector_size(CPOOL_NATIVE)));
typedef double cpool_pairs __attribute__((vector_size(CPOOL_NATIVE)));

/* Even and odd lanes of two vectors, within 16 bytes; then of two such pairs, and of these, so that neighbours meet
 * (halve.h). THIRD_IN_ORDER puts lanes in order after that, IN_ORDER after the first. */
#ifdef __AVX2__
#define CPOOL_ORDER 0, 2, 1, 3
#define CPOOL_EVEN_4 0, 2, 8, 10, 4, 6, 12, 14
#define CPOOL_ODD_4 1, 3, 9, 11, 5, 7, 13, 15
#define CPOOL_SECOND_EVEN_4 CPOOL_EVEN_4
#define CPOOL_SECOND_ODD_4 CPOOL_ODD_4
#define CPOOL_THIRD_EVEN_4 0, 1, 2, 3, 8, 9, 10, 11
#define CPOOL_THIRD_ODD_4 4, 5, 6, 7, 12, 13, 14, 15
#define CPOOL_EVEN_8 0, 4, 2, 6
#define CPOOL_ODD_8 1, 5, 3, 7
#define CPOOL_SECOND_EVEN_8 0, 1, 4, 5
#define CPOOL_SECOND_ODD_8 2, 3, 6, 7
#define CPOOL_THIRD_EVEN_8 CPOOL_EVEN_8
#define CPOOL_THIRD_ODD_8 CPOOL_ODD_8
#define CPOOL_THIRD_IN_ORDER_8(V, m) CPOOL_IN_ORDER(V, m)
#else
#define CPOOL_ORDER 0, 1
#define CPOOL_EVEN_4 0, 2, 4, 6
#define CPOOL_ODD_4 1, 3, 5, 7
#define CPOOL_SECOND_EVEN_4 CPOOL_EVEN_4
#define CPOOL_SECOND_ODD_4 CPOOL_ODD_4
#define CPOOL_THIRD_EVEN_4 CPOOL_EVEN_4
#define CPOOL_THIRD_ODD_4 CPOOL_ODD_4
#define CPOOL_EVEN_8 0, 2
#define CPOOL_ODD_8 1, 3
#define CPOOL_SECOND_EVEN_8 CPOOL_EVEN_8
#define CPOOL_SECOND_ODD_8 CPOOL_ODD_8
#define CPOOL_THIRD_EVEN_8 CPOOL_EVEN_8
#define CPOOL_THIRD_ODD_8 CPOOL_ODD_8
#define CPOOL_THIRD_IN_ORDER_8(V, m) (m)
#endif
#define CPOOL_THIRD_IN_ORDER_4(V, m) (m)
#define CPOOL_IN_ORDER(V, m) ((V)__builtin_shufflevector((cpool_pairs)(m), (cpool_pairs)(m), CPOOL_ORDER))

/* Lanes of v where those of the mask are -1, of m where they are 0; of floats the maximum and minimum of v and m, m of
 * what does not compare. Of floats and AVX2 also the n first lanes, of a mask of n lanes; and bytes, made as wide as
 * lanes. */
#ifdef __AVX2__
#define CPOOL_SELECT_4(V, mask, v, m) ((V)_mm256_blendv_ps((__m256)(m), (__m256)(v), (__m256)(mask)))
#define CPOOL_SELECT_8(V, mask, v, m) ((V)_mm256_blendv_pd((__m256d)(m), (__m256d)(v), (__m256d)(mask)))
#define CPOOL_GREATER_4(V, v, m) ((V)_mm256_max_ps((__m256)(v), (__m256)(m)))
#define CPOOL_GREATER_8(V, v, m) ((V)_mm256_max_pd((__m256d)(v), (__m256d)(m)))
#define CPOOL_LESSER_4(V, v, m) ((V)_mm256_min_ps((__m256)(v), (__m256)(m)))
#define CPOOL_LESSER_8(V, v, m) ((V)_mm256_min_pd((__m256d)(v), (__m256d)(m)))
#define CPOOL_FIRST_LANES_4(V, p, mask) ((V)_mm256_maskload_ps(p, (__m256i)(mask)))
#define CPOOL_FIRST_LANES_8(V, p, mask) ((V)_mm256_maskload_pd(p, (__m256i)(mask)))
#define CPOOL_BYTES_4(p) ((cpool_integers_4)_mm256_cvtepu8_epi32(_mm_loadu_si64(p)))
#define CPOOL_BYTES_8(p) ((cpool_integers_8)_mm256_cvtepu8_epi64(_mm_loadu_si32(p)))
/* The mask of n first lanes of 4 bytes begins 8 - n in. */
static const int32_t cpool_whole_and_none[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
#else
#define CPOOL_BY_BITS(I, V, mask, v, m) ((V)(((I)(mask) & (I)(v)) | (~(I)(mask) & (I)(m))))
#define CPOOL_SELECT_4(V, mask, v, m) CPOOL_BY_BITS(cpool_integers_4, V, mask, v, m)
#define CPOOL_SELECT_8(V, mask, v, m) CPOOL_BY_BITS(cpool_integers_8, V, mask, v, m)
#define CPOOL_GREATER_4(V, v, m) CPOOL_SELECT_4(V, (v) > (m), v, m)
#define CPOOL_GREATER_8(V, v, m) CPOOL_SELECT_8(V, (v) > (m), v, m)
#define CPOOL_LESSER_4(V, v, m) CPOOL_SELECT_4(V, (v) < (m), v, m)
#define CPOOL_LESSER_8(V, v, m) CPOOL_SELECT_8(V, (v) < (m), v, m)
#endif

/* Of the type at hand, whose lanes have WIDTH bytes and whose vector is VECTOR. PLACE: where a lane's winner stands;
 * PLACES: a vector of them, or of whatever integers. */
#define PLACE CPOOL_JOIN(cpool_place_, WIDTH)
#define PLACES CPOOL_JOIN(cpool_integers_, WIDTH)
#define EVEN CPOOL_JOIN(CPOOL_EVEN_, WIDTH)
#define ODD CPOOL_JOIN(CPOOL_ODD_, WIDTH)
#define SECOND_EVEN CPOOL_JOIN(CPOOL_SECOND_EVEN_, WIDTH)
#define SECOND_ODD CPOOL_JOIN(CPOOL_SECOND_ODD_, WIDTH)
#define THIRD_EVEN CPOOL_JOIN(CPOOL_THIRD_EVEN_, WIDTH)
#define THIRD_ODD CPOOL_JOIN(CPOOL_THIRD_ODD_, WIDTH)
#define IN_ORDER(m) CPOOL_IN_ORDER(VECTOR, m)
#define THIRD_IN_ORDER(m) CPOOL_JOIN(CPOOL_THIRD_IN_ORDER_, WIDTH)(VECTOR, m)
#define SELECT(mask, v, m) CPOOL_JOIN(CPOOL_SELECT_, WIDTH)(VECTOR, mask, v, m)
#define GREATER(v, m) CPOOL_JOIN(CPOOL_GREATER_, WIDTH)(VECTOR, v, m)
#define LESSER(v, m) CPOOL_JOIN(CPOOL_LESSER_, WIDTH)(VECTOR, v, m)
#ifdef __AVX2__
#define FIRST_LANES(p, mask) CPOOL_JOIN(CPOOL_FIRST_LANES_, WIDTH)(VECTOR, p, mask)
#define BYTES(p) CPOOL_JOIN(CPOOL_BYTES_, WIDTH)(p)
#endif
#if defined(__AVX512BW__) && defined(__AVX512VL__) /* instructions on 64 bytes, by their names */
#define CPOOL_WHOLE_4(name) _mm512_##name##_ps
#define CPOOL_WHOLE_8(name) _mm512_##name##_pd
#define CPOOL_WHOLE_COMPARED_4 _mm512_mask_cmp_ps_mask
#define CPOOL_WHOLE_COMPARED_8 _mm512_mask_cmp_pd_mask
#define WHOLE(name) CPOOL_JOIN(CPOOL_WHOLE_, WIDTH)(name)
#define WHOLE_COMPARED CPOOL_JOIN(CPOOL_WHOLE_COMPARED_, WIDTH)
#endif

#endif
