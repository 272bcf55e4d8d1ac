// A command line as options, for the tests of config/.
#pragma once

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "config/options.h"

namespace wc::config {

using Words = std::vector<std::string>;

inline Result<Options> parse_words(const Words& words, const char* command = "run") {
  std::vector<const char*> arguments{command};
  for (const std::string& word : words) arguments.push_back(word.c_str());
  return parse_options(arguments);
}

inline Options good_words(const Words& words) {
  Result<Options> options = parse_words(words);
  if (options) return *options;
  ADD_FAILURE() << options.error().message;
  return Options{};
}

inline std::string bad_words(const Words& words) {
  const Result<Options> options = parse_words(words);
  return options ? "(accepted)" : options.error().message;
}

// All of what was asked for, but for the program and the warnings.
inline std::string samples_of(const Options& o) {
  std::string text;
  for (const SampleText& one : o.samples)
    text += std::to_string(static_cast<int>(one.kind)) + one.text + ";";
  return text;
}

inline std::string fingerprint(const Options& o) {
  std::ostringstream out;
  const auto list = [&](const auto& values) {
    for (const auto& value : values) out << value << '\x1f';
    out << '\x1e';
  };
  out << int(o.command) << ' ' << o.functions << '\n'
      << o.functions_given << o.breakpoints << '\n'
      << o.syscalls << '\n'
      << o.statuses << ' ' << o.signals << ' ' << o.quiet << ' ' << int(o.engine) << int(o.gate)
      << int(o.overflow) << int(o.scope) << ' ' << o.output << '\n'
      << o.append << o.separately << o.all_calls << ' ' << o.string_size << ' ' << o.time_format
      << ' ' << o.show_duration << o.show_paths << o.show_addresses << o.objects << o.stack_trace
      << ' ' << o.stack_depth << int(o.frames) << int(o.color) << o.follow << ' ' << o.verbose
      << o.control_path << o.prepared << samples_of(o) << '\n'
      << o.connect_path << '\n'
      << o.list << '\n'
      << o.user << '\n';
  for (const RuleText& rule : o.rules) out << int(rule.kind) << rule.text << '\x1f';
  for (const ClaimText& claim : o.claims) out << claim.text << '\x1f';
  out << o.junit_path << '\n';
  list(o.paths);
  list(o.patched_libraries);
  list(o.backends);
  list(o.user_preloads);
  list(o.pids);
  const CompareOptions& c = o.compare;
  out << c.asked << c.runs << c.load << '\n'
      << c.ready << '\n'
      << c.figure << c.less_is_better << c.run_limit << ' ' << c.total_limit;
  list(c.outputs);
  out << o.explore.asked << o.explore.errors << o.explore.run_limit << ' ' << o.explore.total_limit;
  list(o.explore.handed_on);
  const FlightChoice& f = o.flight;
  out << f.asked << f.events << ' ' << f.on_exit << f.on_signal << f.on_rule << f.slow;
  list(f.errors);
  out << o.replay.file << '\n'
      << o.replay.sysroot << '\n'
      << o.replay.string_size_given << o.threshold;
  return out.str();
}

}  // namespace wc::config
