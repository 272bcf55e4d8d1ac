#include "proc/process.h"

#include <dirent.h>
#include <elf.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "proc/files.h"

namespace wc::proc {
namespace {

constexpr size_t kMaxVector = 1 << 16;
constexpr size_t kMaxLine = 4096;

// Takes one word from the front.
std::string_view take_word(std::string_view& text) {
  const size_t from = std::min(text.find_first_not_of(" \n"), text.size());
  const size_t to = std::min(text.find_first_of(" \n", from), text.size());
  const std::string_view word = text.substr(from, to - from);
  text.remove_prefix(to);
  return word;
}

// A whole word as a number, with or without "0x".
template <typename Number>
bool to_number(std::string_view word, Number& value) {
  const bool is_hex = word.starts_with("0x");
  if (is_hex) word.remove_prefix(2);
  const auto [end, error] =
      std::from_chars(word.data(), word.data() + word.size(), value, is_hex ? 16 : 10);
  return error == std::errc() && end == word.data() + word.size();
}

}  // namespace

std::string exe_path(pid_t pid) {
  auto path = read_of_any_thread(
      pid, [](pid_t tid) -> Result<std::string> { return link_target(path_of(tid, "exe")); });
  return path ? *path : std::string();
}

std::string descriptor_target(pid_t pid, int fd) {
  return link_target(path_of(pid, "fd/" + std::to_string(fd)));
}

std::vector<pid_t> threads_of(pid_t pid) {
  std::vector<pid_t> threads;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path_of(pid, "task").c_str()), closedir);
  if (folder == nullptr) return threads;
  while (const dirent* entry = readdir(folder.get())) {
    pid_t tid = 0;
    if (to_number(entry->d_name, tid) && tid > 0) threads.push_back(tid);
  }
  return threads;
}

AuxiliaryVector AuxiliaryVector::parse(std::string_view bytes) {
  AuxiliaryVector vector;
  for (; bytes.size() >= sizeof(Entry); bytes.remove_prefix(sizeof(Entry))) {
    Entry entry;
    std::memcpy(&entry, bytes.data(), sizeof entry);
    if (entry.type == AT_NULL) break;
    vector.entries_.push_back(entry);
  }
  return vector;
}

std::optional<uint64_t> AuxiliaryVector::find(uint64_t type) const {
  for (const Entry& entry : entries_)
    if (entry.type == type) return entry.value;
  return std::nullopt;
}

Result<AuxiliaryVector> read_auxv(pid_t pid) {
  const auto bytes = read_of_any_thread(
      pid, [](pid_t tid) { return read_file(path_of(tid, "auxv"), kMaxVector); });
  if (!bytes) return bytes.error();
  return AuxiliaryVector::parse(*bytes);
}

// "running", "-1 SP IP", or "NR ARG0 ... ARG5 SP IP".
std::optional<KernelPlace> parse_kernel_place(std::string_view text) {
  KernelPlace place;
  const std::string_view first = take_word(text);
  if (first == "running") return place;
  if (!to_number(first, place.nr)) return std::nullopt;
  place.kind = place.nr < 0 ? KernelPlace::Kind::Elsewhere : KernelPlace::Kind::InSyscall;
  if (place.kind == KernelPlace::Kind::InSyscall)
    for (uint64_t& arg : place.args)
      if (!to_number(take_word(text), arg)) return std::nullopt;
  if (!to_number(take_word(text), place.sp) || !to_number(take_word(text), place.ip))
    return std::nullopt;
  return place;
}

Result<KernelPlace> read_kernel_place(pid_t tid) {
  const auto text = read_file(path_of(tid, "syscall"), kMaxLine);
  if (!text) return text.error();
  const auto place = parse_kernel_place(*text);
  if (!place)
    return Error{"/proc does not say where thread " + std::to_string(tid) + " is", EINVAL};
  return *place;
}

int yama_scope() {
  const auto text = read_file("/proc/sys/kernel/yama/ptrace_scope", kMaxLine);
  int scope = 0;
  if (!text) return 0;
  std::string_view line = *text;
  return to_number(take_word(line), scope) ? scope : 0;
}

}  // namespace wc::proc
