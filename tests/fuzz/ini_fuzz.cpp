// libFuzzer entry: any bytes as an INI file give settings or one line that names the file.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto settings = wc::config::parse_ini(text, "fuzz.ini");
  if (!settings) {
    const std::string& message = settings.error().message;
    if (!message.starts_with("fuzz.ini:") || message.find('\n') != std::string::npos) std::abort();
    return 0;
  }
  for (const wc::config::Setting& setting : *settings) {
    if (!setting.where.starts_with("fuzz.ini:")) std::abort();
    // Not preloads: their check looks at files that the fuzzer names.
    wc::Options options;
    if (setting.key == wc::config::Key::Preload) continue;
    const wc::Status applied = wc::config::apply(setting, options);
    if (!applied && applied.error().message.find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
