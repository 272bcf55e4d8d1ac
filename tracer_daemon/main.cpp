// wc-tracerd: the companion tracer. wc-preload is its launcher.
#include <span>
#include <string_view>

#include "control/control_client.h"
#include "launch/last_words.h"
#include "launch/launch.h"
#include "launch/own_limits.h"
#include "launch/preflight.h"
#include "launch/signals.h"
#include "launch/standard_streams.h"

namespace wc {
namespace {

// What traces does so with the limits raised; what measures hands its own on to what it measures.
int trace(const Options& options) {
  const OwnLimits limits;
  return on_large_stack([&] {
    return with_last_words([&] {
      if (options.command == Command::Serve) return serve(options);
      if (options.command == Command::Attach) return attach(options);
      return run(options, limits);
    });
  });
}

int perform(const Options& options) {
  switch (options.command) {
    case Command::Help:
      return print(help_text());
    case Command::Version:
      return print(version_text());
    case Command::ListFunctions:
      return list_functions(options);
    case Command::ListSyscalls:
      return list_syscalls(options);
    case Command::ListClasses:
      return list_classes();
    case Command::Measure:
      return measure_plan(options);
    case Command::Diff:
      return with_last_words([&] { return diff(options); });
    case Command::Replay:
      return with_last_words([&] { return replay(options); });
    case Command::Run:
      if (options.compare.asked) return compare_tools(options);
      if (options.explore.asked) return explore_points(options);
      break;
    case Command::Serve:
    case Command::Attach:
      break;
  }
  return trace(options);
}

// As which command this program was started: wc-ctl is a link to it.
bool is_called(std::span<const char* const> arguments, std::string_view name) {
  if (arguments.empty()) return false;
  const std::string_view path = arguments.front();
  return path.substr(path.rfind('/') + 1) == name;
}

int start(int argc, char** argv) {
  std::span<const char* const> arguments(argv, static_cast<size_t>(argc));
  if (is_called(arguments, "wc-ctl")) return control(arguments.subspan(1));
  restore_environment();
  auto options = parse_options(arguments.empty() ? arguments : arguments.subspan(1));
  if (!options) {
    complain(options.error().message);
    return kTracerFailed;
  }
  for (const std::string& warning : options->warnings) complain(warning);
  return perform(*options);
}

}  // namespace
}  // namespace wc

int main(int argc, char** argv) {
  wc::inherited_signals();
  wc::hold_standard_streams();
  return wc::with_last_words([&] { return wc::start(argc, argv); });
}
