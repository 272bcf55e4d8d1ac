/*
 * ring.c: the thread's end of its ring of records (protocol/shared.h).
 *
 * A signal handler may interrupt the writing of a record and write records of its own. Places are
 * therefore reserved by one instruction, and only the outermost writer publishes. A reserved place
 * reads SKIP until its record is complete: a handler that leaves by longjmp leaves nothing half
 * done.
 */
#include "preload_lib/shim.h"

/* Signals cannot come between the load and the store of one instruction; other threads do not
 * write. */
static inline uint32_t fetch_add(uint32_t *at, uint32_t n) {
  __asm__ volatile("xadd %0, %1" : "+r"(n), "+m"(*at) : : "memory", "cc");
  return n;
}

static inline uint32_t used(struct wc_slot *slot, uint32_t end) {
  return end - *(volatile uint32_t *)&slot->tail;
}

static void publish(struct wc_slot *slot) {
  uint32_t end;
  do {
    end = *(volatile uint32_t *)&slot->reserved;
    __atomic_store_n(&slot->head, end, __ATOMIC_RELEASE);
  } while (*(volatile uint32_t *)&slot->reserved != end);
}

static void begin_writing(struct wc_slot *slot) {
  uint64_t here = (uint64_t)__builtin_frame_address(0);
  /* The outermost writer's frame is gone, another one stands there: it was left by longjmp. One
   * that a handler on a higher stack has interrupted is taken for gone, too, and its record may be
   * lost; asking for the alternate stack takes more of the stack than there is. */
  if (WC_UNLIKELY(wc_thread.writers != 0 && wc_thread.writer != 0 && wc_thread.writer <= here)) {
    wc_thread.writers = 0;
    publish(slot);
  }
  if (wc_thread.writers++ == 0) wc_thread.writer = here;
}

/* No writer is counted where one was taken for gone that was only on another stack. */
static void end_writing(struct wc_slot *slot) {
  if (wc_thread.writers <= 1) wc_thread.writer = 0;
  if (wc_thread.writers == 0 || --wc_thread.writers == 0) publish(slot);
}

static void skip(struct wc_slot *slot, uint32_t from, uint32_t places) {
  wc_slot_ring(slot)[from & wc_process.ring_mask].type = WC_RECORD_SKIP | places << 16;
}

/* Lets the tracer drain the ring, which it does whenever the thread stops; 0: there is none any
 * more. */
static __attribute__((noinline, cold)) int make_room(struct wc_slot *slot, uint32_t end) {
  uint32_t before = *(volatile uint32_t *)&slot->tail;
  if (wc_thread.writers == 1) publish(slot);
  wc_bell(slot, slot->gate_open);
  return *(volatile uint32_t *)&slot->tail != before && used(slot, end) <= wc_process.ring_mask + 1;
}

/* Engine inproc has no gate that would need the socket, and little stack to spare. */
static __attribute__((noinline, cold)) int make_room_in_process(struct wc_slot *slot,
                                                                uint32_t end) {
  uint32_t before = *(volatile uint32_t *)&slot->tail;
  if (wc_thread.writers == 1) publish(slot);
  wc_bell_trap(wc_slot_index(slot));
  /* Full of what an outermost writer never published: that was left by longjmp, and all since then
   * runs below its frame. What is not complete reads SKIP. */
  if (WC_UNLIKELY(*(volatile uint32_t *)&slot->tail == before && wc_thread.writers > 1)) {
    publish(slot);
    wc_bell_trap(wc_slot_index(slot));
  }
  return *(volatile uint32_t *)&slot->tail != before && used(slot, end) <= wc_process.ring_mask + 1;
}

