/*
 * ring.c: the thread's end of its ring of records (protocol/shared.h).
 *
 * A signal handler may interrupt the writing of a record and write records of its own. Places are
 * therefore reserved by one instruction, and only the outermost writer publishes. A reserved place
 * reads SKIP until its record is complete: a handler that leaves by longjmp leaves nothing half
 * done. `marked` says how far that is so: a handler that comes before the interrupted writer has
 * marked its places does it for it. No place is published that is not marked.
 */
#include "preload_lib/record.h"
#include "preload_lib/shim.h"

/* Signals cannot come between the load and the store of one instruction; other threads do not
 * write. */
static inline uint32_t fetch_add(uint32_t *at, uint32_t n) {
  __asm__ volatile("xadd %0, %1" : "+r"(n), "+m"(*at) : : "memory", "cc");
  return n;
}

/* How many places are taken once `more` are. */
static inline uint32_t taken_with(struct wc_slot *slot, uint32_t more) {
  return *(volatile uint32_t *)&slot->reserved + more - *(volatile uint32_t *)&slot->tail;
}

/* The same for "if it is still `from`, let it be `to`". Stores release on this machine. */
static inline int replace(uint32_t *at, uint32_t from, uint32_t to) {
  int done;
  __asm__ volatile("cmpxchg %3, %1" : "=@ccz"(done), "+m"(*at), "+a"(from) : "r"(to) : "memory");
  return done;
}

/* The partner of the acquire load in RingReader::unread(). A handler that comes in between
 * publishes what it has written itself: a smaller position must not be stored over its own, for the
 * tracer may look at any moment. */
static inline void publish(struct wc_slot *slot) {
  uint32_t head, end;
  do {
    head = *(volatile uint32_t *)&slot->head;
    end = *(volatile uint32_t *)&slot->marked;
  } while (!replace(&slot->head, head, end) || *(volatile uint32_t *)&slot->marked != end);
}

/* longjmp has left the outermost writer: its frame, or the call that it was in, is no more. A
 * writer that a handler on a higher stack has interrupted is taken for gone, too, and its record
 * may be lost: asking the kernel for the alternate stack would take more of the stack than there
 * is. */
static inline int writer_is_gone(const struct wc_slot *slot, uint64_t here) {
  uint32_t depth = wc_thread.writer_depth;
  return wc_thread.writer <= here || slot->depth < depth ||
         (depth > 0 && slot->scopes[depth - 1].seq != wc_thread.writer_call);
}

/* Whenever a writer is counted, these say whose the outermost is: longjmp may leave it anywhere. */
static inline __attribute__((always_inline)) void note_writer(const struct wc_slot *slot,
                                                              uint64_t here) {
  uint32_t depth = slot->depth;
  if (WC_UNLIKELY(depth > WC_MAX_SCOPES)) depth = 0; /* the program has written there */
  wc_thread.writer_depth = depth;
  wc_thread.writer_call = WC_LIKELY(depth > 0) ? slot->scopes[depth - 1].seq : 0;
  wc_thread.writer = here;
}

/* Out of line, for the sake of its callers' frames. */
static __attribute__((noinline)) void begin_writing(struct wc_slot *slot) {
  uint64_t here = (uint64_t)__builtin_frame_address(0);
  if (WC_UNLIKELY(wc_thread.writers != 0)) {
    if (!writer_is_gone(slot, here)) {
      wc_thread.writers++;
      return;
    }
    slot->dropped += wc_thread.writers;
    wc_thread.writers = 0;
    publish(slot);
  }
  note_writer(slot, here);
  WC_BARRIER();
  wc_thread.writers = 1;
  WC_BARRIER();
  note_writer(slot, here); /* a handler may have come in between */
}

/* No writer is counted where one was taken for gone that was only on another stack. */
static inline __attribute__((always_inline)) void end_writing(struct wc_slot *slot) {
  if (wc_thread.writers == 0 || --wc_thread.writers == 0) publish(slot);
}

static void skip(struct wc_slot *slot, uint32_t from, uint32_t places) {
  wc_slot_ring(slot)[from & wc_process.ring_mask].type = WC_RECORD_SKIP | places << 16;
}

/* The same where they may reach beyond the ring's end. */
static inline __attribute__((always_inline)) void skip_around(struct wc_slot *slot, uint32_t from,
                                                              uint32_t places) {
  uint32_t left = wc_process.ring_mask + 1 - (from & wc_process.ring_mask);
  if (places > left) skip(slot, from + left, places - left);
  skip(slot, from, places < left ? places : left);
}

