// Files that make the next run start faster: in $XDG_CACHE_HOME/wc-intercept, else
// /var/cache/wc-intercept for root, ~/.cache/wc-intercept for others. Whatever is wrong with one is
// never an error: then it is as if it were not there, and it is written again. A folder or file of
// another user, or that others may write to, a link, a file that is cut short, has a wrong checksum
// or was written by another version is not used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wc {

class CacheFolder {
 public:
  // It is made when first written to; empty: nothing is kept.
  explicit CacheFolder(std::string path) : path_(std::move(path)) {}
  // As the environment says.
  static CacheFolder of_user();

  // What was stored, unsealed.
  [[nodiscard]] std::optional<std::string> load(const std::string& name, uint64_t version) const;
  void store(const std::string& name, uint64_t version, std::string_view content) const;

 private:
  std::string path_;
};

// Content with a head that tells its version and checksum; unsealing takes any bytes.
std::string seal(uint64_t version, std::string_view content);
std::optional<std::string> unseal(uint64_t version, std::string_view sealed);

// Not cryptographic: tells damage, and names files.
uint64_t checksum(std::string_view bytes, uint64_t seed = 0);

// Numbers and short texts one after the other, and back.
class CacheWriter {
 public:
  template <typename T>
  void put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <typename List>
  void put_bytes(const List& list) {
    put(static_cast<uint32_t>(list.size()));
    bytes_.append(reinterpret_cast<const char*>(list.data()), list.size());
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Past the end everything is 0 or empty, and whole() is false.
class CacheReader {
 public:
  explicit CacheReader(std::string_view bytes) : left_(bytes) {}
  template <typename T>
  T get() {
    T value{};
    if (left_.size() < sizeof value) {
      whole_ = false;
      left_ = {};
      return value;
    }
    left_.copy(reinterpret_cast<char*>(&value), sizeof value);
    left_.remove_prefix(sizeof value);
    return value;
  }
  template <typename List>
  List get_bytes() {
    size_t size = get_count(1);
    List list(left_.begin(), left_.begin() + static_cast<ptrdiff_t>(size));
    left_.remove_prefix(size);
    return list;
  }
  // How many rows follow; each has `least` bytes.
  size_t get_count(size_t least) {
    auto count = get<uint32_t>();
    if (count > left_.size() / least) whole_ = false, count = 0;
    return count;
  }
  [[nodiscard]] bool whole() const { return whole_ && left_.empty(); }

 private:
  std::string_view left_;
  bool whole_ = true;
};

}  // namespace wc