/* `places` in a row. NULL when there is no tracer to take them. */
static inline struct wc_record *reserve(struct wc_slot *slot, uint32_t places,
                                        int (*make)(struct wc_slot *, uint32_t)) {
  uint32_t mask = wc_process.ring_mask;
  for (;;) {
    if (WC_UNLIKELY(used(slot, slot->reserved + 2 * places) > mask) &&
        !make(slot, slot->reserved + 2 * places))
      return NULL;
    uint32_t start = fetch_add(&slot->reserved, places);
    uint32_t left = mask + 1 - (start & mask);
    if (WC_LIKELY(places <= left)) {
      skip(slot, start, places);
      return &wc_slot_ring(slot)[start & mask];
    }
    skip(slot, start, left);
    skip(slot, start + left, places - left);
  }
}

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
  uint32_t kind = capture.kind_unit & 7, shift = capture.kind_unit >> 4;
  uint32_t word = capture.words & 15;
  uint64_t address = word == WC_CAPTURE_RESULT ? ret : args[word];
  uint64_t size = capture.size;
  enum { kLowestPage = 65536 }; /* what is below is a number */
  if (address < kLowestPage || address >> (WC_ADDRESS_BITS - 1) != 0) return 0;
  if (kind == WC_CAPTURE_STRING) return wc_piece_of(address, string_size(address, size, trusted));
  if (kind >= WC_CAPTURE_COUNTED) {
    uint64_t n = kind == WC_CAPTURE_COUNTED ? args[capture.words >> 4] : ret;
    if ((int64_t)n < 0) n = 0;
    if (n < size >> shift) size = n << shift;
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

uint32_t wc_measure_syscall(const struct wc_site *site, wc_piece *pieces) {
  enum { kLastError = -4095, kFault = -14 };
  const struct wc_capture *captures = wc_process.shared->plans[site->nr].captures;
  int64_t ret = (int64_t)site->ret;
  int failed = ret < 0 && ret >= kLastError;
  uint32_t n = 0;
  if (ret == kFault) return 0;
  for (uint32_t i = 0; i < WC_CAPTURES && captures[i].kind_unit != 0; i++) {
    if (failed && captures[i].kind_unit & WC_CAPTURE_WRITTEN) continue;
    pieces[n] =
        measure(captures[i], site->args, site->ret, was_touched(captures[i], site->args, ret));
    if (wc_piece_size(pieces[n]) != 0) n++;
  }
  return n;
}

/* Whether the record of this syscall will hold it. */
static int is_captured_by(const struct wc_site *site, uint64_t address) {
  const struct wc_capture *captures = wc_process.shared->plans[site->nr].captures;
  for (uint32_t i = 0; i < WC_CAPTURES && captures[i].kind_unit != 0; i++)
    if (site->args[captures[i].words & 15] == address) return 1;
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

uint32_t wc_measure_entry(const struct wc_scope *scope, const struct wc_site *site,
                          wc_piece *pieces) {
  const struct wc_capture *captures = wc_process.functions[scope->function].captures;
  uint32_t n = 0;
  for (uint32_t i = 0; i < WC_FUNCTION_CAPTURES && captures[i].kind_unit != 0; i++) {
    if (captures[i].kind_unit & WC_CAPTURE_WRITTEN) continue;
    if (site != NULL && is_captured_by(site, scope->args[captures[i].words & 15])) continue;
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

static uint32_t room_for(wc_piece piece) { return (wc_piece_size(piece) + 7) & ~7u; }

static void copy_pieces(void *to, const wc_piece *pieces, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    struct wc_captured *captured = to;
    captured->address = wc_piece_address(pieces[i]);
    captured->room = room_for(pieces[i]);
    captured->size = (uint32_t)wc_copy(captured + 1, captured->address, wc_piece_size(pieces[i]));
    to = (uint8_t *)(captured + 1) + captured->room;
  }
}

struct wc_record_body *wc_begin_record(struct wc_slot *slot, const wc_piece *pieces,
                                       uint32_t count) {
  uint32_t bytes = sizeof(struct wc_record) + sizeof(struct wc_record_body);
  for (uint32_t i = 0; i < count; i++) bytes += sizeof(struct wc_captured) + room_for(pieces[i]);
  uint32_t places = (bytes + sizeof(struct wc_record) - 1) / sizeof(struct wc_record);
  begin_writing(slot);
  struct wc_record *record = reserve(slot, places, make_room_in_process);
  if (record == NULL) {
    end_writing(slot);
    return NULL;
  }
  struct wc_record_body *body = (struct wc_record_body *)(record + 1);
  body->captures = count;
  copy_pieces(body + 1, pieces, count);
  return body;
}

void wc_end_record(struct wc_slot *slot, struct wc_record_body *body, uint32_t type) {
  struct wc_record *record = (struct wc_record *)body - 1;
  WC_BARRIER();
  record->type = type | (record->type & ~0xffffu); /* it has read SKIP so far */
  end_writing(slot);
}

static inline __attribute__((always_inline)) void append(struct wc_slot *slot, uint32_t type,
                                                         uint64_t seq, uint64_t ret,
                                                         int32_t error) {
  begin_writing(slot);
  struct wc_record *record = reserve(slot, 1, make_room);
  if (record != NULL) {
    record->seq = seq;
    record->ret = ret;
    record->error = error;
    record->tsc = wc_ticks();
    WC_BARRIER();
    record->type = type | 1u << 16;
  }
  end_writing(slot);
}

void wc_append_return(struct wc_slot *slot, uint64_t seq, uint64_t ret, int32_t error) {
  append(slot, WC_RECORD_RETURN, seq, ret, error);
}

/* On its own: it stands deepest on the stack, and has less to keep there. */
void wc_append_unwound(struct wc_slot *slot, uint64_t seq) {
  append(slot, WC_RECORD_UNWOUND, seq, 0, 0);
}
