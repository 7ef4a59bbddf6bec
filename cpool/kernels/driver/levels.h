/* Instruction sets: name, and the CPU features that its compiler flags (meson.build) count on. The one table of both. */
#ifndef CPOOL_LEVELS_H
#define CPOOL_LEVELS_H

#include "leaves.h"

#if defined(CPOOL_HAS_v3) || defined(CPOOL_HAS_v4)
#include <cpuid.h>

/* AVX state is saved by the system, as far as its mask of registers tells. */
static inline int cpool_saves(unsigned mask) {
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & mask) == mask;
}

/* Bits of CPUID: leaf 1 ecx; leaf 7 ebx; leaf 0x80000001 ecx. */
static inline int cpool_has(unsigned one, unsigned seven, unsigned extended, unsigned state) {
  unsigned a, b, c, d, seven_b, extended_c;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & (one | 1u << 27)) != (one | 1u << 27) || !cpool_saves(state)) return 0;
  if (!__get_cpuid_count(7, 0, &a, &seven_b, &c, &d) || (seven_b & seven) != seven) return 0;
  return __get_cpuid(0x80000001, &a, &b, &extended_c, &d) && (extended_c & extended) == extended;
}
#endif

enum { CPOOL_FMA = 1u << 12, CPOOL_MOVBE = 1u << 22, CPOOL_AVX = 1u << 28, CPOOL_F16C = 1u << 29,
       CPOOL_BMI = 1u << 3, CPOOL_AVX2 = 1u << 5, CPOOL_BMI2 = 1u << 8, CPOOL_LZCNT = 1u << 5 };
#define CPOOL_V3_ONE (CPOOL_FMA | CPOOL_MOVBE | CPOOL_AVX | CPOOL_F16C)
#define CPOOL_V3_SEVEN (CPOOL_BMI | CPOOL_AVX2 | CPOOL_BMI2)
#define CPOOL_V4_SEVEN (CPOOL_V3_SEVEN | 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31) /* F, DQ, CD, BW, VL */

extern const cpool_leaves cpool_leaves_baseline;
#ifdef CPOOL_HAS_v3
extern const cpool_leaves cpool_leaves_v3;
#endif
#ifdef CPOOL_HAS_v4
extern const cpool_leaves cpool_leaves_v4;
#endif

static const struct { const char *name; const cpool_leaves *leaves; unsigned one, seven, extended, state; } cpool_levels[] = {
  {"baseline", &cpool_leaves_baseline, 0, 0, 0, 0},
#ifdef CPOOL_HAS_v3
  {"v3", &cpool_leaves_v3, CPOOL_V3_ONE, CPOOL_V3_SEVEN, CPOOL_LZCNT, 0x6},
#endif
#ifdef CPOOL_HAS_v4
  {"v4", &cpool_leaves_v4, CPOOL_V3_ONE, CPOOL_V4_SEVEN, CPOOL_LZCNT, 0xe6},
#endif
};
enum { CPOOL_LEVELS = sizeof cpool_levels / sizeof *cpool_levels };

static inline const char *cpool_level_name(int level) { return cpool_levels[level].name; }
static inline const cpool_leaves *cpool_level_leaves(int level) { return cpool_levels[level].leaves; }
static inline int cpool_level_runs(int level) {
#if defined(CPOOL_HAS_v3) || defined(CPOOL_HAS_v4)
  return level == 0 || cpool_has(cpool_levels[level].one, cpool_levels[level].seven, cpool_levels[level].extended,
                                 cpool_levels[level].state);
#else
  return level == 0;
#endif
}
#endif
