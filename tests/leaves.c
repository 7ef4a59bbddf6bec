/* Runs the leaves of two instruction sets on the same random rows, one leaf after the other, and compares all bits.
 *
 *     leaves v4 60        of AVX-512, 60 rounds, against those of the baseline; about 1600 calls a round
 *     leaves v3 60 100    of AVX2; the rounds from number 100 on
 *
 * Rows end where memory ends, and what lies before results is looked at, too: a leaf that reads or writes beyond its rows
 * crashes, or is found. What leaves leave open may differ: the bits of NaN and the sign of zeros of a fold that is not the
 * last, and what a network does not want. Nothing else may. Linked with the leaves of all levels, of which those of v4 lie
 * over those of v3; `tested_networks.h` is written by .ci/avx512. */
#include "leaves.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "tested_networks.h"

extern const cpool_leaves cpool_leaves_baseline, cpool_leaves_v3, cpool_leaves_v4;
static const cpool_leaves *L[2]; /* the two that are compared */
typedef ptrdiff_t P;

static uint64_t seed;
static uint64_t rnd(void) {
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return seed * 0x2545F4914F6CDD1Dull >> 8;
} /* xorshift64* */
static P below(P n) { return (P)(rnd() % (uint64_t)n); }
static P in(P low, P high) { return low + below(high - low + 1); }
static int chance(int percent) { return below(100) < percent; }

static char leaf[200];
static long calls, wrong, total_wrong;
static void crash(int s) {
  char text[300];
  int n = snprintf(text, sizeof text, "CRASH signal %d in %s\n", s, leaf);
  if (write(1, text, (size_t)n)) {
  }
  _exit(1);
}

enum { ROOM = 1 << 20, PAGE = 4096, ARENAS = 12 };
static char *arena[ARENAS];
static char *take(int a, P bytes) { return arena[a] + ROOM - bytes; } /* what ends where memory ends */

static const int sizes[] = {4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2};
static int floats(int type) { return type < 2 || type >= CPOOL_COMPUTED; }
static double normal(void) {
  double s = 0;
  for (int i = 0; i < 4; i++) s += (double)below(1 << 20) / (1 << 20) - 0.5;
  return s * 30;
}

/* mode 0: anything; 1: no NaN, no infinity, no -0; 3: positive */
static double number(int mode) {
  const P kind = below(100);
  if (mode == 0) {
    if (kind < 4) return NAN;
    if (kind < 6) return -NAN;
    if (kind < 9) return INFINITY;
    if (kind < 12) return -INFINITY;
    if (kind < 20) return -0.0;
  }
  if (mode == 3) return fabs(normal()) + 0.01;
  if (kind < 30) return mode == 1 ? (double)below(5) : (double)in(-2, 2);
  if (kind < 35) return normal() * (kind & 1 ? 1e30 : 1e-30);
  return normal();
}
static void fill(int type, void *p, P n, int mode) {
  const int small = chance(30);
  for (P i = 0; i < n; i++) {
    if (type == CPOOL_FLOAT32) ((float *)p)[i] = (float)number(mode);
    else if (type == CPOOL_FLOAT64) ((double *)p)[i] = number(mode);
    else {
      const uint64_t bits = small && type < CPOOL_COMPUTED ? (uint64_t)in(-2, 2) : rnd() ^ rnd() << 20;
      memcpy((char *)p + i * sizes[type], &bits, (size_t)sizes[type]);
    }
  }
}
/* The same, copied from numbers that are drawn once: else all time would go into drawing. */
static void filled(int type, char *p, P bytes, int mode) {
  static char *store[CPOOL_STORED][4];
  enum { MANY = 1 << 16 };
  char **s = &store[type][mode];
  if (!*s) fill(type, *s = malloc(MANY * 8), MANY, mode);
  for (P done = 0; done < bytes;) {
    P some = bytes - done, most = MANY * sizes[type] / 2;
    if (some > most) some = most;
    memcpy(p + done, *s + below(MANY / 2) * sizes[type], (size_t)some);
    done += some;
  }
}

enum { BITS_SAME, NUMBERS_SAME }; /* of NUMBERS_SAME any two NaN, and zeros of either sign */
static void differs(const char *what, int type, const char *a, const char *b, P at) {
  wrong++;
  if (wrong > 3) return;
  printf("DIFFERS %s %s at byte %td:", leaf, what, at);
  const P s = sizes[type], e = at / s * s;
  if (type == CPOOL_FLOAT32)
    printf(" %.9g (%08x) and %.9g (%08x)\n", *(float *)(a + e), *(uint32_t *)(a + e), *(float *)(b + e), *(uint32_t *)(b + e));
  else if (type == CPOOL_FLOAT64)
    printf(" %.17g (%016lx) and %.17g (%016lx)\n", *(double *)(a + e), *(uint64_t *)(a + e), *(double *)(b + e),
           *(uint64_t *)(b + e));
  else {
    uint64_t x = 0, y = 0;
    memcpy(&x, a + e, (size_t)s);
    memcpy(&y, b + e, (size_t)s);
    printf(" %lx and %lx\n", x, y);
  }
  fflush(stdout);
}
static void same(const char *what, int type, const char *a, const char *b, P bytes, int how) {
  if (!memcmp(a, b, (size_t)bytes)) return;
  for (P i = 0; i + sizes[type] <= bytes; i += sizes[type]) {
    if (!memcmp(a + i, b + i, (size_t)sizes[type])) continue;
    if (how == NUMBERS_SAME && type == CPOOL_FLOAT32) {
      const float x = *(float *)(a + i), y = *(float *)(b + i);
      if (x == y || (x != x && y != y)) continue;
    }
    if (how == NUMBERS_SAME && type == CPOOL_FLOAT64) {
      const double x = *(double *)(a + i), y = *(double *)(b + i);
      if (x == y || (x != x && y != y)) continue;
    }
    differs(what, type, a, b, i);
    return;
  }
}

/* Arenas of results: first ones of both levels, then second ones, which calls write besides. Bytes before them are looked
 * at as well. */
