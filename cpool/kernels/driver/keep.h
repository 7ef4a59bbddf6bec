/* What threads share: a block of memory, counters, flags.
 *
 * One block waits for the next call. Scratch is a large block, freed beside a large result: an allocator (that of glibc
 * does) may give both back to the system after each call, which clears each page anew when it is next touched, and that
 * can cost more than the pooling. */
#ifndef CPOOL_KEEP_H
#define CPOOL_KEEP_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { CPOOL_HEAD = 64, CPOOL_KEPT = 1 << 23 }; /* before a block its length stands; no larger one is kept */

static char *cpool_kept = NULL; /* whoever exchanges it owns what was there */

static inline char *cpool_take_block(ptrdiff_t n) {
  char *block = __atomic_exchange_n(&cpool_kept, NULL, __ATOMIC_ACQ_REL);
  if (block && *(ptrdiff_t *)block >= n) return block + CPOOL_HEAD;
  free(block);
  block = (char *)malloc((size_t)n + CPOOL_HEAD);
  if (!block) return NULL;
  *(ptrdiff_t *)block = n;
  return block + CPOOL_HEAD;
}

static inline void cpool_release_block(char *block) {
  block -= CPOOL_HEAD;
  if (*(ptrdiff_t *)block <= CPOOL_KEPT) block = __atomic_exchange_n(&cpool_kept, block, __ATOMIC_ACQ_REL);
  free(block);
}

/* Fetch and add one: no two threads get the same number. */
static inline int64_t cpool_take_number(int64_t *next) { return __atomic_fetch_add(next, 1, __ATOMIC_RELAXED); }

/* Flags that any thread may raise and look at. */
static inline void cpool_raise(int *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELAXED); }
static inline int cpool_raised(int *flag) { return __atomic_load_n(flag, __ATOMIC_RELAXED); }

#endif
