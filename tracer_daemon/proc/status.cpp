#include "proc/status.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "proc/files.h"

namespace wc::proc {
namespace {

constexpr size_t kMaxStatus = size_t{2} << 20;  // a process can have 65,536 groups: 720 KB

std::string_view trim(std::string_view text) {
  const size_t from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

// The number at the front of `text`; what is no number leaves 0.
template <typename Number>
void read_number(std::string_view text, int base, Number& value) {
  Number read{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read, base);
  value = error == std::errc() && end != text.data() ? read : Number{};
}

void read_set(std::string_view text, SignalSet& set) {
  uint64_t bits = 0;
  read_number(text, 16, bits);
  set = SignalSet(bits);
}

void read_ids(std::string_view text, UserIds& ids) {
  for (uid_t* id : {&ids.real, &ids.effective, &ids.saved, &ids.file_system}) {
    text = trim(text);
    read_number(text, 10, *id);
    text.remove_prefix(std::min(text.find_first_of(" \t"), text.size()));
  }
}

void read_last(std::string_view text, pid_t& value) {
  read_number(text.substr(text.find_last_of(" \t") + 1), 10, value);
}

using Reader = void (*)(std::string_view value, Status& status);

struct Field {
  std::string_view name;
  Reader read;
};

constexpr std::array kFields{
    Field{"Name", [](std::string_view v, Status& s) { s.name = v; }},
    Field{"State", [](std::string_view v, Status& s) { s.state = v.empty() ? '\0' : v[0]; }},
    Field{"Tgid", [](std::string_view v, Status& s) { read_number(v, 10, s.tgid); }},
    Field{"Pid", [](std::string_view v, Status& s) { read_number(v, 10, s.pid); }},
    Field{"NStgid", [](std::string_view v, Status& s) { read_last(v, s.namespace_tgid); }},
    Field{"PPid", [](std::string_view v, Status& s) { read_number(v, 10, s.ppid); }},
    Field{"TracerPid", [](std::string_view v, Status& s) { read_number(v, 10, s.tracer_pid); }},
    Field{"Uid", [](std::string_view v, Status& s) { read_ids(v, s.uid); }},
    Field{"Gid", [](std::string_view v, Status& s) { read_ids(v, s.gid); }},
    Field{"VmSize", [](std::string_view v, Status& s) { s.has_memory = !v.empty(); }},
    Field{"Threads", [](std::string_view v, Status& s) { read_number(v, 10, s.threads); }},
    Field{"SigPnd", [](std::string_view v, Status& s) { read_set(v, s.pending); }},
    Field{"ShdPnd", [](std::string_view v, Status& s) { read_set(v, s.shared_pending); }},
    Field{"SigBlk", [](std::string_view v, Status& s) { read_set(v, s.blocked); }},
    Field{"SigIgn", [](std::string_view v, Status& s) { read_set(v, s.ignored); }},
    Field{"SigCgt", [](std::string_view v, Status& s) { read_set(v, s.caught); }},
    Field{"CapEff",
          [](std::string_view v, Status& s) { read_number(v, 16, s.effective_capabilities); }},
    Field{"NoNewPrivs", [](std::string_view v, Status& s) { s.no_new_privs = v == "1"; }},
    Field{"Seccomp", [](std::string_view v, Status& s) { read_number(v, 10, s.seccomp); }},
};

void parse_line(std::string_view line, Status& status) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = line.substr(0, colon);
  const auto field = std::ranges::find(kFields, name, &Field::name);
  if (field != kFields.end()) field->read(trim(line.substr(colon + 1)), status);
}

}  // namespace

std::optional<Status> parse_status(std::string_view text) {
  Status status;
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1))
    parse_line(text.substr(0, end), status);
  if (status.tgid <= 0 || status.pid <= 0) return std::nullopt;
  return status;
}

Result<Status> read_status(pid_t tid) {
  const auto text = read_file(path_of(tid, "status"), kMaxStatus);
  if (!text) return text.error();
  auto status = parse_status(*text);
  if (!status) return Error{"/proc has no status of " + std::to_string(tid), ESRCH};
  return *std::move(status);
}

}  // namespace wc::proc
