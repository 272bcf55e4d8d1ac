// wc-tracerd: the companion tracer. wc-preload is its launcher.
#include <cstdio>
#include <span>

#include "launch/launch.h"
#include "launch/preflight.h"

int main(int argc, char** argv) {
  wc::restore_environment();
  std::span<const char* const> arguments(argv, static_cast<size_t>(argc));
  auto options = wc::parse_options(arguments.empty() ? arguments : arguments.subspan(1));
  if (!options) {
    wc::complain(options.error().message);
    return wc::kTracerFailed;
  }
  switch (options->command) {
    case wc::Command::Help:
      std::fputs(wc::help_text().c_str(), stdout);
      return 0;
    case wc::Command::Version:
      std::fputs(wc::version_text().c_str(), stdout);
      return 0;
    case wc::Command::ListFunctions:
      return wc::list_functions(*options);
    case wc::Command::ListSyscalls:
      return wc::list_syscalls(*options);
    case wc::Command::Serve:
      return wc::serve(*options);
    case wc::Command::Attach:
      return wc::attach(*options);
    case wc::Command::Measure:
      return wc::measure_plan(*options);
    case wc::Command::Run:
      if (options->compare.asked) return wc::compare_tools(*options);
      break;
  }
  return wc::run(*options);
}
