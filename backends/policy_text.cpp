#include "policy_text.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "append.h"
#include "escape.h"

namespace wc::backends {

namespace {

// Denied, these would make a program crash that has met an error and ends, or that a signal has
// interrupted. They reach nothing outside of the program.
constexpr std::string_view kAlways[] = {"exit", "exit_group", "restart_syscall", "rt_sigreturn"};
// The kernel makes restart_syscall of these when a stopped process continues.
constexpr std::string_view kRestarted[] = {"clock_nanosleep", "futex", "nanosleep", "poll"};

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '$';
}

// A name as a glob that matches it. What means something in a rule, in a list or in an INI file
// becomes a `?`, which matches any character; `kept` does not.
std::string glob_of(std::string_view name, std::string_view kept) {
  std::string glob;
  for (size_t i = 0; i < name.size(); i++) {
    const bool is_scope_mark = kept.find(':') != kept.npos && name.substr(i, 2) == "::";
    if (is_scope_mark) {
      glob += "::";
      i++;
    } else {
      const bool is_kept = is_word(name[i]) || (name[i] != ':' && kept.find(name[i]) != kept.npos);
      glob += is_kept ? name[i] : '?';
    }
  }
  return glob;
}

using Objects = std::set<std::string_view>;

Objects objects_of(const PolicyRecord& record) {
  Objects objects;
  for (const auto& [place, made] : record.places()) objects.insert(place.object);
  return objects;
}

// A library in a rule stands for those of longer names, too: "libx.so" for "libx.so.1". Where there
// is such a one, a bracket makes a glob of it, which has to match as a whole.
std::string object_glob(std::string_view object, const Objects& all) {
  std::string glob = glob_of(object, "-+~%");
  const bool stands_for_others = std::any_of(all.begin(), all.end(), [&](std::string_view other) {
    return other.size() > object.size() && other.starts_with(object) && other[object.size()] == '.';
  });
  if (stands_for_others && is_word(object.back()))
    glob.replace(glob.size() - 1, 1, "[" + std::string(1, glob.back()) + "]");
  return glob;
}

// `@FUNCTION` or `:from=@OBJECT`; empty where the grammar has no name for the place.
std::string place_words(const PolicyPlace& place, const Objects& all) {
  if (place.name.empty())
    return place.object.empty() ? std::string() : ":from=@" + object_glob(place.object, all);
  if (place.kind == WC_FUNCTION_SCOPE) return "@scope:" + glob_of(place.name, "-+");
  const bool is_library = place.object.find(".so") != std::string::npos;
  if (place.kind == WC_FUNCTION_BREAKPOINT && !is_library) {
    const bool has_scope = place.name.find("::") != std::string::npos;
    return (has_scope ? "@" : "@::") + glob_of(place.name, ":~<>");
  }
  // A function inside of a library that only a breakpoint reaches cannot be wrapped.
  const bool is_of_libc = place.object.starts_with("libc.so.");
  if (place.kind == WC_FUNCTION_BREAKPOINT && !is_of_libc) return {};
  return "@" + glob_of(place.name, "") + "@" + object_glob(place.object, all);
}

void append_list(std::string& out, const Syscalls& names) {
  bool first = true;
  for (const std::string& name : names) {
    if (!first) out += ',';
    // Without a name in the tables the rule must not be refused where they are others.
    if (name.starts_with("syscall_0x")) out += '?';
    out += name;
    first = false;
  }
}

void append_rule(std::string& out, const Syscalls& allowed, std::string_view place) {
  out += "deny = !";
  if (allowed.empty()) out += "none";
  append_list(out, allowed);
  out += place;
  out += '\n';
}

// What a rule allows besides what was seen.
class Allowance {
 public:
  explicit Allowance(const PolicyRecord& record)
      : has_threads_(record.has_threads()), is_whole_process_(!record.outside().empty()) {}

  [[nodiscard]] Syscalls everywhere(Syscalls made) const {
    made = with_waits(std::move(made));
    made.insert(std::begin(kAlways), std::end(kAlways));
    return made;
  }
  [[nodiscard]] Syscalls in_function(Syscalls made) const {
    made = with_waits(std::move(made));
    // Elsewhere no rule reaches a handler's return.
    if (is_whole_process_) made.emplace("rt_sigreturn");
    return made;
  }

