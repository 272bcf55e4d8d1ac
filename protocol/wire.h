/*
 * wire.h: messages over the Unix socket (SOCK_SEQPACKET: one packet, one message).
 * docs/protocol.md tells the handshake. All integers are little-endian, native to x86-64.
 * wc_parse() is the only way to look at received bytes: it checks magic, version, type and
 * the exact size of the type before it hands out a pointer.
 */
#ifndef WC_PROTOCOL_WIRE_H
#define WC_PROTOCOL_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/shared.h"

#define WC_WIRE_MAGIC 0x30494357u /* "WCI0" */
#define WC_PROTOCOL_VERSION 2u    /* the newest version this build speaks */
#define WC_PROTOCOL_OLDEST 2u     /* the oldest one it still speaks */
#define WC_MAX_MESSAGE 256u

enum wc_message_type {
  WC_HELLO = 1,       /* shim, where the bell is not enough: wc_hello.flags says what it wants */
  WC_WELCOME = 2,     /* tracer; with one descriptor, the shared memory, where that was asked for */
  WC_REFUSE = 3,      /* tracer: run native; text says why */
  WC_SCOPE_BEGIN = 4, /* shim, socket gate: switch interception on; waits for wc_slot.ack */
  WC_SCOPE_END = 5,   /* shim, socket gate: switch it off; waits likewise */
  WC_LOOK = 6,        /* shim, socket gate: look at my slot (ring full, values to read); waits */
  WC_ATTACH = 7,      /* wc-preload --connect: trace this process from its next exec on */
  WC_ATTACHED = 8,    /* tracer: done */
  WC_CONTROL = 9      /* wc-ctl, to `serve`; with one descriptor, a stream socket that speaks the
                         lines of --control (docs/control.md) from now on */
};

struct wc_message {
  uint32_t magic;
  uint16_t version;
  uint16_t type;
  uint32_t size; /* of the whole message */
  uint32_t reserved;
};

enum wc_hello_flags {
  WC_HELLO_MEMORY = 1u << 0,  /* by the socket: send the shared memory */
  WC_HELLO_GATE = 1u << 1,    /* by the socket: this connection is for gate socket's messages */
  WC_HELLO_HAS_GATE = 1u << 2 /* by the bell: such a connection is there */
};

/* Said by the bell (enum wc_ask in shared.h), or sent. */
struct wc_hello {
  struct wc_message head; /* head.version: the newest the shim speaks */
  uint32_t oldest_version;
  uint32_t flags; /* OR of enum wc_hello_flags */
  uint64_t state; /* the shim's state of the process, which a forked child must not have; */
  uint64_t state_size;
  uint64_t stub_id;
  uint64_t bell;             /* address of the doorbell breakpoint */
  uint64_t gadget;           /* address of the `syscall; int3` pair */
  uint64_t landing;          /* the landing pad: address of its syscall instruction, */
  uint64_t landing_saved;    /* from here rax and rdx are in landing_ret and r11, */
  uint64_t landing_restored; /* until here, */
  uint64_t landing_end;      /* and its end */
  uint64_t exempt_begin;     /* where the shim's own syscalls are issued */
  uint64_t exempt_end;
  /* Engine inproc, what the tracer needs to patch syscall sites. */
  uint64_t thunks; /* room for thunks: each behind a patched site */
  uint64_t thunks_end;
  uint64_t site; /* where a thunk goes when a scope is open, until site_end */
  uint64_t site_end;
  uint64_t site_return;    /* behind the syscall that is recorded */
  uint64_t copy;           /* a fault between here ... */
  uint64_t copy_end;       /* ... and here makes the thread continue at copy_end */
  int64_t selector_offset; /* of the selector, from the thread pointer */
  uint64_t injection;      /* address of a struct wc_injection */
};

struct wc_welcome {
  struct wc_message head; /* head.version: the one to speak */
  uint64_t shared_size;
};

struct wc_refuse {
  struct wc_message head;
  char text[112]; /* NUL-terminated */
};