/* This is a handler, and has interrupted a writer that has reserved places and not marked them.
 * `reserved` is read first: a handler that comes between the two reads marks them itself. */
static __attribute__((noinline, cold)) void mark_for_interrupted(struct wc_slot *slot) {
  uint32_t end = *(volatile uint32_t *)&slot->reserved;
  uint32_t from = *(volatile uint32_t *)&slot->marked;
  if ((int32_t)(end - from) <= 0) return;
  skip_around(slot, from, end - from);
  WC_BARRIER();
  replace(&slot->marked, from, end);
}

/* A tracer that sleeps may ask for the next bell (WC_BELL_RINGS) as soon as it has answered: that
 * ring is not full. A record larger than a ring must not pass for that. A handler may have taken
 * places while the thread stood in its bell. */
static inline int has_room(struct wc_slot *slot, uint32_t more) {
  uint32_t places = wc_process.ring_mask + 1, taken = taken_with(slot, more);
  if (taken >= WC_BELL_RINGS * places) taken -= WC_BELL_RINGS * places;
  return taken <= places && more <= places;
}

/* Lets the tracer drain the ring, which it does whenever the thread stops; 0: there is none any
 * more. */
static __attribute__((noinline, cold)) int make_room(struct wc_slot *slot, uint32_t more) {
  if (wc_thread.writers == 1) publish(slot);
  slot->wants_room = 1;
  wc_bell(slot, slot->gate_open);
  return has_room(slot, more);
}

static void ring_bell(struct wc_slot *slot) {
  slot->wants_room = 1;
  wc_bell_trap(slot->index, 0, 0);
}

/* Engine inproc has no gate that would need the socket, and little stack to spare. */
static __attribute__((noinline, cold)) int make_room_in_process(struct wc_slot *slot,
                                                                uint32_t more) {
  if (wc_thread.writers == 1) publish(slot);
  /* A tracer that is busy would answer late. */
  if (wc_process.config & WC_CONFIG_DROP && *(volatile uint32_t *)&wc_process.shared->busy)
    return has_room(slot, more);
  ring_bell(slot);
  /* Full of what an outermost writer never published: that was left by longjmp, and all since then
   * runs below its frame. What is not complete reads SKIP. */
  if (WC_UNLIKELY(!has_room(slot, more) && wc_thread.writers > 1)) {
    publish(slot);
    ring_bell(slot);
  }
  return has_room(slot, more);
}

/* `places` in a row, with `spare` left behind them. NULL when they are not to be had. */
static inline __attribute__((always_inline)) struct wc_record *reserve(
    struct wc_slot *slot, uint32_t places, uint32_t spare,
    int (*make)(struct wc_slot *, uint32_t)) {
  uint32_t mask = wc_process.ring_mask;
  for (;;) {
    /* Twice: the ring's end may have to be skipped. */
    uint32_t more = 2 * places + spare;
    if (WC_UNLIKELY(taken_with(slot, more) > mask)) {
      const int has_place = make(slot, more);
      wc_keep_ignoring(); /* here, where `make` takes no stack any more */
      if (!has_place) return NULL;
    }
    if (WC_UNLIKELY(*(volatile uint32_t *)&slot->reserved != *(volatile uint32_t *)&slot->marked))
      mark_for_interrupted(slot);
    uint32_t start = fetch_add(&slot->reserved, places);
    int fits = places == 1 || places <= mask + 1 - (start & mask);
    if (WC_LIKELY(fits))
      skip(slot, start, places);
    else
      skip_around(slot, start, places);
    WC_BARRIER();
    replace(&slot->marked, start, start + places); /* unless a handler has, and gone further */
    if (WC_LIKELY(fits)) return &wc_slot_ring(slot)[start & mask];
  }
}

static uint32_t room_for(wc_piece piece) { return (wc_piece_size(piece) + 7) & ~7u; }

static __attribute__((noinline)) void copy_pieces(void *to, const wc_piece *pieces,
                                                  uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    struct wc_captured *captured = to;
    captured->address = wc_piece_address(pieces[i]);
    captured->room = room_for(pieces[i]);
    captured->size = (uint32_t)wc_copy(captured + 1, captured->address, wc_piece_size(pieces[i]));
    to = (uint8_t *)(captured + 1) + captured->room;
  }
}

static uint32_t places_for(enum wc_record_front front, const wc_piece *pieces, uint32_t count) {
  uint32_t bytes = front;
  for (uint32_t i = 0; i < count; i++) bytes += sizeof(struct wc_captured) + room_for(pieces[i]);
  return (bytes + sizeof(struct wc_record) - 1) / sizeof(struct wc_record);
}

