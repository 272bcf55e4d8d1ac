// Backend "raw": keeps what the engine saw, before it is decoded, in a file that --replay reads
// (docs/raw-format.md). The tracer makes the chunks; here they are framed.

#include "builtin.h"
#include "raw_file.h"
#include "sink.h"

namespace wc::backends {

namespace {

class RawBackend {
 public:
  RawBackend(const wc_host& host, raw::Packing packing)
      : host_(host),
        writer_(
            [&host](const void* data, size_t size) {
              host.write(host.handle, static_cast<const char*>(data), size);
            },
            packing) {}

  void take(const wc_raw& piece) { writer_.take(piece); }
  void close() { writer_.finish(host_.run->began, host_.run->ended); }

 private:
  const wc_host& host_;  // valid until close()
  raw::Writer writer_;
};

// What decoding reads is what has to be kept, so it is decoded, unless the engine has kept it.
constexpr uint32_t kWants = WC_WANT_RAW | WC_WANT_TEXT | WC_WANT_CALLER | WC_WANT_CALL_TIME |
                            WC_WANT_COUNTS | WC_WANT_SYSCALL_TIME | WC_WANT_PATHS;

// The tracer itself keeps what --flight asks for; this only says so.
int open_flight(void** context, const wc_host* host, char* error, size_t size) {
  *context = nullptr;
  if (host->one_process != 0) return open_error(error, size, "it goes without -ff");
  if (host->want != nullptr && host->all_calls != 0) host->want(host->handle, WC_WANT_ALL_CALLS);
  return 0;
}

// Empty: it is one. `packing`: what it says.
std::string packing_of(std::string_view word, raw::Packing& packing) {
  if (word.empty()) return {};
  if (word != "zstd") return "compress=" + std::string(word) + ": only zstd is known";
  packing = raw::Packing::Zstd;
  if (raw::has_zstd()) return {};
  return "this build cannot compress; install the package libzstd-dev and build again";
}

int open_raw(void** context, const wc_host* host, char* error, size_t size) {
  raw::Packing packing = raw::Packing::None;
  if (const std::string why = packing_of(Sink(*host).option("compress"), packing); !why.empty())
    return open_error(error, size, why);
  if (host->run == nullptr) return open_error(error, size, "it needs a newer tracer");
  if (host->is_terminal != 0)
    return open_error(error, size, "it writes bytes, not text: raw:output=FILE, or --record FILE");
  if (host->one_process != 0)
    return open_error(error, size, "it keeps all processes in one file, so it goes without -ff");
  if (host->want != nullptr) {
    uint32_t more = WC_WANT_PHASES;  // where there are any
    if (host->all_calls != 0) more |= WC_WANT_ALL_CALLS;
    host->want(host->handle, more);
  }
  *context = new RawBackend(*host, packing);
  return 0;
}

void raw_piece(void* context, const wc_raw* piece) {
  static_cast<RawBackend*>(context)->take(*piece);
}

void close_raw(void* context) {
  auto* backend = static_cast<RawBackend*>(context);
  backend->close();
  delete backend;
}

}  // namespace

const wc_backend* flight_backend() {
  static constexpr wc_backend kFlight = {.abi = WC_BACKEND_ABI,
                                         .struct_size = sizeof(wc_backend),
                                         .name = "flight",
                                         .wants = kWants,
                                         .options = "",
                                         .open = open_flight};
  return &kFlight;
}

const wc_backend* raw_backend() {
  static constexpr wc_backend kRaw = {.abi = WC_BACKEND_ABI,
                                      .struct_size = sizeof(wc_backend),
                                      .name = "raw",
                                      .wants = kWants,
                                      .options = "compress",
                                      .open = open_raw,
                                      .close = close_raw,
                                      .raw = raw_piece};
  return &kRaw;
}

}  // namespace wc::backends
