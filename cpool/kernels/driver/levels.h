/* Instruction sets that are built: name, leaves, and whether this CPU has all that they were compiled with. The table
 * is written by meson.build: CPOOL_SET(name, question) for each. */
#ifndef CPOOL_LEVELS_H
#define CPOOL_LEVELS_H

#include "instruction_sets.h"
#include "leaves.h"

#ifdef CPOOL_ASKS_CPU
#include <cpuid.h>
static inline int cpool_has_f16c(void) { /* where the system saves its registers is AVX2's question */
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#else
#define __builtin_cpu_init()
#endif

#define CPOOL_SET(name, question)            \
  extern const cpool_leaves cpool_leaves_##name; \
  static inline int cpool_runs_##name(void) { __builtin_cpu_init(); return question; }
CPOOL_INSTRUCTION_SETS
#undef CPOOL_SET

#define CPOOL_SET(name, question) {#name, &cpool_leaves_##name, cpool_runs_##name},
static const struct {
  const char *name;
  const cpool_leaves *leaves;
  int (*runs)(void);
} cpool_levels[] = {CPOOL_INSTRUCTION_SETS};
#undef CPOOL_SET
enum { CPOOL_LEVELS = sizeof cpool_levels / sizeof *cpool_levels };
static cpool_leaves cpool_tables[CPOOL_LEVELS];

/* To be called once, before any leaves are asked for: leaves that a level lacks are those of the level below. */
static inline void cpool_fill_tables(void) {
  for (int level = 0; level < CPOOL_LEVELS; level++)
    for (int below = 0; below <= level; below++) cpool_overlay(&cpool_tables[level], cpool_levels[below].leaves);
}

static inline const char *cpool_level_name(int level) { return cpool_levels[level].name; }
static inline const cpool_leaves *cpool_level_leaves(int level) { return &cpool_tables[level]; }
static inline int cpool_level_runs(int level) { return cpool_levels[level].runs(); }

#endif