 private:
  // Whether a thread has to wait for another is chance, and none expects that it must not.
  [[nodiscard]] Syscalls with_waits(Syscalls made) const {
    if (has_threads_) made.emplace("futex");
    const bool is_restarted =
        std::any_of(std::begin(kRestarted), std::end(kRestarted),
                    [&](std::string_view name) { return made.contains(std::string(name)); });
    if (is_restarted) made.emplace("restart_syscall");
    return made;
  }

  bool has_threads_, is_whole_process_;
};

// Rules by their places: names that are written alike share one.
std::map<std::string, Syscalls> rules_of(const PolicyRecord& record, Syscalls& left_out) {
  const Objects all = objects_of(record);
  std::map<std::string, Syscalls> rules;
  for (const auto& [place, made] : record.places()) {
    std::string words = place_words(place, all);
    if (words.empty())
      left_out.insert(place.name + (place.object.empty() ? "?" : " in " + place.object));
    else
      rules[std::move(words)].insert(made.begin(), made.end());
  }
  return rules;
}

void append_names(std::string& out, std::string_view before, const Syscalls& names) {
  if (names.empty()) return;
  out += before;
  std::string_view separator = " ";
  for (const std::string& name : names) {
    out += separator;
    append_escaped(out, name);
    separator = ", ";
  }
  out += '\n';
}

// In quotes where a value needs them.
void append_value(std::string& out, std::string_view key, const char* value) {
  if (value == nullptr) return;
  std::string text = value;
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  const bool is_special = text.find_first_of("#;\"'") != text.npos;
  const char quote = text.find('"') == text.npos ? '"' : '\'';
  append_format(out, "{} = ", key);
  if (is_special) out += quote;
  out += text;
  if (is_special) out += quote;
  out += '\n';
}

void append_head(std::string& out, const PolicyRecord& record, const wc_host& host) {
  append_format(out, "# Rules that allow what a run has done, by wc-intercept {}.\n",
                view(host.version));
  append_names(out, "# Programs:", record.programs());
  out +=
      "# What was not seen fails with EPERM. A guard rail, no sandbox: a program can get round "
      "it.\n"
      "# Use: wc-preload --config THIS_FILE PROGRAM\n";
  if (record.outside().empty())
    out +=
        "# Not covered: system calls outside of the selected functions (start-up, the program's "
        "own);\n# --scope=process learns and covers those, too.\n";
  append_names(out, "# Not covered, made by the 32-bit entry:", record.of_i386());
  if (record.lost() != 0)
    append_format(out,
                  "# {} events were lost: these rules may deny what the run has done. Learn again "
                  "with --overflow=wait.\n",
                  record.lost());
}

void append_selection(std::string& out, const PolicyRecord& record, const wc_host& host) {
  if (!record.outside().empty()) out += "\n[options]\nscope = process\n";
  if (host.functions != nullptr) out += "\n[functions]\n";
  append_value(out, "wrap", host.functions);
  if (host.breakpoints != nullptr) out += "\n[breakpoint]\n";
  append_value(out, "function", host.breakpoints);
}

}  // namespace

void append_policy_ini(std::string& out, const PolicyRecord& record, const wc_host& host) {
  Syscalls left_out;
  const auto rules = rules_of(record, left_out);
  const Allowance allowance(record);
  append_head(out, record, host);
  append_names(out, "# Without a rule of their own:", left_out);
  append_selection(out, record, host);
  out += "\n[policy]\n";
  std::string silent;
  for (const auto& [place, made] : rules) {
    if (place.starts_with('@') && made.empty())
      silent += (silent.empty() ? "" : ",") + place.substr(1);
    else
      append_rule(out,
                  place.starts_with('@') ? allowance.in_function(made) : allowance.everywhere(made),
                  place);
  }
  if (!silent.empty()) {
    out += "# These made no system call.\n";
    append_rule(out, allowance.in_function({}), "@" + silent);
  }
  out += !record.outside().empty() ? "# Everywhere.\n"
                                   : "# In every call, those of other functions too.\n";
  Syscalls all = record.in_calls();
  all.insert(record.outside().begin(), record.outside().end());
  append_rule(out, allowance.everywhere(std::move(all)), "");
}

Syscalls always_allowed(const PolicyRecord& record) { return Allowance(record).everywhere({}); }

}  // namespace wc::backends
