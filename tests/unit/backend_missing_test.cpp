// Back ends of a build that had no library for them: each says which package it lacks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend_test_host.h"

namespace wc::backends {
namespace {

using ::testing::HasSubstr;

TEST(MissingBackends, NameThePackage) {
  const TestHost sqlite(sqlite_backend(), {{"args", "off"}}), perfetto(perfetto_backend());
  EXPECT_FALSE(sqlite.is_open() || perfetto.is_open());
  EXPECT_THAT(sqlite.error(), HasSubstr("install the package libsqlite3-dev and build again"));
  EXPECT_THAT(perfetto.error(), HasSubstr("install the package libprotozero-dev and build again"));
  const TestHost lua(lua_backend(), {{"script", "a.lua"}}), otlp(otlp_backend());
  EXPECT_FALSE(lua.is_open() || otlp.is_open());
  EXPECT_THAT(lua.error(), HasSubstr("install the package liblua5.4-dev and build again"));
  EXPECT_THAT(otlp.error(), HasSubstr("install the package libcurl4-openssl-dev and build again"));
}

}  // namespace
}  // namespace wc::backends
