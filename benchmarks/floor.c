/* The least that a pooling can take: read what must be read once, write what must be written once, on so many threads.
 * Compiled by floor.py; it computes nothing that anybody needs. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Four vectors at a time, so that none waits for the one before. */
static uint64_t read_bytes(const char *p, size_t n) {
  typedef uint64_t lanes __attribute__((vector_size(32), aligned(1), may_alias));
  lanes a = {0}, b = {0}, c = {0}, d = {0};
  size_t i = 0;
  for (; i + 128 <= n; i += 128) {
    const lanes *v = (const lanes *)(p + i);
    a ^= v[0], b ^= v[1], c ^= v[2], d ^= v[3];
  }
  a ^= b ^ c ^ d;
  uint64_t all = a[0] ^ a[1] ^ a[2] ^ a[3];
  for (; i < n; i++) all ^= (uint64_t)p[i];
  return all;
}

/* `past` the caches, which then keep what was read. */
static void write_bytes(char *p, size_t n, uint64_t value, int past) {
  size_t i = 0;
#if defined(__SSE2__)
  if (past) {
    for (; i < n && ((uintptr_t)(p + i) & 15); i++) p[i] = (char)value;
    for (; i + 16 <= n; i += 16) _mm_stream_si128((__m128i *)(p + i), _mm_set1_epi8((char)value));
    _mm_sfence();
  }
#endif
  (void)past;
  memset(p + i, (int)(value & 1), n - i);
}

/* `part` bytes of each array at a time, as a pooling has them. */
uint64_t read_and_write(const char *in, size_t n_in, char *out, size_t n_out, int threads, int past, size_t part) {
  const size_t most = n_in > n_out ? n_in : n_out;
  const long parts = (long)(most / part) + 1;
  uint64_t all = 0;
  (void)threads;
#pragma omp parallel for num_threads(threads) reduction(^ : all) if (threads > 1)
  for (long k = 0; k < parts; k++) {
    const size_t a = n_in / (size_t)parts * (size_t)k, b = k + 1 < parts ? n_in / (size_t)parts * (size_t)(k + 1) : n_in;
    const size_t c = n_out / (size_t)parts * (size_t)k, d = k + 1 < parts ? n_out / (size_t)parts * (size_t)(k + 1) : n_out;
    const uint64_t read = read_bytes(in + a, b - a);
    write_bytes(out + c, d - c, read, past);
    all ^= read;
  }
  return all;
}
