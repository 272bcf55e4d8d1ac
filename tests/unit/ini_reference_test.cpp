// docs/configuration.md is what the table of keys gives. WC_UPDATE=1 writes it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "config/reference.h"

namespace wc::config {
namespace {

TEST(IniReference, IsWhatIsCommitted) {
  const std::string made = ini_reference();
  if (std::getenv("WC_UPDATE") != nullptr) std::ofstream(WC_CONFIGURATION_PAGE) << made;
  std::ostringstream committed;
  committed << std::ifstream(WC_CONFIGURATION_PAGE).rdbuf();
  EXPECT_EQ(committed.str(), made)
      << "docs/configuration.md is old: run this test with WC_UPDATE=1 and commit the page";
}

}  // namespace
}  // namespace wc::config
