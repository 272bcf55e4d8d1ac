#include "compare/own.h"

#include <fmt/format.h>

#include <algorithm>

namespace wc::compare {
namespace {

class Own {
 public:
  Own(const Request& request, std::string folder) : request_(request), folder_(std::move(folder)) {}

  void scoped(const std::string& name, std::vector<std::string> options,
              const std::string& obstacle = {}) {
    options.insert(options.begin(), "--scope=functions");
    for (const std::string& word : request_.options.compare.handed_on) options.push_back(word);
    const std::string cannot_wrap = request_.wraps ? request_.cannot_wrap : "";
    add(Kind::Scoped, name, options, obstacle.empty() ? cannot_wrap : obstacle);
  }

  void process(const std::string& name, const std::string& functions) {
    std::vector<std::string> options{"--scope=process"};
    for (const std::string& word : request_.options.compare.handed_on) {
      if (!word.starts_with("--functions=")) options.push_back(word);
    }
    if (!functions.empty()) options.push_back("--functions=" + functions);
    add(Kind::Process, name, options, functions.empty() ? "" : request_.cannot_wrap);
  }

  std::vector<Entry> entries;

 private:
  // The first run has a JSON trace beside what the user asked for: it is counted.
  void add(Kind kind, const std::string& name, const std::vector<std::string>& options,
           const std::string& skipped) {
    Entry entry;
    entry.kind = kind;
    entry.format = TraceFormat::OwnJson;
    entry.variant.name = name;
    entry.variant.skipped = skipped;
    entry.variant.trace_file = folder_ + "/trace";
    entry.count_file = folder_ + "/count";
    entry.variant.command = command(options, {});
    entry.first_command = command(options, {"--backend=json:output=" + entry.count_file});
    entries.push_back(std::move(entry));
  }

  [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& options,
                                                 const std::vector<std::string>& more) const {
    std::vector<std::string> words = request_.launcher;
    words.insert(words.end(), options.begin(), options.end());
    for (const std::string& spec : request_.options.backends) words.push_back("--backend=" + spec);
    words.insert(words.end(), more.begin(), more.end());
    words.push_back("--output=" + folder_ + "/trace");
    words.emplace_back("--");
    const std::vector<std::string>& program = request_.options.program;
    words.insert(words.end(), program.begin(), program.end());
    return words;
  }

  const Request& request_;
  std::string folder_;
};

const char* gate_name(GateChoice gate) {
  switch (gate) {
    case GateChoice::Socket:
      return "socket";
    case GateChoice::Trap:
      return "trap";
    case GateChoice::Dispatch:
      return "dispatch";
    case GateChoice::Auto:
      break;
  }
  return "";
}

}  // namespace

std::vector<Entry> own_entries(const Request& request, const std::string& folder) {
  const EngineChoice engine = request.options.engine;
  const std::string gate = gate_name(request.options.gate);
  Own own(request, folder);
  const bool any = engine == EngineChoice::Default || engine == EngineChoice::Auto;
  if (any || engine == EngineChoice::Ptrace) {
    for (const std::string& works : request.gates) {
      if (!gate.empty() && gate != works) continue;
      own.scoped("scoped: ptrace, gate " + works, {"--engine=ptrace", "--gate=" + works});
    }
  }
  const bool in_process = any || engine == EngineChoice::Inproc;
  if (in_process && request.in_process && (gate.empty() || gate == "dispatch")) {
    own.scoped("scoped: inproc", {"--engine=inproc"}, request.inproc_obstacle);
  }
  own.process("--scope=process", "");
  const bool given = request.options.functions_given;
  own.process(given ? "--scope=process -F LIST" : "--scope=process -F @default",
              given ? request.options.functions : "@default");
  return std::move(own.entries);
}

}  // namespace wc::compare
