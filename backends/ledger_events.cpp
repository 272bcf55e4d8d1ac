#include "ledger_events.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <span>
#include <string_view>
#include <unordered_map>

#include "escape.h"

namespace wc::backends {

namespace {

enum class Does : uint8_t { Opens, Pair, Close, CloseRange, Dup, DupTo, Fcntl, Ioctl, Receives };

// `flags`: the argument that has the close-on-exec bit; kAlways, kNever, kInText: in a struct.
constexpr int8_t kNever = -1, kAlways = -2, kInText = -3;
struct Row {
  Does does;
  int8_t flags = kNever;
  uint64_t bit = O_CLOEXEC;
};

constexpr uint64_t kPerfCloexec = 8;    // PERF_FLAG_FD_CLOEXEC
constexpr uint64_t kFsopenCloexec = 1;  // FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC, FSPICK_CLOEXEC
constexpr uint64_t kMemfdCloexec = 1;   // MFD_CLOEXEC
constexpr uint64_t kFanotifyCloexec = 1;

const std::unordered_map<std::string_view, Row>& rows() {
  static const std::unordered_map<std::string_view, Row> all = {
      {"open", {Does::Opens, 1}},
      {"openat", {Does::Opens, 2}},
      {"openat2", {Does::Opens, kInText}},
      {"creat", {Does::Opens}},
      {"open_by_handle_at", {Does::Opens, 2}},
      {"open_tree", {Does::Opens, 2}},
      {"socket", {Does::Opens, 1}},
      {"accept", {Does::Opens}},
      {"accept4", {Does::Opens, 3}},
      {"epoll_create", {Does::Opens}},
      {"epoll_create1", {Does::Opens, 0}},
      {"eventfd", {Does::Opens}},
      {"eventfd2", {Does::Opens, 1}},
      {"timerfd_create", {Does::Opens, 1}},
      {"signalfd", {Does::Opens}},
      {"signalfd4", {Does::Opens, 3}},
      {"inotify_init", {Does::Opens}},
      {"inotify_init1", {Does::Opens, 0}},
      {"fanotify_init", {Does::Opens, 0, kFanotifyCloexec}},
      {"memfd_create", {Does::Opens, 1, kMemfdCloexec}},
      {"memfd_secret", {Does::Opens, 0}},
      {"pidfd_open", {Does::Opens, kAlways}},
      {"pidfd_getfd", {Does::Opens, kAlways}},
      {"userfaultfd", {Does::Opens, 0}},
      {"perf_event_open", {Does::Opens, 4, kPerfCloexec}},
      {"io_uring_setup", {Does::Opens, kAlways}},
      {"landlock_create_ruleset", {Does::Opens, kAlways}},
      {"mq_open", {Does::Opens, kAlways}},
      {"fsopen", {Does::Opens, 1, kFsopenCloexec}},
      {"fsmount", {Does::Opens, 1, kFsopenCloexec}},
      {"fspick", {Does::Opens, 2, kFsopenCloexec}},
      {"pipe", {Does::Pair}},
      {"pipe2", {Does::Pair, 1}},
      {"socketpair", {Does::Pair, 1}},
      {"close", {Does::Close}},
      {"close_range", {Does::CloseRange}},
      {"dup", {Does::Dup}},
      {"dup2", {Does::DupTo}},
      {"dup3", {Does::DupTo, 2}},
      {"fcntl", {Does::Fcntl}},
      {"ioctl", {Does::Ioctl}},
      {"recvmsg", {Does::Receives, 2, MSG_CMSG_CLOEXEC}},
      {"recvmmsg", {Does::Receives, 3, MSG_CMSG_CLOEXEC}},
  };
  return all;
}

const Row* row_of(const wc_syscall& event) {
  const auto found = rows().find(view(event.name));
  return found != rows().end() ? &found->second : nullptr;
}

uint64_t word(const wc_syscall& event, size_t index) {
  return event.args != nullptr && index < event.nargs ? event.args[index].value : 0;
}

// As the kernel takes it: an int.
int64_t descriptor(const wc_syscall& event, size_t index) {
  return static_cast<int32_t>(word(event, index));
}

// A result that no table has.
constexpr int64_t kHighest = INT32_MAX;
bool is_descriptor(int64_t value) { return value >= 0 && value <= kHighest; }

bool is_cloexec(const wc_syscall& event, const Row& row) {
  if (row.flags == kAlways) return true;
  if (row.flags == kInText)
    return view(event.args_text).find("O_CLOEXEC") != std::string_view::npos;
  return row.flags >= 0 && (word(event, static_cast<size_t>(row.flags)) & row.bit) != 0;
}

std::string name_and_path(const wc_syscall& event) {
  std::string what(view(event.name));
  if (event.path == nullptr) return what;
  what += " \"";
  append_escaped(what, event.path);
  return what + '"';
}

// The numbers of "[3, 4]", which is where decoders show what the kernel has written; with -y each
// has its file behind it.
std::vector<int64_t> numbers_in_brackets(std::string_view text) {
  std::vector<int64_t> numbers;
  const size_t open = text.find('[');
  if (open == text.npos) return numbers;
  text.remove_prefix(open + 1);
  while (true) {
    int64_t number = 0;
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return numbers;
    numbers.push_back(number);
    text.remove_prefix(static_cast<size_t>(at - text.data()));
    if (text.starts_with('<')) text.remove_prefix(std::min(text.find('>'), text.size() - 1) + 1);
    if (!text.starts_with(", ")) return numbers;
    text.remove_prefix(2);
  }
}

// All of those that a message has brought.
std::vector<int64_t> received(std::string_view text) {
  constexpr std::string_view kRights = "SCM_RIGHTS";
  std::vector<int64_t> all;
  for (size_t at = text.find(kRights); at != text.npos; at = text.find(kRights)) {
    text.remove_prefix(at + kRights.size());
    for (const int64_t fd : numbers_in_brackets(text.substr(0, text.find(']')))) all.push_back(fd);
  }
  return all;
}

class Reader {
 public:
  Reader(const wc_syscall& event, const LedgerPlace* place, LedgerNames& names)
      : event_(event), place_(place), names_(&names) {}