enum { A = 0, B = 1, SECOND = 2, SPARE = 256 };
static char *out(int level, P bytes) { return take(level, bytes); }
static char *out2(int level, P bytes) { return take(SECOND + level, bytes); }
static void clear_arenas(int first, P bytes) {
  for (int l = first; l < first + 2; l++) memset(take(l, bytes) - SPARE, 0xA5, (size_t)(bytes + SPARE));
}
static void compare_arenas(int first, int type, P bytes, int how) {
  const char *what = first == SECOND ? "second" : "out";
  for (P i = -SPARE; i < 0; i++)
    if ((uint8_t)take(first + B, bytes)[i] != 0xA5) {
      wrong++;
      printf("BEFORE %s %s: byte %td\n", leaf, what, i);
      break;
    }
  same(what, type, take(first + A, bytes), take(first + B, bytes), bytes, how);
}
static void clear(P bytes) { clear_arenas(0, bytes); }
static void clear2(P bytes) { clear_arenas(SECOND, bytes); }
static void compare(int type, P bytes, int how) {
  calls++;
  compare_arenas(0, type, bytes, how);
}
static void compare2(int type, P bytes) { compare_arenas(SECOND, type, bytes, BITS_SAME); }

static const char *names[] = {"max", "min", "nanmax", "nanmin", "sum", "total", "moments"};
static const char *types[] = {"f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "bf16"};
static const double divisors[] = {1, 1, 2, 3, 4, 9, -3, 0.5, 100, 1e-30, 1048576, 49};
#define SAY(...) snprintf(leaf, sizeof leaf, __VA_ARGS__)

static P lanes_of(void) { return chance(75) ? in(1, 70) : chance(80) ? in(1, 300) : in(257, 1100); }

static void folds(int red, int type) {
  const int arrays = red == CPOOL_TOTAL ? 2 : red == CPOOL_MOMENTS ? 3 : 1, size = sizes[type];
  P n = chance(80) ? in(1, 9) : chance(80) ? in(9, 80) : in(64, 600), lanes = n > 80 ? in(1, 300) : lanes_of(), rows = in(1, 4);
  P pitch = (lanes + (chance(50) ? 0 : in(0, 9))) * size, out_pitch = chance(50) ? lanes * size : (lanes + in(0, 5)) * size;
  P bytes = rows * out_pitch - (out_pitch - lanes * size), apart = bytes / size * size + (chance(50) ? 0 : 4 * size);
  const P step = chance(50) ? size : chance(50) ? lanes * size : in(1, 3) * pitch; /* taps: neighbours, or rows */
  const P span = (n - 1) * step + (rows - 1) * pitch + lanes * size;
  if (span > ROOM / 4) return;
  cpool_close close = {.last = arrays == 1 && chance(60),
                       .divisor = divisors[below(12)],
                       .apart = apart,
                       .far = chance(50),
                       .elements = red == CPOOL_TOTAL && chance(50)};
  if (red != CPOOL_SUM || type > 1) close.divisor = 1;
  SAY("%s_fold %s n=%td lanes=%td rows=%td pitch=%td out_pitch=%td step=%td last=%d divisor=%g far=%d elements=%d",
      names[red], types[type], n, lanes, rows, pitch, out_pitch, step, close.last, close.divisor, close.far, close.elements);
  /* of states all arrays are `apart` bytes apart: taps of the second lie there */
  const int many = close.elements ? 1 : arrays;
  if (many > 1 && span > apart) close.apart = apart = span; /* they do not overlap */
  const P whole = (many - 1) * apart + span;
  char *x = take(4, whole);
  filled(type, x, whole, chance(50) ? 0 : 1);
  if (many > 1)
    for (P i = 0; i < span; i += size) { /* counts */
      if (type == 0) ((float *)(x + apart))[i / size] = (float)below(4);
      else ((double *)(x + apart))[i / size] = (double)below(4);
    }
  const void *taps[700];
  for (P t = 0; t < n; t++) taps[t] = x + t * step;
  const P written = (arrays - 1) * apart + bytes;
  clear(written);
  for (int l = 0; l < 2; l++) L[l]->fold[red][type](out(l, written), out_pitch, taps, n, pitch, rows, lanes, &close);
  compare(type, written, close.last ? BITS_SAME : NUMBERS_SAME);
}

static void halves(int red, int type) {
  const int arrays = red == CPOOL_TOTAL ? 2 : red == CPOOL_MOMENTS ? 3 : 1, size = sizes[type];
  P n = arrays > 1 || type > 1 || chance(40) ? 1 : 2 * in(1, 2), kernel = n > 1 ? 2 : in(2, 3), lanes = lanes_of(), rows = in(1, 4);
  P row = 2 * lanes + (kernel == 3), pitch = (row + (chance(50) ? 0 : in(0, 5))) * size, step = chance(50) ? pitch : rows * pitch;
  P out_pitch = (lanes + (chance(50) ? 0 : in(0, 5))) * size, bytes = (rows - 1) * out_pitch + lanes * size;
  P span = (n - 1) * step + (rows - 1) * pitch + row * size, apart = span > bytes ? span : bytes;
  cpool_close close = {.last = arrays == 1 && chance(60), .divisor = divisors[below(12)], .apart = apart};
  if (red != CPOOL_SUM || type > 1) close.divisor = 1;
  if (arrays > 1 || type > 1) close.last = 0;
  SAY("%s_halve %s n=%td kernel=%td lanes=%td rows=%td pitch=%td step=%td out_pitch=%td last=%d divisor=%g", names[red],
      types[type], n, kernel, lanes, rows, pitch, step, out_pitch, close.last, close.divisor);
  P whole = (arrays - 1) * apart + span, written = (arrays - 1) * apart + bytes;
  char *x = take(4, whole);
  const void *taps[4];
  for (P t = 0; t < n; t++) taps[t] = x + t * step;
  filled(type, x, whole, chance(50) ? 0 : 1);
  clear(written);
  for (int l = 0; l < 2; l++)
    L[l]->halve[red][type](out(l, written), out_pitch, taps, n, kernel, pitch, rows, lanes, &close);
  compare(type, written, close.last ? BITS_SAME : NUMBERS_SAME);
}

static void shrinks(int red, int type) {
  const int arrays = red == CPOOL_TOTAL ? 2 : red == CPOOL_MOMENTS ? 3 : 1, size = sizes[type];
  P n = chance(90)   ? in(1, 400)
        : chance(80) ? in(400, 3000)
                     : in(8000, 20000),
    rows = n > 3000 ? 1 : in(1, 3), pitch = (n + (chance(50) ? 0 : in(0, 9))) * size;
  P out_pitch = (chance(60) ? 1 : in(1, 5)) * size, bytes = (rows - 1) * out_pitch + size;
  P span = (rows - 1) * pitch + n * size, apart = span > bytes ? span : bytes;
  cpool_close close = {.last = arrays == 1 && chance(60), .divisor = divisors[below(12)], .apart = apart};
  if (red != CPOOL_SUM || type > 1) close.divisor = 1;
  SAY("%s_shrink %s n=%td rows=%td pitch=%td out_pitch=%td last=%d divisor=%g", names[red], types[type], n, rows, pitch,
      out_pitch, close.last, close.divisor);
  P whole = (arrays - 1) * apart + span, written = (arrays - 1) * apart + bytes;
  if (whole > ROOM - PAGE || written > ROOM - PAGE) return;
  char *x = take(4, whole);
  filled(type, x, whole, chance(50) ? 0 : 1);
  clear(written);
  for (int l = 0; l < 2; l++) L[l]->shrink[red][type](out(l, written), out_pitch, x, n, pitch, rows, &close);
  compare(type, written, close.last ? BITS_SAME : NUMBERS_SAME);
}

static void condenses(int red, int type) {
  const int size = sizes[type];
  P rows = in(1, 8), lanes = in(2, 8), n = in(1, 40);
  if (rows * lanes < 25) return;
  P distance = (lanes + (chance(60) ? 0 : in(0, 3))) * size, pitch = rows * distance + (chance(60) ? 0 : in(0, 4) * size);
  P out_pitch = (chance(60) ? 1 : in(1, 5)) * size, written = (n - 1) * out_pitch + size,
    span = (n - 1) * pitch + (rows - 1) * distance + lanes * size;
  cpool_close close = {.last = 1, .divisor = red == CPOOL_SUM ? divisors[below(12)] : 1};
  SAY("%s_condense %s %tdx%td n=%td pitch=%td distance=%td out_pitch=%td divisor=%g", names[red], types[type], rows, lanes, n,
      pitch, distance, out_pitch, close.divisor);
  char *x = take(4, span);
  filled(type, x, span, chance(50) ? 0 : 1);
  clear(written);
  for (int l = 0; l < 2; l++) L[l]->condense[red][type](out(l, written), out_pitch, x, pitch, distance, rows, lanes, n, &close);
  compare(type, written, BITS_SAME);
}

static void picks(int red, int type) {
  const int size = sizes[type], itype = size == 4 ? CPOOL_INT32 : CPOOL_INT64;
  P n = chance(60) ? in(1, 10) : in(9, 60), lanes = lanes_of(), rows = in(1, 3),
    pitch = (lanes + (chance(50) ? 0 : in(0, 9))) * size;
  P out_pitch = chance(50) ? pitch : (lanes + in(0, 5)) * size, bytes = (rows - 1) * out_pitch + lanes * size;
  P step = chance(50) ? size : in(1, 3) * pitch, span = (n - 1) * step + (rows - 1) * pitch + lanes * size;
  if (span > ROOM / 4) return;
  const int chosen = chance(40), going = chance(30);
  SAY("%s_pick %s n=%td lanes=%td rows=%td pitch=%td out_pitch=%td step=%td chosen=%d going=%d", names[red], types[type], n,
      lanes, rows, pitch, out_pitch, step, chosen, going);
  char *x = take(4, span), *w = take(5, span);
  filled(type, x, span, chance(70) ? 0 : 1);
  for (P i = 0; i < span; i += size)
    if (size == 4) *(int32_t *)(w + i) = (int32_t)below(1000);
    else *(int64_t *)(w + i) = below(1000);
  const void *taps[100], *from[100];
  int64_t offsets[100];
  for (P t = 0; t < n; t++) taps[t] = x + t * step, from[t] = w + t * step, offsets[t] = 7 * t + below(3);
  clear(bytes), clear2(bytes);
  if (going) {
    filled(type, out(A, bytes), bytes, 1);
    for (P i = 0; i < bytes; i += size)
      if (size == 4) *(int32_t *)(out2(A, bytes) + i) = -1;
      else *(int64_t *)(out2(A, bytes) + i) = -1;
    memcpy(out(B, bytes), out(A, bytes), (size_t)bytes), memcpy(out2(B, bytes), out2(A, bytes), (size_t)bytes);
  }
  for (int l = 0; l < 2; l++)
    L[l]->pick[red][type](out(l, bytes), out2(l, bytes), out_pitch, taps, chosen ? from : NULL, offsets, n, pitch, rows, lanes,
                          going);
  compare(type, bytes, BITS_SAME), compare2(itype, bytes);
}

static void finds(int type) {
  const int size = sizes[type];
  P lanes = lanes_of(), bytes = lanes * size;
  char *x = take(4, bytes), value[8];
  filled(type, x, bytes, chance(50) ? 0 : 1);
  memcpy(value, x + below(lanes) * size, (size_t)size);
  if (chance(30)) filled(type, value, size, 0);
  SAY("find %s lanes=%td", types[type], lanes);
  calls++;
  const P a = L[0]->find[type](x, value, lanes), b = L[1]->find[type](x, value, lanes);
  if (a != b) wrong++, printf("DIFFERS %s: %td and %td\n", leaf, a, b);
}

static void picked_halves(int red, int type) {
  const int size = sizes[type], itype = size == 4 ? CPOOL_INT32 : CPOOL_INT64;
  P n = chance(60) ? in(2, 3) : in(1, 9), kernel = in(2, 3), row = lanes_of(), first = -in(0, kernel - 1), rows = in(1, 4);
  P most = (row - first + 1) / 2, lanes = chance(60) ? most : in(1, most); /* no window lies outside */
  P pitch = (row + (chance(50) ? 0 : in(0, 9))) * size, out_pitch = (lanes + (chance(50) ? 0 : in(0, 5))) * size;
  P step = chance(50) ? pitch : in(1, 3) * pitch, span = (n - 1) * step + (rows - 1) * pitch + row * size;
  const P bytes = (rows - 1) * out_pitch + lanes * size;
  SAY("%s_pick_halves %s n=%td kernel=%td first=%td size=%td rows=%td pitch=%td out_pitch=%td lanes=%td", names[red],
      types[type], n, kernel, first, row, rows, pitch, out_pitch, lanes);
  char *x = take(4, span);
  filled(type, x, span, chance(70) ? 0 : 1);
  const void *taps[9];
  int64_t offsets[9];
  for (P t = 0; t < n; t++) taps[t] = x + t * step, offsets[t] = 7 * t + below(3);
  clear(bytes), clear2(bytes);
  for (int l = 0; l < 2; l++)
    L[l]->pick_halves[red][type](out(l, bytes), out2(l, bytes), out_pitch, taps, offsets, n, kernel, first, row, pitch, rows,
                                 lanes);
  compare(type, bytes, BITS_SAME), compare2(itype, bytes);
}

static void places(void) {
  const int long_indices = chance(50), wide = chance(50);
  const P run = chance(50) ? 1 : in(2, 70), n = in(1, 70), rows = in(1, 3), is = long_indices ? 8 : 4;
  const P stride = (run + (chance(50) ? 0 : in(0, 5))) * is, pitch = n * stride + (chance(50) ? 0 : in(0, 5) * is);
  const P bytes = (rows - 1) * pitch + (n - 1) * stride + run * is;
  int64_t *base = (int64_t *)take(5, n * 8), shift = below(100), step = below(100);
  char *w = take(4, rows * n * run * (wide ? 8 : 4));
  for (P i = 0; i < n; i++) base[i] = below(10000);
  for (P i = 0; i < rows * n * run; i++)
    if (wide) ((int64_t *)w)[i] = below(1 << 20);
    else ((int32_t *)w)[i] = (int32_t)below(1 << 20);
  SAY("place %d %d rows=%td pitch=%td stride=%td n=%td run=%td", long_indices, wide, rows, pitch, stride, n, run);
  clear(bytes);
  for (int l = 0; l < 2; l++) L[l]->place(out(l, bytes), long_indices, pitch, stride, w, wide, base, shift, step, rows, n, run);
  compare(long_indices ? CPOOL_INT64 : CPOOL_INT32, bytes, BITS_SAME);
}

static void turns(int log) {
  const P size = 1 << log;
  P rows = chance(30) ? in(1, 4) : in(1, 140), columns = chance(30) ? in(1, 8) : in(1, 90);
  P in_pitch = (columns + (chance(50) ? 0 : in(0, 9))) * size, out_pitch = (rows + (chance(50) ? 0 : in(0, 9))) * size;
  if (chance(20)) columns = in(1, 5), in_pitch = (columns > 3 || chance(50) ? 5 : 3) * size; /* these have code of their own */
  const P bytes = (columns - 1) * out_pitch + rows * size, span = (rows - 1) * in_pitch + columns * size;
  char *x = take(4, span);
  filled(CPOOL_UINT8, x, span, 0);
  SAY("turn %td rows=%td columns=%td in_pitch=%td out_pitch=%td", 8 * size, rows, columns, in_pitch, out_pitch);
  clear(bytes);
  for (int l = 0; l < 2; l++) L[l]->turn[log](out(l, bytes), out_pitch, x, in_pitch, rows, columns);
  compare(CPOOL_UINT8, bytes, BITS_SAME);
}

static void copies(int log) {
  const P size = 1 << log, tall = in(1, 4), above = below(tall), wide = chance(80) ? in(1, 9) : in(1, 70), before = below(wide);
  const P rows = in(1, 12), lanes = chance(20) ? wide * in(1, 30) - before : in(1, 200), seen = (lanes - 1 + before) / wide + 1;
  const P pitch = (seen + (chance(50) ? 0 : in(0, 9))) * size, out_pitch = (lanes + (chance(50) ? 0 : in(0, 9))) * size;
  const P bytes = (rows - 1) * out_pitch + lanes * size, span = (rows - 1 + above) / tall * pitch + seen * size + CPOOL_VECTOR;
  char *x = take(4, span);
  filled(CPOOL_UINT8, x, span, 0);
  SAY("repeat %td rows=%td lanes=%td pitch=%td out_pitch=%td tall=%td above=%td wide=%td before=%td", 8 * size, rows, lanes,
      pitch, out_pitch, tall, above, wide, before);
  clear(bytes);
  for (int l = 0; l < 2; l++)
    L[l]->repeat[log](out(l, bytes), out_pitch, x, pitch, rows, lanes, tall, above, wide, before);
  compare(CPOOL_UINT8, bytes, BITS_SAME);
}

static void runs_copied(int log) {
  const P size = 1 << log, n = in(1, 40), rows = in(1, 5), longest = chance(50) ? 4 : 60;
  int64_t *ends = (int64_t *)take(5, n * 8);
  for (P g = 0; g < n; g++) ends[g] = (g ? ends[g - 1] : 0) + in(1, longest);
  const P lanes = ends[n - 1], pitch = (n + in(0, 3)) * size, out_pitch = (lanes + in(0, 3)) * size;
  const P bytes = (rows - 1) * out_pitch + lanes * size, span = (rows - 1) * pitch + n * size;
  char *x = take(4, span);
  filled(CPOOL_UINT8, x, span, 0);
  SAY("expand %td rows=%td runs=%td lanes=%td", 8 * size, rows, n, lanes);
  clear(bytes);
  for (int l = 0; l < 2; l++) L[l]->expand[log](out(l, bytes), out_pitch, x, pitch, rows, ends, n);
  compare(CPOOL_UINT8, bytes, BITS_SAME);
}

static void runs_turned(void) {
  const P unit = in(1, 70), rows = in(1, 12), columns = in(1, 12), in_pitch = columns * unit + (chance(50) ? 0 : in(0, 9));
  const P out_pitch = rows * unit + (chance(50) ? 0 : in(0, 9));
  const P bytes = (columns - 1) * out_pitch + rows * unit, span = (rows - 1) * in_pitch + columns * unit;
  char *x = take(4, span);
  filled(CPOOL_UINT8, x, span, 0);
  SAY("turn_runs unit=%td rows=%td columns=%td", unit, rows, columns);
  clear(bytes);
  for (int l = 0; l < 2; l++) L[l]->turn_runs(out(l, bytes), out_pitch, x, in_pitch, rows, columns, unit);
  compare(CPOOL_UINT8, bytes, BITS_SAME);
}

static void runs_kept(void) {
  P unit = in(1, 70), n = in(1, 70), stride = chance(10) ? below(unit) : unit + (chance(30) ? 0 : in(0, 20));
  P span = (n - 1) * stride + unit, bytes = n * unit;
  char *x = take(4, span);
  filled(CPOOL_UINT8, x, span, 0);
  SAY("keep unit=%td n=%td stride=%td", unit, n, stride);
  clear(bytes);
  for (int l = 0; l < 2; l++) L[l]->keep(out(l, bytes), x, stride, n, unit);
  compare(CPOOL_UINT8, bytes, BITS_SAME);
}

static void conversions(int type, int stored) {
  if (!L[0]->load[type][stored]) return;
  const P size = sizes[type], kept = sizes[stored];
  P run = chance(60) ? in(1, 3) : in(1, 70), n = chance(50) ? in(1, 100) : in(1, 9),
    stride = (run + (chance(50) ? 0 : in(0, 3))) * kept;
  P bytes = n * run * size, span = (n - 1) * stride + run * kept;
  char *x = take(4, span);
  filled(stored, x, span, 0);
  if (stored == CPOOL_BFLOAT16 || stored == CPOOL_FLOAT16)
    for (P i = 0; i < span / 2; i++)
      if (chance(10)) ((uint16_t *)x)[i] = (uint16_t)(rnd() % 3 ? 0x7c00 : 0x7f80) | (uint16_t)(rnd() & 0x80ff);
  SAY("load %s from %s n=%td run=%td stride=%td", types[type], types[stored], n, run, stride);
  clear(bytes);
  for (int l = 0; l < 2; l++) L[l]->load[type][stored](out(l, bytes), x, stride, n, run);
  compare(type, bytes, BITS_SAME);
  x = take(5, bytes);
  const int odd = floats(stored); /* NaN has no integer */
  filled(type, x, bytes, odd && chance(50) ? 0 : 1);
  if (type < 2 && chance(50))
    for (P i = 0; i < n * run; i++) { /* what is near the borders of small types, and middles */
      const double v = chance(50) ? (double)in(-70000, 70000) / 2 : ldexp((double)in(-9, 9), (int)in(0, 63));
      if (type == 0) ((float *)x)[i] = (float)v;
      else ((double *)x)[i] = v;
    }
  SAY("store %s as %s n=%td run=%td stride=%td", types[type], types[stored], n, run, stride);
  clear(span);
  for (int l = 0; l < 2; l++) L[l]->store[type][stored](out(l, span), stride, x, n, run);
  compare(stored, span, BITS_SAME);
}

static void fills_and_blanks(int type) {
  const P size = sizes[type];
  const int log = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3, in_place = chance(50), counted = type > 1 && chance(50);
  P lanes = lanes_of(), run = chance(50) ? 1 : in(1, 40), n = lanes / run + 1, bytes = n * run * size,
    stride = run + (chance(50) ? 0 : in(0, 9)), span = (n - 1) * stride + run;
  char value[8];
  filled(type, value, size, 0);
  SAY("fill %td lanes=%td", 8 * size, n * run);
  clear(bytes);
  for (int l = 0; l < 2; l++) L[l]->fill[log](out(l, bytes), value, n * run);
  compare(type, bytes, BITS_SAME);
  char *x = take(4, bytes), *where = take(5, span);
  filled(type, x, bytes, chance(30) ? 0 : 1);
  const int often = (int)below(101);
  for (P i = 0; i < span; i++) where[i] = (char)(chance(often) ? (chance(90) ? 1 : in(1, 255)) : 0);
  SAY("blank %s n=%td run=%td stride=%td in_place=%d counts=%d", types[type], n, run, stride, in_place, counted);
  clear(bytes), clear2(n * run * 4);
  int found[2];
  for (int l = 0; l < 2; l++) {
    if (in_place) memcpy(out(l, bytes), x, (size_t)bytes);
    found[l] = L[l]->blank[type](out(l, bytes), in_place ? out(l, bytes) : x, counted ? (int32_t *)out2(l, n * run * 4) : NULL,
                                 (const uint8_t *)where, stride, n, run, value);
  }
  compare(type, bytes, BITS_SAME), compare2(CPOOL_INT32, n * run * 4);
  if (found[0] != found[1]) wrong++, printf("DIFFERS %s returned %d and %d\n", leaf, found[0], found[1]);
}

static void wholes(int which) {
  const int from = which ? CPOOL_UINT16 : CPOOL_UINT8, to = which ? CPOOL_UINT32 : CPOOL_UINT16;
  const P size = sizes[from];
  const int pairs = chance(40);
  P n = in(1, 12), lanes = lanes_of(), rows = in(1, 4), pitch = ((1 + pairs) * lanes + (chance(50) ? 0 : in(0, 9))) * size;
  P out_pitch = (lanes + (chance(50) ? 0 : in(0, 5))) * 2 * size, bytes = (rows - 1) * out_pitch + lanes * 2 * size;
  P step = chance(50) ? size : pitch, span = (n - 1) * step + (rows - 1) * pitch + (1 + pairs) * lanes * size;
  char *x = take(4, span);
  const void *taps[12];
  for (P t = 0; t < n; t++) taps[t] = x + t * step;
  filled(from, x, span, 0);
  SAY("widen %d n=%td lanes=%td rows=%td pitch=%td out_pitch=%td pairs=%d", which, n, lanes, rows, pitch, out_pitch, pairs);
  clear(bytes);
  for (int l = 0; l < 2; l++) L[l]->widen[to][from](out(l, bytes), out_pitch, taps, n, pitch, rows, lanes, pairs, NULL);
  compare(to, bytes, BITS_SAME);
  P divisor = chance(50) ? in(1, which ? 32768 : 256) : in(1, 64);
  if (chance(20)) divisor = (P)1 << below(which ? 16 : 9);
  bytes = lanes * size * 2;
  const uint64_t most = (which ? 65535u : 255u) * (uint64_t)divisor;
  x = take(4, bytes);
  for (P i = 0; i < lanes; i++) {
    const uint64_t v =
        chance(70) ? rnd() % (most + 1) : (rnd() % (most / (uint64_t)divisor + 1)) * (uint64_t)divisor + (uint64_t)divisor / 2;
    if (which) ((uint32_t *)x)[i] = (uint32_t)v;
    else ((uint16_t *)x)[i] = (uint16_t)v;
  }
  SAY("round %d divisor=%td lanes=%td", which, divisor, lanes);
  clear(bytes);
  for (int l = 0; l < 2; l++) {
    memcpy(out(l, bytes), x, (size_t)bytes);
    L[l]->round[to](out(l, bytes), divisor, lanes);
  }
  compare(from, bytes, BITS_SAME);
}

static void halves_summed(int type) {
  const P n = chance(80) ? in(1, 64) : in(65, 600), lanes = lanes_of(), rows = in(1, 4), pitch = (lanes + (chance(50) ? 0 : in(0, 9))) * 2;
  const P out_pitch = (lanes + (chance(50) ? 0 : in(0, 5))) * 4, bytes = (rows - 1) * out_pitch + lanes * 4;
  const P step = chance(50) ? 2 : pitch, span = (n - 1) * step + (rows - 1) * pitch + lanes * 2;
  if (span > ROOM / 4) return;
  char *x = take(4, span);
  const void *taps[600];
  for (P t = 0; t < n; t++) taps[t] = x + t * step;
  filled(type, x, span, chance(50) ? 0 : 1);
  cpool_close close = {chance(50), chance(50) ? (double)in(1, 70) : 1, 0, 0, 0};
  SAY("widen %s n=%td lanes=%td rows=%td pitch=%td out_pitch=%td last=%d", types[type], n, lanes, rows, pitch, out_pitch,
      close.last);
  clear(bytes);
  for (int l = 0; l < 2; l++)
    L[l]->widen[CPOOL_FLOAT32][type](out(l, bytes), out_pitch, taps, n, pitch, rows, lanes, 0, &close);
  compare(CPOOL_FLOAT32, bytes, close.last ? BITS_SAME : NUMBERS_SAME);
}

static void bytes_divided(void) { /* all sums by all divisors */
  uint16_t *a = (uint16_t *)take(4, 65536 * 2);
  for (P d = 1; d <= 256; d++) {
    const P n = 255 * d + 1 < 65536 ? 255 * d + 1 : 65536;
    SAY("round 0, all sums by %td", d);
    clear(n * 2);
    for (P i = 0; i < n; i++) a[i] = (uint16_t)i;
    for (int l = 0; l < 2; l++) {
      memcpy(out(l, n * 2), a, (size_t)n * 2);
      L[l]->round[CPOOL_UINT16](out(l, n * 2), d, n);
    }
    compare(CPOOL_UINT8, n * 2, BITS_SAME);
    for (P i = 0; i < n; i++)
      if (((uint8_t *)out(B, n * 2))[i] != (uint8_t)lrint((double)i / (double)d)) {
        wrong++;
        printf("WRONG %s: %td\n", leaf, i);
        break;
      }
  }
}

static void floating(int type) {
  const P size = sizes[type], lanes = lanes_of(), bytes = lanes * size;
  char *x = take(4, bytes), *w = take(5, bytes), *seen = take(6, bytes);
  static const double powers[] = {3, 0.5, -1, 2.5, -2};
  const int in_place = chance(50), norm = (int)in(1, 3);
  const double power = powers[below(5)];
  filled(type, x, bytes, chance(60) ? 0 : 3);
  SAY("raise %s lanes=%td norm=%d power=%g in_place=%d", types[type], lanes, norm, power, in_place);
  clear(bytes);
  for (int l = 0; l < 2; l++) {
    if (in_place) memcpy(out(l, bytes), x, (size_t)bytes);
    L[l]->raise[type](out(l, bytes), in_place ? out(l, bytes) : x, lanes, norm, power);
  }
  compare(type, bytes, NUMBERS_SAME);
  SAY("root %s lanes=%td norm=%d power=%g", types[type], lanes, norm, power);
  clear(bytes);
  for (int l = 0; l < 2; l++) memcpy(out(l, bytes), x, (size_t)bytes), L[l]->root[type](out(l, bytes), lanes, norm, power);
  compare(type, bytes, BITS_SAME);
  const int zeros = chance(50);
  filled(type, w, bytes, chance(60) ? 0 : 3);
  SAY("times_power %s lanes=%td power=%g in_place=%d zeros=%d", types[type], lanes, power, in_place, zeros);
  clear(bytes);
  for (int l = 0; l < 2; l++) {
    if (in_place) memcpy(out(l, bytes), x, (size_t)bytes);
    L[l]->times_power[type](out(l, bytes), in_place ? out(l, bytes) : x, w, lanes, power, zeros);
  }
  compare(type, bytes, BITS_SAME);
  for (P i = 0; i < lanes; i++) {
    if (type) ((double *)w)[i] = (double)in(1, 9), ((double *)seen)[i] = (double)in(0, 9);
    else ((float *)w)[i] = (float)in(1, 9), ((float *)seen)[i] = (float)in(0, 9);
  }
  SAY("divide %s lanes=%td in_place=%d", types[type], lanes, in_place);
  clear(bytes);
  for (int l = 0; l < 2; l++) {
    if (in_place) memcpy(out(l, bytes), x, (size_t)bytes);
    L[l]->divide[type](out(l, bytes), in_place ? out(l, bytes) : x, w, 3, lanes);
  }
  compare(type, bytes, BITS_SAME);
  SAY("lacks %s lanes=%td", types[type], lanes);
  if (chance(60)) filled(type, x, bytes, 1);
  if (chance(30)) {
    if (type) ((double *)x)[below(lanes)] = NAN;
    else ((float *)x)[below(lanes)] = NAN;
  }
  if (!L[0]->lacks[type](x, lanes) != !L[1]->lacks[type](x, lanes)) wrong++, printf("DIFFERS %s\n", leaf);
  const int arrays = (int)in(2, 3), omits = chance(50);
  const P apart = bytes + (chance(50) ? 0 : in(0, 5) * size), written = (arrays - 1) * apart + bytes;
  filled(type, x, bytes, 0);
  SAY("begin %s lanes=%td arrays=%d omits=%d", types[type], lanes, arrays, omits);
  clear(written);
  for (int l = 0; l < 2; l++) {
    char *to = out(l, written);
    if (in_place) memcpy(to, x, (size_t)bytes);
    L[l]->begin[type](to, in_place ? to : x, arrays, apart, omits, lanes);
  }
  compare(type, written, BITS_SAME);
  /* share: totals, and their counts behind them */
  const P both = apart + bytes;
  char *t = take(7, both);
  filled(type, t, bytes, chance(50) ? 0 : 1);
  for (P i = 0; i < lanes; i++)
    if (type) ((double *)(t + apart))[i] = (double)in(0, 20);
    else ((float *)(t + apart))[i] = (float)in(0, 20);
  const double across = (double)in(1, 4), within = (double)in(0, 4), divisor = chance(50) ? 0 : divisors[below(12)],
               least = (double)in(1, 4);
  SAY("share %s lanes=%td divisor=%g in_place=%d", types[type], lanes, divisor, in_place);
  clear(both);
  for (int l = 0; l < 2; l++) {
    char *to = out(l, both);
    if (in_place) memcpy(to, t, (size_t)both);
    L[l]->share[type](to, in_place ? to : t, apart, w, seen, across, within, divisor, least, lanes);
  }
  compare(type, both, BITS_SAME);
  if (type == 1) {
    const P three = 2 * apart + bytes;
    t = take(7, three);
    filled(type, t, three, chance(50) ? 0 : 3);
    for (P i = 0; i < lanes; i++) ((double *)(t + apart))[i] = (double)in(0, 6);
    const int root = chance(50);
    const double ddof = (double)in(0, 3);
    SAY("vary lanes=%td root=%d ddof=%g", lanes, root, ddof);
    clear(three);
    for (int l = 0; l < 2; l++)
      memcpy(out(l, three), t, (size_t)three), L[l]->vary(out(l, three), apart, ddof, least, root, lanes);
    compare(type, three, BITS_SAME);
  }
}

static void exchanges(int type) {
  const P size = sizes[type], lanes = lanes_of();
  const network *n = &networks[below((P)(sizeof networks / sizeof *networks))];
  const P pitch = lanes * size, inputs = n->inputs * pitch;
  char *x = take(4, inputs), *rows[2][64];
  filled(type, x, inputs, 1);
  SAY("exchange %s network=%d lanes=%td", types[type], n->number, lanes);
  for (int l = 0; l < 2; l++)
    for (int i = 0; i < n->rows; i++)
      rows[l][i] = i < n->inputs ? x + i * pitch : arena[l] + ROOM - (n->rows - n->inputs) * pitch + (i - n->inputs) * pitch;
  clear((n->rows - n->inputs) * pitch);
  for (int l = 0; l < 2; l++) L[l]->exchange[type](rows[l], n->number, n->steps, n->n, lanes);
  calls++;
  for (int i = 0; i < n->ranks; i++)
    if (n->order[i] >= 0) same("rank", type, rows[0][n->order[i]], rows[1][n->order[i]], pitch, NUMBERS_SAME);
}

static void rest(int type) {
  const P size = sizes[type], lanes = lanes_of(), bytes = lanes * size;
  char *x = take(4, bytes), *y = take(5, bytes), skip[8], greatest[8];
  filled(type, x, bytes, chance(30) ? 0 : 1);
  memcpy(skip, x + below(lanes) * size, (size_t)size);
  uint64_t most = type >= CPOOL_UINT8 ? ~0ull : ~0ull >> (1 + 64 - 8 * size);
  memcpy(greatest, &most, 8);
  SAY("mark %s lanes=%td", types[type], lanes);
  clear(bytes), clear2(lanes * 4);
  int found[2];
  for (int l = 0; l < 2; l++)
    found[l] = L[l]->mark[type](out(l, bytes), (int32_t *)out2(l, lanes * 4), x, skip, greatest, lanes);
  compare(type, bytes, BITS_SAME), compare2(CPOOL_INT32, lanes * 4);
  if (found[0] != found[1]) wrong++, printf("DIFFERS %s returned %d and %d\n", leaf, found[0], found[1]);
  static const double parts[] = {0, 0.5, 0.25, 0.8, 0.1, 0.999};
  const P one = below(6);
  const void *lows[6] = {x, y, y, x, x, y}, *highs[6] = {y, x, y, y, x, x};
  filled(type, x, bytes, 0), filled(type, y, bytes, 0);
  SAY("between %s lanes=%td part=%g", types[type], lanes, parts[one]);
  clear(lanes * 8);
  for (int l = 0; l < 2; l++) L[l]->between[type]((double *)out(l, lanes * 8), lows, highs, parts + one, NULL, lanes);
  compare(CPOOL_FLOAT64, lanes * 8, one == 0 ? NUMBERS_SAME : BITS_SAME);
  int32_t *which = (int32_t *)take(6, lanes * 4);
  for (P i = 0; i < lanes; i++) which[i] = (int32_t)below(6);
  SAY("between %s lanes=%td, each at a part of its own", types[type], lanes);
  clear(lanes * 8);
  for (int l = 0; l < 2; l++) L[l]->between[type]((double *)out(l, lanes * 8), lows, highs, parts, which, lanes);
  compare(CPOOL_FLOAT64, lanes * 8, NUMBERS_SAME);
  if (!L[0]->count[type]) return;
  int32_t *taps = (int32_t *)take(6, lanes * 4), *length = (int32_t *)take(7, lanes * 4),
          *longest = (int32_t *)take(8, lanes * 4);
  for (P i = 0; i < lanes; i++) taps[i] = (int32_t)in(1, 9), length[i] = (int32_t)in(1, 4), longest[i] = (int32_t)in(1, 5);
  filled(type, x, bytes, 1);
  memcpy(y, x, (size_t)bytes);
  for (P i = 0; i < lanes; i++)
    if (chance(50)) memcpy(y + i * size, x + below(lanes) * size, (size_t)size);
  const P tail = 8 * lanes;
  SAY("count %s lanes=%td", types[type], lanes);
  clear(bytes), clear2(tail);
  for (int l = 0; l < 2; l++) {
    memcpy(out2(l, tail), length, (size_t)lanes * 4), memcpy(out2(l, tail) + lanes * 4, longest, (size_t)lanes * 4);
    L[l]->count[type](out(l, bytes), (int32_t *)out2(l, tail), (int32_t *)(out2(l, tail) + lanes * 4), taps, 3, x, y, lanes);
  }
  compare(type, bytes, BITS_SAME), compare2(CPOOL_INT32, tail);
}

/* Indices of n runs, of which the first `lanes` are looked at; planes have runs of `run` elements. */
static void scatters(int type, int wide) {
  const P size = sizes[type], is = wide ? 8 : 4;
  P run = chance(50) ? 1 : in(2, 40), lanes = chance(60) ? run : in(1, run);
  P n = chance(50) ? in(1, 400) : in(1, 40), limit = in(1, 300);
  P stride = (lanes + (chance(50) ? 0 : in(0, 4))) * is, g_stride = (lanes + (chance(50) ? 0 : in(0, 4))) * size;
  P rows = chance(60) ? 1 : in(1, 3), pitch = n * stride, g_pitch = n * g_stride + (chance(70) ? 0 : 2 * size);
  const P plane = limit * run * size;
  if (rows * plane > ROOM / 2 || rows * pitch > ROOM / 2 || rows * g_pitch > ROOM / 2) return;
  P span = (rows - 1) * pitch + (n - 1) * stride + lanes * is;
  P g_span = (rows - 1) * g_pitch + (n - 1) * g_stride + lanes * size;
  char *at = take(4, span), *g = take(5, g_span);
  filled(type, g, g_span, chance(50) ? 0 : 1);
  const int outside = chance(10), equals = chance(40);
  int64_t last = 0;
  memset(at, 0, (size_t)span);
  for (P r = 0; r < rows; r++)
    for (P o = 0; o < n; o++)
      for (P i = 0; i < lanes; i++) {
        if (!equals || chance(10)) last = chance(30) && type != CPOOL_UINT16 ? below(limit) : limit * o / n;
        const int64_t v = outside && chance(2) ? (chance(50) ? -1 : limit) : last;
        char *to = at + r * pitch + o * stride + i * is;
        if (wide) *(int64_t *)to = v;
        else *(int32_t *)to = (int32_t)v;
      }
  int64_t extent[2][2];
  SAY("extent %td n=%td run=%td stride=%td", 8 * is, n, lanes, stride);
  calls++;
  for (int l = 0; l < 2; l++) L[l]->extent[wide](extent[l], at, stride, n, lanes);
  if (memcmp(extent[0], extent[1], 16)) wrong++, printf("DIFFERS %s\n", leaf);
  const int64_t lo = below(limit), hi = in(lo, limit);
  const int assign = chance(40);
  const P part = (hi - lo) * lanes * size;
  SAY("scatter %s %td n=%td run=%td lo=%ld hi=%ld assign=%d", types[type], 8 * is, n, lanes, lo, hi, assign);
  clear(part);
  int odd[2];
  for (int l = 0; l < 2; l++) {
    memset(out(l, part), 0, (size_t)part);
    odd[l] = L[l]->scatter[type][wide](out(l, part), g, g_stride, at, stride, n, lanes, lo, hi, assign);
  }
  compare(type, part, assign ? BITS_SAME : NUMBERS_SAME);
  if (!odd[0] != !odd[1]) wrong++, printf("DIFFERS %s returned %d and %d\n", leaf, odd[0], odd[1]);
  SAY("add %s %td rows=%td n=%td run=%td lanes=%td limit=%td stride=%td g_stride=%td g_pitch=%td assign=%d", types[type],
      8 * is, rows, n, run, lanes, limit, stride, g_stride, g_pitch, assign);
  /* One plane, which is cleared on the way; or several clear ones. */
  const P plane_pitch = rows > 1 && chance(50) ? plane : 0, all = (plane_pitch ? rows : 1) * plane - (run - lanes) * size;
  int64_t cleared[2] = {0, 0};
  clear(all);
  for (int l = 0; l < 2; l++) {
    for (P pixel = 0; plane_pitch && pixel < rows * limit; pixel++)
      memset(out(l, all) + pixel * run * size, 0, (size_t)(lanes * size));
    if (plane_pitch) cleared[l] = limit;
    odd[l] = L[l]->add[type][wide](out(l, all), plane_pitch, g, g_pitch, g_stride, at, pitch, stride, rows, n, run, lanes,
                                   &cleared[l], limit, assign);
  }
  if (odd[0] != odd[1] || (odd[0] != -1 && cleared[0] != cleared[1]))
    wrong++, printf("DIFFERS %s returned %d and %d\n", leaf, odd[0], odd[1]);
  if (odd[0] != -1) compare(type, all, assign ? BITS_SAME : NUMBERS_SAME);
  const P pixels = limit * lanes * size, written = rows * n * lanes * size;
  char *planes = take(6, rows * pixels);
  filled(type, planes, rows * pixels, 0);
  SAY("gather %s %td rows=%td n=%td run=%td limit=%td stride=%td", types[type], 8 * is, rows, n, lanes, limit, stride);
  calls++;
  int inside[2];
  clear(written);
  for (int l = 0; l < 2; l++)
    inside[l] = L[l]->gather[size == 8 ? 3 : size / 2][wide](out(l, written), n * lanes * size, lanes * size, planes, pixels, lanes * size, at,
                                                 pitch, stride, rows, n, lanes, limit);
  if (inside[0] != inside[1]) wrong++, printf("DIFFERS %s returned %d and %d\n", leaf, inside[0], inside[1]);
  if (inside[0]) compare(type, written, BITS_SAME);
}

static void tell(const char *name) {
  if (wrong) printf("%s: %ld calls, %ld differ\n", name, calls, wrong), fflush(stdout);
  total_wrong += wrong;
  wrong = 0;
}

int main(int argc, char **argv) {
  const char *wanted = argc > 1 ? argv[1] : "v4";
  const long rounds = argc > 2 ? atol(argv[2]) : 1, first = argc > 3 ? atol(argv[3]) : 0;
  static cpool_leaves table;
  cpool_overlay(&table, &cpool_leaves_v3);
  if (strcmp(wanted, "v4") == 0) cpool_overlay(&table, &cpool_leaves_v4);
  L[0] = &cpool_leaves_baseline;
  L[1] = &table;
  for (int i = 0; i < ARENAS; i++) {
    char *p = mmap(NULL, ROOM + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    arena[i] = p + PAGE;
    mprotect(arena[i], ROOM, PROT_READ | PROT_WRITE);
  }
  for (int s = 0; s < 4; s++) signal((int[]){SIGSEGV, SIGILL, SIGBUS, SIGFPE}[s], crash);
  seed = 88172645463325252ull;
  if (first == 0) bytes_divided(), tell("bytes divided"), printf("bytes divided: %ld calls\n", calls);
  for (long round = first; round < first + rounds; round++) {
    for (int s = 0; s < 20; s++) seed = seed * 6364136223846793005ull + (uint64_t)round + 1442695040888963407ull;
    for (int red = 0; red < CPOOL_REDUCTIONS; red++)
      for (int type = 0; type < CPOOL_COMPUTED; type++) {
        if (L[0]->fold[red][type])
          for (int i = 0; i < 12; i++) folds(red, type);
        if (L[0]->halve[red][type])
          for (int i = 0; i < 6; i++) halves(red, type);
        if (L[0]->shrink[red][type])
          for (int i = 0; i < 4; i++) shrinks(red, type);
        if (type < 2 && L[0]->condense[red][type])
          for (int i = 0; i < 8; i++) condenses(red, type);
        if (L[0]->pick[red][type])
          for (int i = 0; i < 12; i++) picks(red, type);
        if (L[0]->pick_halves[red][type])
          for (int i = 0; i < 12; i++) picked_halves(red, type);
        tell(names[red]);
      }
    for (int type = 0; type < CPOOL_COMPUTED; type++) {
      for (int i = 0; i < 4; i++) exchanges(type), rest(type), fills_and_blanks(type);
      for (int i = 0; i < 4 && L[0]->find[type]; i++) finds(type);
      for (int stored = 0; stored < CPOOL_STORED; stored++)
        for (int i = 0; i < 3; i++) conversions(type, stored);
      tell(types[type]);
    }
    for (int i = 0; i < 8; i++) places(), runs_turned(), runs_kept(), wholes(0), wholes(1), floating(0), floating(1);
    for (int i = 0; i < 12; i++) halves_summed(CPOOL_FLOAT16), halves_summed(CPOOL_BFLOAT16);
    for (int log = 0; log < 4; log++)
      for (int i = 0; i < 6; i++) turns(log), copies(log), runs_copied(log);
    for (int i = 0; i < 4; i++)
      for (int type = 0; type < CPOOL_COMPUTED; type++)
        if (L[0]->add[type][0]) scatters(type, 0), scatters(type, 1);
    tell("others");
    if (round == 0 || round % 20 == 19) printf("round %ld: %ld calls, %ld differ\n", round, calls, total_wrong), fflush(stdout);
  }
  printf("%s: %ld calls of leaves, %ld differ\n", wanted, calls, total_wrong);
  return total_wrong != 0;
}
