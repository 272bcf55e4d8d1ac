/*
 * pieces.c: which pieces of the program's memory go into a record, so that the tracer can print
 * arguments later (engine inproc). The plans are the tracer's (protocol/shared.h, wc_capture);
 * what they point to may be no memory at all.
 */
#include "preload_lib/shim.h"

/* How much of a piece is memory, found out by asking the kernel a page at a time: FUTEX_WAIT reads
 * the word before it compares, and the time to wait is none. Catching the fault would not do, a
 * program that has SIGSEGV blocked is killed by it. */
__attribute__((noinline)) uint64_t wc_readable(uint64_t address, uint64_t size) {
  enum { kFutex = 202, kWaitPrivate = 128, kUnlikely = 0x5eaf00d5, kFault = -14 };
  static const int64_t no_time[2] = {0, 0};
  uint64_t at = address & ~3ull, end = address + size;
  while (at < end) {
    if (wc_sys4(kFutex, (long)at, kWaitPrivate, kUnlikely, (long)no_time) == kFault)
      return at > address ? at - address : 0;
    at = (at | (WC_PAGE - 1)) + 1;
  }
  return size;
}

static inline uint64_t string_size(uint64_t address, uint64_t limit, int trusted) {
  uint64_t done = 0;
  if (trusted) return wc_string_size(address, limit);
  while (done < limit) {
    uint64_t at = address + done, chunk = WC_PAGE - (at & (WC_PAGE - 1));
    if (chunk > limit - done) chunk = limit - done;
    if (wc_readable(at, 1) == 0) break;
    uint64_t n = wc_string_size(at, chunk);
    done += n;
    if (n < chunk || *(const char *)(at + n - 1) == 0) break;
  }
  return done;
}

/* The piece of memory that `capture` names; size 0: none. */
static inline __attribute__((always_inline)) wc_piece measure(struct wc_capture capture,
                                                              const uint64_t *args, uint64_t ret,
                                                              int trusted) {
  uint32_t kind = capture.kind_unit & 7, unit = capture.kind_unit >> 4;
  uint32_t word = capture.words & 15;
  uint64_t address = word == WC_CAPTURE_RESULT ? ret : args[word];
  uint64_t size = capture.size;
  enum { kLowestPage = 65536 }; /* what is below is a number */
  if (address < kLowestPage || address >> (WC_ADDRESS_BITS - 1) != 0) return 0;
  if (kind == WC_CAPTURE_STRING) return wc_piece_of(address, string_size(address, size, trusted));
  if (kind >= WC_CAPTURE_COUNTED) {
    uint64_t n = kind == WC_CAPTURE_COUNTED ? args[capture.words >> 4] : ret;
    if ((int64_t)n < 0) n = 0;
    if (n < size) {
      n = unit == WC_CAPTURE_DOZEN ? 12 * n : n << unit;
      if (n < size) size = n;
    }
  }
  return wc_piece_of(address, trusted ? size : wc_readable(address, size));
}

/* Whether the kernel has just read or written all of it. Not where the call has failed, maybe
 * before it looked; nor what is counted, if the call has come to less; nor a struct that another
 * argument decides on. */
static inline int was_touched(struct wc_capture capture, const uint64_t *args, int64_t ret) {
  uint32_t kind = capture.kind_unit & 7;
  if (ret < 0) return 0;
  if (kind == WC_CAPTURE_COUNTED)
    return ret == 0 || ret >= capture.size || (uint64_t)ret == args[capture.words >> 4];
  return kind != WC_CAPTURE_FIXED || capture.kind_unit & WC_CAPTURE_WRITTEN;
}

static int is_vector(struct wc_capture capture) {
  return (capture.kind_unit & 7) == WC_CAPTURE_VECTOR;
}

uint32_t wc_measure_syscall(uint32_t nr, const uint64_t *args, uint64_t result, wc_piece *pieces) {
  enum { kLastError = -4095 };
  const struct wc_capture *captures = wc_process.shared->plans[nr % WC_PLANNED_SYSCALLS].captures;
  int64_t ret = (int64_t)result;
  int failed = ret < 0 && ret >= kLastError;
  uint32_t n = 0;
  for (uint32_t i = 0; i < WC_CAPTURES && captures[i].kind_unit != 0; i++) {
    if (failed && captures[i].kind_unit & WC_CAPTURE_WRITTEN) continue;
    if (is_vector(captures[i])) continue;
    pieces[n] = measure(captures[i], args, result, was_touched(captures[i], args, ret));
    if (wc_piece_size(pieces[n]) != 0) n++;
  }
  return n;
}

