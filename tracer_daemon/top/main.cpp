// wc-top: looks at a run while it runs, in a terminal.
#include <clocale>
#include <cstdio>
#include <span>

#include "top/app.h"
#include "top/options.h"

int main(int argc, char** argv) {
  // Which characters the terminal has. Numbers stay as they are.
  setlocale(LC_CTYPE, "");
  const std::span<const char* const> words(argv, static_cast<size_t>(argc));
  auto options = wc::top::parse_top_options(words.empty() ? words : words.subspan(1));
  if (!options) {
    std::fprintf(stderr, "wc-top: %s\n", options.error().message.c_str());
    return 2;
  }
  if (options->is_help) return std::fputs(wc::top::top_usage().c_str(), stdout) < 0 ? 2 : 0;
  return wc::top::watch(*options);
}