struct wc_scope_message {
  struct wc_message head;
  uint32_t slot;
  uint32_t bell; /* number that the tracer stores into wc_slot.ack */
};

struct wc_attach {
  struct wc_message head;
  int32_t pid;
  uint32_t reserved;
};

WC_STATIC_ASSERT(sizeof(struct wc_message) == 16, "wc_message");
WC_STATIC_ASSERT(sizeof(struct wc_hello) == 184, "wc_hello");
WC_STATIC_ASSERT(offsetof(struct wc_hello, stub_id) == 40, "wc_hello.stub_id");
WC_STATIC_ASSERT(sizeof(struct wc_welcome) == 24, "wc_welcome");
WC_STATIC_ASSERT(sizeof(struct wc_refuse) == 128, "wc_refuse");
WC_STATIC_ASSERT(sizeof(struct wc_scope_message) == 24, "wc_scope_message");
WC_STATIC_ASSERT(sizeof(struct wc_attach) == 24, "wc_attach");

/* Size of a message of this type, 0 for an unknown type. */
static inline uint32_t wc_message_size(uint16_t type) {
  switch (type) {
    case WC_HELLO:
      return sizeof(struct wc_hello);
    case WC_WELCOME:
      return sizeof(struct wc_welcome);
    case WC_REFUSE:
      return sizeof(struct wc_refuse);
    case WC_SCOPE_BEGIN:
    case WC_SCOPE_END:
    case WC_LOOK:
      return sizeof(struct wc_scope_message);
    case WC_ATTACH:
      return sizeof(struct wc_attach);
    case WC_ATTACHED:
    case WC_CONTROL:
      return sizeof(struct wc_message);
    default:
      return 0;
  }
}

enum wc_parse_result {
  WC_PARSE_OK = 0,
  WC_PARSE_SHORT,   /* fewer bytes than a message head, or than its type needs */
  WC_PARSE_MAGIC,   /* the magic number of no message */
  WC_PARSE_VERSION, /* a version this build does not speak */
  WC_PARSE_TYPE,    /* unknown type */
  WC_PARSE_SIZE     /* size field and packet disagree */
};

/* Checks `size` received bytes, which must be aligned to 8. HELLO may carry a newer version as long
 * as its oldest_version is spoken here: that is the negotiation. */
static inline enum wc_parse_result wc_parse(const void *bytes, size_t size,
                                            const struct wc_message **message) {
  const struct wc_message *m = (const struct wc_message *)bytes;
  *message = NULL; /* C, too: NOLINT(modernize-use-nullptr) */
  if (size < sizeof(*m)) return WC_PARSE_SHORT;
  if (m->magic != WC_WIRE_MAGIC) return WC_PARSE_MAGIC;
  uint32_t expected = wc_message_size(m->type);
  if (expected == 0) return WC_PARSE_TYPE;
  if (m->size != size) return WC_PARSE_SIZE;
  if (size < expected) return WC_PARSE_SHORT;
  if (m->type == WC_HELLO) {
    const struct wc_hello *hello = (const struct wc_hello *)bytes;
    if (hello->oldest_version > WC_PROTOCOL_VERSION || m->version < WC_PROTOCOL_OLDEST)
      return WC_PARSE_VERSION;
  } else if (m->version < WC_PROTOCOL_OLDEST || m->version > WC_PROTOCOL_VERSION) {
    return WC_PARSE_VERSION;
  }
  /* A newer speaker may append fields to a HELLO; everything else is exact. */
  if (size != expected && !(m->type == WC_HELLO && m->version > WC_PROTOCOL_VERSION))
    return WC_PARSE_SIZE;
  *message = m;
  return WC_PARSE_OK;
}

static inline struct wc_message wc_message_head(uint16_t type) {
  struct wc_message m = {WC_WIRE_MAGIC, WC_PROTOCOL_VERSION, type, wc_message_size(type), 0};
  return m;
}

#endif
