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
      .options = "args",
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

}  // namespace wc::backends
