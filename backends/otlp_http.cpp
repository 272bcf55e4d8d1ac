#include "otlp_http.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>

#include "run_clock.h"

namespace wc::backends {

namespace {

constexpr size_t kMostOfAnswer = size_t{64} << 10;
constexpr const char* kLibraries[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};

#define WC_CURL_FUNCTIONS(X) \
  X(global_init)             \
  X(easy_init)               \
  X(easy_setopt)             \
  X(easy_getinfo)            \
  X(easy_cleanup)            \
  X(easy_strerror)           \
  X(slist_append)            \
  X(slist_free_all)          \
  X(multi_init)              \
  X(multi_add_handle)        \
  X(multi_remove_handle)     \
  X(multi_perform)           \
  X(multi_poll)              \
  X(multi_wakeup)            \
  X(multi_info_read)         \
  X(multi_cleanup)

// libcurl's functions under their names without "curl_".
struct Curl {
#define X(name) decltype(&(::curl_##name)) name = nullptr;
  WC_CURL_FUNCTIONS(X)
#undef X

  bool load(std::string& error);
};

bool Curl::load(std::string& error) {
  void* library = nullptr;
  for (const char* name : kLibraries) {
    library = dlopen(name, RTLD_NOW | RTLD_LOCAL);  // stays: threads of its own may run in there
    if (library != nullptr) break;
  }
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(
        library != nullptr ? dlsym(library, name) : nullptr);
    return function != nullptr;
  };
  bool is_complete = library != nullptr;
#define X(name) is_complete = is_complete && find(name, "curl_" #name);
  WC_CURL_FUNCTIONS(X)
#undef X
  if (is_complete && global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) return true;
  error = "cannot send: libcurl.so.4 is missing or too old; install the package libcurl4";
  return false;
}

class CurlClient final : public HttpClient {
 public:
  ~CurlClient() override {
    if (easy_ != nullptr) curl_.easy_cleanup(easy_);
    if (multi_ != nullptr) curl_.multi_cleanup(multi_);
    if (headers_ != nullptr) curl_.slist_free_all(headers_);
  }

  bool prepare(const OtlpOptions& options, std::string_view version, std::string& error);
  HttpAnswer post(std::string_view body, uint64_t (*abort_at)(void*), void* context) override;
  void wake() override {
    if (CURLM* multi = multi_) curl_.multi_wakeup(multi);
  }

 private:
  static size_t keep(char* bytes, size_t size, size_t count, void* answer) {
    std::string& body = static_cast<HttpAnswer*>(answer)->body;
    body.append(bytes, std::min(size * count, kMostOfAnswer - body.size()));
    return size * count;
  }
  void add_header(const std::string& line) {
    headers_ = curl_.slist_append(headers_, line.c_str());
  }
  bool wait(uint64_t (*abort_at)(void*), void* context, CURLcode& code);

  Curl curl_;
  CURL* easy_ = nullptr;
  // Made by the first request: it has descriptors, which the program, not yet executed when this
  // back end is opened, would inherit.
  std::atomic<CURLM*> multi_ = nullptr;
  curl_slist* headers_ = nullptr;
  bool is_compressed_ = false;
  std::string compressed_;
};

bool CurlClient::prepare(const OtlpOptions& options, std::string_view version, std::string& error) {
  if (!curl_.load(error)) return false;
  easy_ = curl_.easy_init();
  if (easy_ == nullptr) {
    error = "cannot send: libcurl could not start";
    return false;
  }
  is_compressed_ = options.is_compressed;
  add_header("Content-Type: application/json");
  if (is_compressed_) add_header("Content-Encoding: gzip");
  add_header("Expect:");  // no round trip before the body
  for (const auto& [key, value] : options.headers) add_header(key + ": " + value);
  curl_.easy_setopt(easy_, CURLOPT_URL, options.url.c_str());
  curl_.easy_setopt(easy_, CURLOPT_USERAGENT, ("wc-intercept/" + std::string(version)).c_str());
  curl_.easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
  curl_.easy_setopt(easy_, CURLOPT_POST, 1L);
  curl_.easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl_.easy_setopt(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout_ms));
  curl_.easy_setopt(easy_, CURLOPT_WRITEFUNCTION, keep);
#if LIBCURL_VERSION_NUM >= 0x075700
  // A resolver that hangs must not keep the end of the run waiting.
  curl_.easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);
  curl_.easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
#endif
  return true;
}

// False: aborted.
bool CurlClient::wait(uint64_t (*abort_at)(void*), void* context, CURLcode& code) {
  while (true) {
    int running = 0;
    curl_.multi_perform(multi_, &running);
    int left = 0;
    while (const CURLMsg* message = curl_.multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      code = message->data.result;
      return true;
    }
    constexpr uint64_t kLongest = 1000;
    const uint64_t now = monotonic_ms(), end = abort_at(context);
    if (now >= end) return false;
    curl_.multi_poll(multi_, nullptr, 0, static_cast<int>(std::min(end - now, kLongest)), nullptr);
  }
}

HttpAnswer CurlClient::post(std::string_view body, uint64_t (*abort_at)(void*), void* context) {
  HttpAnswer answer;
  if (multi_ == nullptr) multi_ = curl_.multi_init();
  if (multi_ == nullptr) {
    answer.error = "libcurl has no memory or descriptors";
    return answer;
  }
  if (is_compressed_ && !gzip(body, compressed_)) {
    answer.error = "cannot compress";
    return answer;
  }
  if (is_compressed_) body = compressed_;
  curl_.easy_setopt(easy_, CURLOPT_POSTFIELDS, body.data());
  curl_.easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_.easy_setopt(easy_, CURLOPT_WRITEDATA, &answer);
  curl_.multi_add_handle(multi_, easy_);
  CURLcode code = CURLE_OK;
  const bool is_done = wait(abort_at, context, code);
  if (!is_done) {
    answer.error = "the run has ended";
  } else if (code != CURLE_OK) {
    answer.error = curl_.easy_strerror(code);
  } else {
    long status = 0;
    curl_off_t seconds = 0;
    curl_.easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    curl_.easy_getinfo(easy_, CURLINFO_RETRY_AFTER, &seconds);
    answer.status = static_cast<int>(status);
    answer.retry_after_s = static_cast<uint64_t>(std::max<curl_off_t>(seconds, 0));
  }
  curl_.multi_remove_handle(multi_, easy_);
  return answer;
}

}  // namespace

std::unique_ptr<HttpClient> HttpClient::open(const OtlpOptions& options, std::string_view version,
                                             std::string& error) {
  auto client = std::make_unique<CurlClient>();
  if (!client->prepare(options, version, error)) return nullptr;
  return client;
}

bool gzip(std::string_view bytes, std::string& out) {
  constexpr int kWithGzipHeader = 15 + 16;
  z_stream stream = {};
  // The fastest: the names repeat so much that it takes nine tenths away.
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kWithGzipHeader, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK)
    return false;
  out.resize(deflateBound(&stream, bytes.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool is_done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return is_done;
}

}  // namespace wc::backends
