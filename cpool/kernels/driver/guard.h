/* Gaps between parts of scratch. AddressSanitizer stops at a touch of one; a checking build (CPOOL_CHECKS) writes a
 * pattern into them and looks, when a call ends, whether it is still there. Otherwise there are none. */
#ifndef CPOOL_GUARD_H
#define CPOOL_GUARD_H

#include <stddef.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
enum { CPOOL_GAP = 64 };
static inline void cpool_close_gap(char *gap, ptrdiff_t n) { __asan_poison_memory_region(gap, (size_t)n); }
static inline void cpool_open_gap(char *gap, ptrdiff_t n) { __asan_unpoison_memory_region(gap, (size_t)n); }
static inline int cpool_gap_is_whole(const char *gap, ptrdiff_t n) { (void)gap, (void)n; return 1; }
#elif defined(CPOOL_CHECKS)
enum { CPOOL_GAP = 64, CPOOL_PATTERN = 0xC5 };
static inline void cpool_close_gap(char *gap, ptrdiff_t n) { memset(gap, CPOOL_PATTERN, (size_t)n); }
static inline void cpool_open_gap(char *gap, ptrdiff_t n) { (void)gap, (void)n; }
static inline int cpool_gap_is_whole(const char *gap, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++)
    if ((unsigned char)gap[i] != CPOOL_PATTERN) return 0;
  return 1;
}
#else
enum { CPOOL_GAP = 0 };
static inline void cpool_close_gap(char *gap, ptrdiff_t n) { (void)gap, (void)n; }
static inline void cpool_open_gap(char *gap, ptrdiff_t n) { (void)gap, (void)n; }
static inline int cpool_gap_is_whole(const char *gap, ptrdiff_t n) { (void)gap, (void)n; return 1; }
#endif

#endif