/* The returns of calls that were reported always find room: a call has one. */
enum { kRoomForReturns = WC_MAX_SCOPES };

struct wc_record_body *wc_begin_record(struct wc_slot *slot, enum wc_record_front front,
                                       const wc_piece *pieces, uint32_t count) {
  uint32_t places = places_for(front, pieces, count);
  begin_writing(slot);
  struct wc_record *record = reserve(slot, places, kRoomForReturns, make_room_in_process);
  if (WC_UNLIKELY(record == NULL)) {
    end_writing(slot);
    return NULL;
  }
  struct wc_record_body *body = (struct wc_record_body *)(record + 1);
  body->captures = count;
  copy_pieces((uint8_t *)record + front, pieces, count);
  return body;
}

void wc_end_record(struct wc_slot *slot, struct wc_record_body *body, uint32_t type) {
  struct wc_record *record = (struct wc_record *)body - 1;
  WC_BARRIER();
  record->type = type | (record->type & ~0xffffu); /* it has read SKIP so far */
  end_writing(slot);
}

static inline __attribute__((always_inline)) void append(struct wc_slot *slot, uint32_t type,
                                                         uint64_t seq, uint64_t ret, uint64_t tsc,
                                                         int32_t error) {
  begin_writing(slot);
  struct wc_record *record = reserve(slot, 1, 0, make_room);
  if (record != NULL) {
    record->seq = seq;
    record->ret = ret;
    record->error = error;
    record->tsc = tsc;
    WC_BARRIER();
    record->type = type | 1u << 16;
  }
  end_writing(slot);
}

void wc_append_return(struct wc_slot *slot, uint64_t seq, uint64_t ret, uint64_t tsc,
                      int32_t error) {
  append(slot, WC_RECORD_RETURN, seq, ret, tsc, error);
}

/* On its own: it stands deepest on the stack, and has less to keep there. */
void wc_append_unwound(struct wc_slot *slot, uint64_t seq) {
  append(slot, WC_RECORD_UNWOUND, seq, 0, wc_ticks(), 0);
}

/* As most wrappers pass them on. */
static inline int has_its_syscalls_args(const struct wc_scope *scope,
                                        const struct wc_pending *pending) {
  WC_STATIC_ASSERT(WC_FEW_ARGS == 3, "all of them are compared");
  return wc_process.functions[scope->function].flags & WC_FUNCTION_FEW &&
         scope->args[0] == pending->args[0] && scope->args[1] == pending->args[1] &&
         scope->args[2] == pending->args[2];
}

/* Writes call, syscall and return as one record, because a thin call has nothing else to report.
 * Returns 0 where the return is left to be reported: a signal handler has recorded the rest, or the
 * tracer has reported it. */
int wc_record_thin_call(struct wc_slot *slot, uint64_t value, int32_t error) {
  struct wc_pending *pending = &slot->pending[0];
  uint64_t end = wc_claim(pending), ret = pending->ret;
  if (WC_UNLIKELY(end == 0)) return 0;
  struct wc_scope *scope = &slot->scopes[0];
  int reported = wc_close_scope(scope);
  wc_piece pieces[WC_CAPTURES];
  int same = has_its_syscalls_args(scope, pending);
  enum wc_record_front front = same ? WC_FRONT_CALL_ALONE : WC_FRONT_CALL;
  uint32_t count = 0, places = (front + sizeof(struct wc_record) - 1) / sizeof(struct wc_record);
  if (wc_process.shared->plans[pending->nr % WC_PLANNED_SYSCALLS].captures[0].kind_unit != 0) {
    count = wc_measure_syscall(pending->nr, pending->args, ret, pieces);
    places = places_for(front, pieces, count);
  }
  begin_writing(slot);
  struct wc_record *record = reserve(slot, places, kRoomForReturns, make_room_in_process);
  if (WC_LIKELY(record != NULL)) {
    struct wc_record_body *body = (struct wc_record_body *)(record + 1);
    wc_fill_syscall(body, pending, ret, end);
    struct wc_record_call *call = wc_fill_call(body, scope, 0);
    if (!same) wc_copy_words((uint64_t *)(call + 1), scope->args);
    call->value = value;
    record->error = error;
    body->captures = count;
    if (count != 0) copy_pieces((uint8_t *)record + front, pieces, count);
    WC_BARRIER();
    record->type = WC_RECORD_CALL_SYSCALL | WC_RECORD_RETURNED | (same ? WC_RECORD_SAME_ARGS : 0) |
                   places << 16;
  } else {
    slot->dropped++;
  }
  end_writing(slot);
  slot->pending_depth = 0;
  return record != NULL || !reported;
}
