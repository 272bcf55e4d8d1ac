/* Pieces of a program's memory, copied into the record that is being made. A piece that cannot be
 * read whole is read to the end of its page. */
#ifndef WC_BPF_PIECES_H
#define WC_BPF_PIECES_H

#include "thread_state.bpf.h"

enum { PIECE_STRING = 1, PIECE_FIXED = 2, PIECE_COUNTED = 3, PIECE_RETURNED = 4, PIECE_VECTOR = 5 };
enum { PIECE_WRITTEN = 8, PIECE_RESULT = 15, PIECE_DOZEN = 15 };
#define PAGE 4096u

static __always_inline void begin(struct thread* t, __u32 kind) {
  const __u64 ids = bpf_get_current_pid_tgid();
  struct wc_bpf_record* r = &t->record;
  r->kind = kind;
  r->pieces = 0;
  r->time = bpf_ktime_get_ns();
  r->pid = ids >> 32;
  r->tid = (__u32)ids;
  r->number = 0;
  r->goroutine = t->goroutine;
  r->ret = 0;
  r->what = 0;
  r->depth = t->depth;
  r->flags = 0;
  r->error = 0;
  t->used = 0;
  t->missed = 0;
}

/* Some room is kept for what ends what is reported, and for what becomes of processes. */
static __always_inline int send(struct thread* t, int may_be_lost) {
  __u32 used = t->used;
  if (used > WC_BPF_ROOM) used = WC_BPF_ROOM;
  if (may_be_lost && bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >
                         bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE) / 8 * 7)
    return -1;
  __u64 flags = BPF_RB_NO_WAKEUP;
  if (is_asleep) {
    is_asleep = 0;
    flags = BPF_RB_FORCE_WAKEUP;
  }
  return bpf_ringbuf_output(&ring, &t->record, sizeof t->record + used, flags);
}

/* Where the next piece's bytes go; null: there is no room. */
static __always_inline unsigned char* place_of_piece(struct thread* t) {
  __u32 used = t->used;
  if (used > WC_BPF_ROOM - WC_BPF_PIECE - sizeof(struct captured)) return 0;
  return t->pieces + used + sizeof(struct captured);
}

static __always_inline void add_piece(struct thread* t, __u64 address, __u32 size) {
  __u32 used = t->used;
  if (used > WC_BPF_ROOM - WC_BPF_PIECE - sizeof(struct captured)) return;
  struct captured* head = (struct captured*)(t->pieces + used);
  head->address = address;
  head->size = size;
  head->room = (size + 7) & ~7u;
  t->used = used + sizeof *head + head->room;
  t->record.pieces++;
}

/* `size`: at most so many bytes, a string's NUL included. Returns how many were copied. */
__attribute__((noinline)) int take_piece(struct thread* t, __u64 address, __u32 size,
                                         int is_string) {
  if (!t || address == 0 || size == 0) return 0;
  unsigned char* to = place_of_piece(t);
  if (!to) return 0;
  if (size > WC_BPF_PIECE) size = WC_BPF_PIECE;
  long got = is_string ? bpf_probe_read_user_str(to, size, (void*)address)
                       : bpf_probe_read_user(to, size, (void*)address);
  if (got >= 0) {
    if (!is_string) got = size;
  } else {
    t->missed = 1;
    __u32 rest = PAGE - (address & (PAGE - 1));
    if (rest >= size || rest > WC_BPF_PIECE) return 0;
    if (bpf_probe_read_user(to, rest, (void*)address) != 0) return 0;
    got = rest;
  }
  add_piece(t, address, got);
  return got;
}

struct io_part {
  __u64 base, size;
};

/* struct iovec[], and what each points to. */
__attribute__((noinline)) int take_vector(struct thread* t, __u64 address, __u64 count,
                                          __u32 most) {
  if (!t) return 0;
  if (count > 6) count = 6;
  take_piece(t, address, count * sizeof(struct io_part), 0);
  for (int i = 0; i < 6 && i < count; i++) {
    struct io_part part;
    if (bpf_probe_read_user(&part, sizeof part, (void*)(address + i * sizeof part)) != 0) break;
    take_piece(t, part.base, part.size < most ? part.size : most, 0);
  }
  return 0;
}

/* char*[], as execve(2) has it. */
__attribute__((noinline)) int take_strings(struct thread* t, __u64 address, __u32 most) {
  if (!t) return 0;
  take_piece(t, address, (WC_BPF_STRINGS + 1) * sizeof(__u64), 0);
  for (int i = 0; i < WC_BPF_STRINGS; i++) {
    __u64 string = 0;
    if (bpf_probe_read_user(&string, sizeof string, (void*)(address + i * sizeof string)) != 0 ||
        string == 0)
      break;
    take_piece(t, string, most, 1);
  }
  return 0;
}

/* struct msghdr: name and its size, parts and how many, control data and its size, flags. */
__attribute__((noinline)) int take_message(struct thread* t, __u64 address, __u32 most) {
  if (!t) return 0;
  __u64 header[7];
  if (bpf_probe_read_user(header, sizeof header, (void*)address) != 0) {
    t->missed = 1;
    return 0;
  }
  take_piece(t, address, sizeof header, 0);
  take_piece(t, header[0], header[1] < 128 ? (__u32)header[1] : 128, 0);
  take_vector(t, header[2], header[3], most);
  return take_piece(t, header[4], header[5] < 256 ? (__u32)header[5] : 256, 0);
}

/* One row of a plan: kind and unit, argument and what counts it, size. */
__attribute__((noinline)) int take_row(struct thread* t, __u32 kind_unit, __u32 words, __u32 size) {
  if (!t) return 0;
  const __u32 word = words & 15, aux = words >> 4 & 15, unit = kind_unit >> 4 & 15;
  const __s64 ret = t->record.ret;
  __u64 address = ret, count = ret;
  if (word != PIECE_RESULT) {
    if (word > 5 && word != WC_BPF_CAPTURE_STACK) return 0;
    address = word > 5 ? t->record.sp + t->stack_end + sizeof(__u64) : t->record.args[word];
  }
  switch (kind_unit & 7) {
    case PIECE_STRING:
      return take_piece(t, address, size, 1);
    case PIECE_FIXED:
      return take_piece(t, address, size, 0);
    case WC_BPF_CAPTURE_STRINGS:
      return take_strings(t, address, size);
    case WC_BPF_CAPTURE_MESSAGE:
      return take_message(t, address, size);
    case PIECE_RETURNED:
      if (ret < 0) return 0;
      break;
    default:
      if (aux > 5) return 0;
      count = t->record.args[aux];
  }
  if ((kind_unit & 7) == PIECE_VECTOR) return take_vector(t, address, count, size);
  if (count > size) count = size;
  count = unit == PIECE_DOZEN ? count * 12 : count << unit;
  return take_piece(t, address, count < size ? count : size, 0);
}

static __always_inline void take_plan(struct thread* t, const struct wc_bpf_plan* plan,
                                      __u32 written) {
  if (!plan) return;
  for (int i = 0; i < WC_BPF_CAPTURES; i++) {
    const __u32 kind = plan->kind_unit[i];
    if (kind == 0) break;
    if ((kind & PIECE_WRITTEN) == written) take_row(t, kind, plan->words[i], plan->size[i]);
  }
}

#endif
