// Waiting for descriptors: poll, select, epoll.
#include <poll.h>
#include <sys/select.h>

#include <algorithm>
#include <cstring>

#include "decode/args.h"

namespace wc {
namespace {

struct __attribute__((packed)) KernelEpollEvent {
  uint32_t events;
  uint64_t data;
};

void append_pollfd(std::string& out, const DecodeContext& context, const pollfd& entry) {
  out += "{fd=";
  append_fd(out, context, entry.fd);
  if (entry.fd >= 0) {
    out += ", events=";
    append_flags(out, FlagTable::PollEvents, static_cast<uint16_t>(entry.events));
  }
  out += '}';
}

void append_epoll_event(std::string& out, const KernelEpollEvent& event) {
  out += "{events=";
  append_flags(out, FlagTable::EpollEvents, event.events);
  out += ", data={u32=";
  append_udec(out, static_cast<uint32_t>(event.data));
  out += ", u64=";
  append_udec(out, event.data);
  out += "}}";
}

// Sets larger than this are not what a program means: FD_SETSIZE is 1024.
constexpr uint64_t kMaxDescriptors = 65536;

// Appends the members of a set, "3 5" without brackets, or returns false when it is unreadable.
bool append_fd_set_members(std::string& out, const Arg& arg, uint64_t address, uint64_t nfds) {
  const uint32_t limit = arg.context.options.string_size;
  uint32_t shown = 0;
  // All of it or nothing: what cannot be read to its end is no set.
  uint64_t last = 0;
  if (nfds != 0 && !fetch(arg.context, address + (nfds - 1) / 64 * 8, last)) return false;
  for (uint64_t base = 0; base < nfds; base += 64) {
    // The kernel reads whole bytes only as far as nfds goes, in words.
    uint64_t word = 0;
    if (!fetch(arg.context, address + base / 8, word)) return false;
    const uint64_t here = nfds - base;
    if (here < 64) word &= (uint64_t{1} << here) - 1;
    for (; word != 0; word &= word - 1) {
      if (shown != 0) out += ' ';
      if (shown++ == limit) {
        out += "...";
        return true;
      }
      const uint64_t fd = base + static_cast<unsigned>(__builtin_ctzll(word));
      if (arg.at_exit)
        append_udec(out, fd);  // in results strace shows no paths
      else
        append_fd(out, arg.context, static_cast<int32_t>(fd));
    }
  }
  return true;
}

uint64_t descriptor_count(const Arg& arg) {
  const auto nfds = static_cast<int32_t>(arg.aux_word());
  return nfds < 0 ? 0 : std::min<uint64_t>(static_cast<uint32_t>(nfds), kMaxDescriptors);
}

void append_fd_set(const Arg& arg, std::string& out) {
  std::string members;
  const bool negative = static_cast<int32_t>(arg.aux_word()) < 0;
  if (arg.word == 0 || negative ||
      !append_fd_set_members(members, arg, arg.word, descriptor_count(arg))) {
    return append_pointer(out, arg.word);
  }
  out += '[';
  out += members;
  out += ']';
}

}  // namespace

// "([{fd=3, revents=POLLIN}, ...])": those that have something to tell. arg is the vector's.
void append_poll_result(std::string& out, const Arg& arg) {
  const uint64_t count = std::min<uint64_t>(static_cast<uint32_t>(arg.aux_word()), 65536);
  const uint32_t limit = arg.context.options.string_size;
  uint32_t shown = 0;
  out += '[';
  for (uint64_t i = 0; i < count; i++) {
    pollfd entry;
    if (!fetch(arg.context, arg.word + i * sizeof entry, entry)) break;
    if (entry.revents == 0) continue;
    if (shown != 0) out += ", ";
    if (shown++ == limit) {
      out += "...";
      break;
    }
    out += "{fd=";
    append_dec(out, entry.fd);
    out += ", revents=";
    append_flags(out, FlagTable::PollEvents, static_cast<uint16_t>(entry.revents));
    out += '}';
  }
  out += ']';
}

void append_fd_set_result(std::string& out, const Arg& arg) { append_fd_set(arg, out); }

void decode_poll(const Arg& arg, DecodedArg& to) {
  std::string& out = to.text;
  switch (arg.spec.kind) {
    case ArgKind::Pollfd:
      return append_array(out, arg.context, arg.word, static_cast<uint32_t>(arg.aux_word()),
                          sizeof(pollfd), [&arg](std::string& text, const std::byte* at) {
                            append_pollfd(text, arg.context, load<pollfd>(at));
                          });
    case ArgKind::EpollEvent: {
      KernelEpollEvent event;
      if (fetch_or_address(arg, event, out)) append_epoll_event(out, event);
      return;
    }
    case ArgKind::EpollEventOut:
      return append_array(out, arg.context, arg.word, arg.ret, sizeof(KernelEpollEvent),
                          [](std::string& text, const std::byte* at) {
                            append_epoll_event(text, load<KernelEpollEvent>(at));
                          });
    case ArgKind::FdSet:
      return append_fd_set(arg, out);
    default:
      return append_pointer(out, arg.word);
  }
}

}  // namespace wc
