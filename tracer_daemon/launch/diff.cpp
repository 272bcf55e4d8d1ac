// --diff: two raw files, summaries or folded files compared.
#include <fmt/format.h>

#include <cstring>

#include "backend_host/output.h"
#include "diff/difference.h"
#include "launch/launch.h"
#include "launch/preflight.h"
#include "proc/files.h"
#include "raw_file.h"

namespace wc {
namespace {

constexpr size_t kMostBytes = size_t{1} << 30;
constexpr size_t kMostRows = 40;

enum class Kind { Raw, Summary, Folded };

struct Input {
  std::string path, bytes;
  Kind kind = Kind::Raw;
};

// A raw file is read again by its reader.
Result<Input> read_input(const std::string& path) {
  Input input{path, {}, Kind::Raw};
  auto bytes = proc::read_file(path, sizeof raw::kMagic);
  if (!bytes)
    return Error{bytes.error().code == ESRCH ? "cannot read " + path + ": No such file or directory"
                                             : bytes.error().message};
  if (bytes->size() == sizeof raw::kMagic &&
      std::memcmp(bytes->data(), raw::kMagic, sizeof raw::kMagic) == 0)
    return input;
  bytes = proc::read_file(path, kMostBytes);
  if (!bytes) return bytes.error();
  input.bytes = std::move(*bytes);
  const size_t first = input.bytes.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return Error{path + " is empty"};
  input.kind = input.bytes[first] == '{' ? Kind::Summary : Kind::Folded;
  return input;
}

Result<Profile> profile_of(const Input& input, bool as_folded, const Options& options) {
  Result<std::string> bytes = input.bytes;
  if (input.kind == Kind::Raw)
    bytes = replay_to_text(input.path, options.replay.sysroot,
                           as_folded ? "folded" : "summary:format=json");
  if (!bytes) return bytes.error();
  const bool is_folded = input.kind == Kind::Raw ? as_folded : input.kind == Kind::Folded;
  auto profile = is_folded ? profile_of_folded(*bytes) : profile_of_summary(*bytes);
  if (!profile) return Error{input.path + ": " + profile.error().message};
  return profile;
}

Status write_result(const Options& options, const std::string& text) {
  if (options.output.empty()) {
    print(text);
    return Done{};
  }
  auto file = Output::open_file(options.output);
  if (!file) return file.error();
  (*file)->write(text);
  (*file)->close();
  if (std::string error = (*file)->take_error(); !error.empty()) return Error{error};
  return Done{};
}

Result<int> compare_files(const Options& options) {
  Result<Threshold> threshold = Threshold{};
  if (!options.threshold.empty()) threshold = parse_threshold(options.threshold);
  if (!threshold) return threshold.error();
  auto before = read_input(options.program[0]);
  if (!before) return before.error();
  auto after = read_input(options.program[1]);
  if (!after) return after.error();
  const std::string& form = options.backends.front();
  const bool as_folded =
      form == "folded" || before->kind == Kind::Folded || after->kind == Kind::Folded;
  auto old_profile = profile_of(*before, as_folded, options);
  if (!old_profile) return old_profile.error();
  auto new_profile = profile_of(*after, as_folded, options);
  if (!new_profile) return new_profile.error();
  if (form == "folded" &&
      (old_profile->kind != Profile::Kind::Folded || new_profile->kind != Profile::Kind::Folded))
    return Error{"--diff -b folded needs stacks: two raw files or two of -b folded"};
  name_alike(*old_profile, *new_profile);
  const auto rows = difference(*old_profile, *new_profile);
  if (!rows) return rows.error();
  const std::string text = form == "folded" ? diff_folded(*old_profile, *new_profile)
                           : form == "json" ? diff_json(*rows, old_profile->kind)
                                            : diff_table(*rows, old_profile->kind, kMostRows);
  if (Status written = write_result(options, text); !written) return written.error();
  const size_t count = beyond(*rows, *threshold);
  if (count != 0)
    complain(fmt::format("{} row{} changed by more than {}", count, count == 1 ? " has" : "s have",
                         options.threshold));
  return count != 0 ? 1 : 0;
}

}  // namespace

int diff(const Options& options) {
  auto status = compare_files(options);
  if (status) return *status;
  complain(status.error().message);
  return kTracerFailed;
}

}  // namespace wc
