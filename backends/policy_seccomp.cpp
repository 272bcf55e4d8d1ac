// A seccomp filter sees numbers and arguments, not who made a system call: one profile is for the
// whole process. Its entries are by object nevertheless, so that a reader sees why each is there:
// one for each set of objects that made the same system calls. No name stands twice, which
// libseccomp may refuse.
#include <map>
#include <set>
#include <string>

#include "append.h"
#include "escape.h"
#include "json_writer.h"
#include "policy_text.h"

namespace wc::backends {

namespace {

constexpr std::string_view kOutside = "(outside of calls)";
constexpr std::string_view kUnknown = "(unknown)";
constexpr std::string_view kAlways = "(always: the program starts, ends, returns from a signal)";
// Made by the runtime behind the filter: the program is started so.
constexpr std::string_view kStart = "execve";

using Makers = std::map<std::string, std::set<std::string>>;  // by system call

void add(Makers& makers, const Syscalls& names, std::string_view maker) {
  for (const std::string& name : names) makers[name].emplace(maker);
}

std::map<std::set<std::string>, Syscalls> by_objects(const PolicyRecord& record) {
  Makers makers;
  for (const auto& [place, made] : record.places())
    add(makers, made, place.object.empty() ? kUnknown : std::string_view(place.object));
  add(makers, record.outside(), kOutside);
  add(makers, record.of_i386(), "(32-bit entry)");
  Syscalls always = always_allowed(record);
  always.emplace(kStart);
  for (const std::string& name : always) {
    if (!makers.contains(name)) makers[name].emplace(kAlways);
  }
  std::map<std::set<std::string>, Syscalls> entries;
  for (const auto& [name, objects] : makers) entries[objects].insert(name);
  return entries;
}

void append_entry(std::string& out, const std::set<std::string>& objects, const Syscalls& names) {
  out += "    ";
  JsonWriter json(out);
  json.begin_object();
  json.key("names");
  json.begin_array();
  for (const std::string& name : names) json.string(name);
  json.end_array();
  json.member("action", std::string_view("SCMP_ACT_ALLOW"));
  std::string comment;
  for (const std::string& object : objects) comment += (comment.empty() ? "" : ", ") + object;
  json.member("comment", std::string_view(comment));
  json.end_object();
}

}  // namespace

void append_policy_seccomp(std::string& out, const PolicyRecord& record) {
  constexpr int kEperm = 1;
  append_format(out, "{{\n  \"defaultAction\": \"SCMP_ACT_ERRNO\",\n  \"defaultErrnoRet\": {},\n",
                kEperm);
  out += "  \"architectures\": [\"SCMP_ARCH_X86_64\"";
  if (!record.of_i386().empty()) out += ", \"SCMP_ARCH_X86\"";
  out += "],\n  \"syscalls\": [\n";
  bool first = true;
  for (const auto& [objects, names] : by_objects(record)) {
    if (!first) out += ",\n";
    append_entry(out, objects, names);
    first = false;
  }
  out += "\n  ]\n}\n";
}

}  // namespace wc::backends
