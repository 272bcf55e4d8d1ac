// wc-top's command line.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "top/model.h"

namespace wc::top {

struct TopOptions {
  Whose whose = Whose::Somebody;
  std::string path;                  // of the socket; Whose::Somebody only
  std::vector<std::string> options;  // for wc-preload
  std::vector<std::string> program;  // Whose::Own: with its arguments
  uint32_t interval_ms = 1000;
  uint64_t rows = 500;
  Table table = Table::Function;
  bool is_help = false;
};

Result<TopOptions> parse_top_options(std::span<const char* const> words);
std::string top_usage();

// What wc-preload is started with, itself included.
std::vector<std::string> preload_words(const TopOptions& options, const std::string& socket);
std::string title_of(const TopOptions& options);

}  // namespace wc::top