/* What the kernel has moved, the result, was memory. */
static uint32_t measure_vector(struct wc_capture capture, const uint64_t *args, int64_t ret,
                               wc_piece *pieces) {
  enum { kPart = 16, kPartShift = 4 };
  struct wc_capture array = {WC_CAPTURE_COUNTED | kPartShift << 4, capture.words,
                             WC_VECTOR_PARTS * kPart};
  pieces[0] = measure(array, args, 0, ret >= 0);
  uint32_t n = wc_piece_size(pieces[0]) != 0 ? 1 : 0, parts = wc_piece_size(pieces[0]) / kPart;
  uint64_t array_at = wc_piece_address(pieces[0]), moved = ret > 0 ? (uint64_t)ret : 0;
  int is_written = (capture.kind_unit & WC_CAPTURE_WRITTEN) != 0;
  for (uint32_t i = 0; i < parts; i++) {
    uint64_t part[2]; /* struct iovec */
    if (wc_copy(part, array_at + i * kPart, kPart) != kPart) break;
    uint64_t here = part[1] < moved ? part[1] : moved;
    uint64_t size = is_written ? here : part[1];
    if (size > capture.size) size = capture.size;
    moved -= here;
    if (size == 0) continue;
    struct wc_capture bytes = {WC_CAPTURE_FIXED, 0, (uint16_t)size};
    pieces[n] = measure(bytes, part, 0, size <= here);
    if (wc_piece_size(pieces[n]) != 0) n++;
  }
  return n;
}

uint32_t wc_measure_vectors(uint32_t nr, const uint64_t *args, uint64_t result, wc_piece *pieces) {
  const struct wc_capture *captures = wc_process.shared->plans[nr % WC_PLANNED_SYSCALLS].captures;
  int64_t ret = (int64_t)result;
  for (uint32_t i = 0; i < WC_CAPTURES && captures[i].kind_unit != 0; i++)
    if (is_vector(captures[i])) return measure_vector(captures[i], args, ret, pieces);
  return 0;
}

/* Where the struct that a syscall reads and the one that it writes are in one place, what was read
 * is gone when the record is made. Their sizes need not be known exactly: the tracer sees more. */
int wc_writes_what_it_reads(const struct wc_site *site) {
  const struct wc_capture *captures = wc_process.shared->plans[site->nr].captures;
  for (uint32_t in = 0; in < WC_CAPTURES && captures[in].kind_unit != 0; in++) {
    if (captures[in].kind_unit & WC_CAPTURE_WRITTEN) continue;
    uint64_t from = site->args[captures[in].words & 15];
    for (uint32_t out = 0; out < WC_CAPTURES && captures[out].kind_unit != 0; out++) {
      if (!(captures[out].kind_unit & WC_CAPTURE_WRITTEN) || from == 0) continue;
      if ((captures[out].words & 15) == WC_CAPTURE_RESULT) continue;
      uint64_t to = site->args[captures[out].words & 15];
      uint64_t size = captures[in].size;
      if (from - to >= captures[out].size && to - from >= size) continue;
      if ((captures[in].kind_unit & 7) == WC_CAPTURE_STRING) size = string_size(from, size, 0);
      if (from - to < captures[out].size || to - from < size) return 1;
    }
  }
  return 0;
}

/* Whether the record of this syscall will hold what a call around it is given. Of a string the
 * bytes that write(2) is given are not all: there is no end, and no byte that says it is longer. */
static int is_captured_by(const struct wc_site *site, struct wc_capture capture,
                          const uint64_t *args) {
  const struct wc_capture *captures = wc_process.shared->plans[site->nr].captures;
  uint32_t kind = capture.kind_unit & 7;
  for (uint32_t i = 0; i < WC_CAPTURES && captures[i].kind_unit != 0; i++)
    if (site->args[captures[i].words & 15] == args[capture.words & 15] &&
        (kind != WC_CAPTURE_STRING || (captures[i].kind_unit & 7) == WC_CAPTURE_STRING))
      return 1;
  return 0;
}