  std::vector<LedgerOp> read() {
    if ((event_.flags & WC_SYSCALL_NO_RESULT) != 0) return {};
    if (event_.error != 0) return failed();
    if (const Row* row = row_of(event_)) succeeded(*row);
    return std::move(ops_);
  }

 private:
  LedgerOp& add(LedgerOp::Kind kind, int64_t fd, int64_t other = -1) {
    const bool opens = kind == LedgerOp::Kind::Open;
    ops_.push_back({.at = opens ? event_.ts + event_.dur : event_.ts,
                    .kind = kind,
                    .pid = event_.pid,
                    .tid = event_.tid,
                    .fd = fd,
                    .other = other,
                    .place = place_});
    return ops_.back();
  }

  void opens(int64_t fd, bool cloexec, int64_t from = -1) {
    if (!is_descriptor(fd)) return;
    LedgerOp& op = add(LedgerOp::Kind::Open, fd, from);
    op.is_cloexec = cloexec;
    op.what = names_->intern(name_and_path(event_));
  }

  void dup_to(const Row& row) {
    const int64_t from = descriptor(event_, 0), to = descriptor(event_, 1);
    if (from == to) return;
    // What it closes to make room is no leak.
    add(LedgerOp::Kind::Close, to).at = event_.ts + event_.dur;
    opens(to, is_cloexec(event_, row), from);
  }

  void fcntl_does() {
    switch (word(event_, 1)) {
      case F_DUPFD:
      case F_DUPFD_CLOEXEC:
        return opens(event_.ret, word(event_, 1) == F_DUPFD_CLOEXEC, descriptor(event_, 0));
      case F_SETFD:
        return mark((word(event_, 2) & FD_CLOEXEC) != 0);
      default:
        return;
    }
  }

  void mark(bool cloexec) {
    const int64_t fd = descriptor(event_, 0);
    add(LedgerOp::Kind::Mark, fd, fd).is_cloexec = cloexec;
  }

  void close_range_does() {
    const auto first = static_cast<int64_t>(static_cast<uint32_t>(word(event_, 0)));
    const auto last = static_cast<int64_t>(static_cast<uint32_t>(word(event_, 1)));
    const bool marks = (word(event_, 2) & CLOSE_RANGE_CLOEXEC) != 0;
    add(marks ? LedgerOp::Kind::Mark : LedgerOp::Kind::CloseMany, first, last).is_cloexec = marks;
  }

  void succeeded(const Row& row) {
    switch (row.does) {
      case Does::Opens:
        return opens(event_.ret, is_cloexec(event_, row));
      case Does::Pair:
      case Does::Receives: {
        const std::string_view text = view(event_.args_text);
        const bool is_pair = row.does == Does::Pair;
        for (const int64_t fd : is_pair ? numbers_in_brackets(text) : received(text))
          opens(fd, is_cloexec(event_, row));
        return;
      }
      case Does::Close:
        add(LedgerOp::Kind::Close, descriptor(event_, 0));
        return;
      case Does::CloseRange:
        return close_range_does();
      case Does::Dup:
        return opens(event_.ret, false, descriptor(event_, 0));
      case Does::DupTo:
        return dup_to(row);
      case Does::Fcntl:
        return fcntl_does();
      case Does::Ioctl:
        if (word(event_, 1) == FIOCLEX || word(event_, 1) == FIONCLEX)
          mark(word(event_, 1) == FIOCLEX);
        return;
    }
  }

  // Linux takes the number away whatever close(2) says, but for EBADF.
  std::vector<LedgerOp> failed() {
    const bool closes = view(event_.name) == "close";
    const bool is_real = (event_.flags & WC_SYSCALL_INJECTED) == 0;
    if (closes && event_.error != EBADF && is_real)
      add(LedgerOp::Kind::Close, descriptor(event_, 0));
    if (event_.error != EBADF || !is_real) return std::move(ops_);
    const auto kind = closes ? LedgerOp::Kind::BadClose : LedgerOp::Kind::BadUse;
    add(kind, descriptor(event_, bad_argument())).what = names_->intern(view(event_.name));
    return std::move(ops_);
  }

  // Which of them was meant is not said; the tables leave out what is open.
  [[nodiscard]] size_t bad_argument() const { return view(event_.name) == "mmap" ? 4 : 0; }

  const wc_syscall& event_;
  const LedgerPlace* place_;
  LedgerNames* names_;
  std::vector<LedgerOp> ops_;
};

}  // namespace

bool concerns_ledger(const wc_syscall& event) {
  return event.error == EBADF || row_of(event) != nullptr;
}

std::vector<LedgerOp> ledger_ops(const wc_syscall& event, const LedgerPlace* place,
                                 LedgerNames& names) {
  return Reader(event, place, names).read();
}

}  // namespace wc::backends
