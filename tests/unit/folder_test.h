// A fixture with a folder of its own.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "temporary_folder.h"

namespace wc {

inline std::string content(const std::string& path) { return read_file(path); }

class FolderTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }

  TemporaryFolder folder_;
};

}  // namespace wc