/* What follows a printf format: stack words, vector registers where a conversion takes one, and
 * every word that may point to a string, if one does. The tracer knows which is which. */
static __attribute__((noinline)) uint32_t measure_variadic(const struct wc_scope *scope,
                                                           wc_piece format, wc_piece *pieces,
                                                           uint32_t n) {
  enum { kStackWords = 16, kStringSize = 256 };
  const char *text = (const char *)wc_piece_address(format);
  uint32_t fixed = wc_process.functions[scope->function].fixed_args;
  int strings = 0, doubles = 0, percent = 0;
  for (uint32_t i = 0; i < wc_piece_size(format); i++) {
    char c = text[i];
    percent |= c == '%';
    strings |= percent && c == 's';
    doubles |= percent && ((c | 32) == 'a' || ((c | 32) >= 'e' && (c | 32) <= 'g'));
  }
  if (!percent) return n;
  const uint64_t *stack = (const uint64_t *)scope->sp + 1;
  uint64_t size = wc_readable((uint64_t)stack, kStackWords * sizeof *stack) & ~7ull;
  pieces[n++] = wc_piece_of((uint64_t)stack, size);
  if (doubles) pieces[n++] = wc_piece_of(scope->sp - WC_VECTORS_BELOW, WC_VECTORS_SIZE);
  for (uint32_t i = fixed; strings && n < WC_CALL_PIECES && i < 6 + size / sizeof *stack; i++) {
    enum { kLowestPage = 65536 };
    uint64_t word = i < 6 ? scope->args[i] : stack[i - 6];
    if (word < kLowestPage || word >> (WC_ADDRESS_BITS - 1) != 0) continue;
    pieces[n] = wc_piece_of(word, string_size(word, kStringSize, 0));
    if (wc_piece_size(pieces[n]) != 0) n++;
  }
  return n;
}

int wc_has_no_pieces(const struct wc_scope *scope, const struct wc_site *site) {
  const struct wc_function *function = &wc_process.functions[scope->function];
  const struct wc_capture *captures = function->captures;
  if (function->flags & WC_FUNCTION_FORMAT) return 0;
  for (uint32_t i = 0; i < WC_FUNCTION_CAPTURES && captures[i].kind_unit != 0; i++)
    if (!(captures[i].kind_unit & WC_CAPTURE_WRITTEN) &&
        !is_captured_by(site, captures[i], scope->args))
      return 0;
  return 1;
}

uint32_t wc_measure_entry(const struct wc_scope *scope, const struct wc_site *site,
                          wc_piece *pieces) {
  const struct wc_capture *captures = wc_process.functions[scope->function].captures;
  uint32_t n = 0;
  for (uint32_t i = 0; i < WC_FUNCTION_CAPTURES && captures[i].kind_unit != 0; i++) {
    if (captures[i].kind_unit & WC_CAPTURE_WRITTEN) continue;
    if (site != NULL && is_captured_by(site, captures[i], scope->args)) continue;
    if (is_vector(captures[i])) continue; /* its syscall's record has it */
    pieces[n] = measure(captures[i], scope->args, 0, 0);
    if (wc_piece_size(pieces[n]) != 0) n++;
  }
  /* The format is the last of them. */
  if (wc_process.functions[scope->function].flags & WC_FUNCTION_FORMAT && n > 0)
    n = measure_variadic(scope, pieces[n - 1], pieces, n);
  return n;
}

uint32_t wc_measure_return(const struct wc_scope *scope, uint64_t ret, wc_piece *pieces) {
  const struct wc_capture *captures = wc_process.functions[scope->function].captures;
  uint32_t n = 0;
  for (uint32_t i = 0; i < WC_FUNCTION_CAPTURES && captures[i].kind_unit != 0; i++) {
    if (!(captures[i].kind_unit & WC_CAPTURE_WRITTEN)) continue;
    pieces[n] = measure(captures[i], scope->args, ret, 0);
    if (wc_piece_size(pieces[n]) != 0) n++;
  }
  return n;
}
