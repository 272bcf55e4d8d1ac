// Backends that this build lacks, because the machine that built it had no library for them.
#include <string>

#include "builtin.h"
#include "sink.h"

namespace wc::backends {

namespace {

template <const char* kName, const char* kPackage>
const wc_backend* missing() {
  static constexpr wc_backend kMissing = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(wc_backend),
      .name = kName,
      .options = "*",  // the reason is what is missing, not what was said to it
      .open =
          [](void**, const wc_host*, char* error, size_t size) {
            return open_error(error, size,
                              std::string("this build has no such backend; install the package ") +
                                  kPackage + " and build again");
          },
  };
  return &kMissing;
}

}  // namespace

#ifndef WC_HAS_SQLITE
static constexpr char kSqlite[] = "sqlite", kSqlitePackage[] = "libsqlite3-dev";
const wc_backend* sqlite_backend() { return missing<kSqlite, kSqlitePackage>(); }
#endif
#ifndef WC_HAS_PROTOZERO
static constexpr char kPerfetto[] = "perfetto", kPerfettoPackage[] = "libprotozero-dev";
const wc_backend* perfetto_backend() { return missing<kPerfetto, kPerfettoPackage>(); }
#endif
#ifndef WC_HAS_LUA
static constexpr char kLua[] = "lua", kLuaPackage[] = "liblua5.4-dev";
const wc_backend* lua_backend() { return missing<kLua, kLuaPackage>(); }
#endif
#ifndef WC_HAS_CURL
static constexpr char kOtlp[] = "otlp", kOtlpPackage[] = "libcurl4-openssl-dev";
const wc_backend* otlp_backend() { return missing<kOtlp, kOtlpPackage>(); }
#endif

}  // namespace wc::backends
