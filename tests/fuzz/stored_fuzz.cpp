// What earlier runs have kept on disk: sealed files, the sites of a library, tables of functions
// with their stubs. Any bytes are content that holds what its users rely on, or nothing. Three
// passes: the bytes as a file, as content behind a right head, so that the checksum does not hide
// the rest, and as changes to content that was right.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "patch/site_cache.h"
#include "patch/site_thunk.h"
#include "program/table_cache.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

const wc::FileIdentity& file() {
  static const wc::FileIdentity identity{"\x01\xfe\x7f", 4711, 99};
  return identity;
}

// As a sealed file says behind its magic: it is raised when the content changes.
uint64_t version() {
  static const std::string sealed = wc::encode_sites(file(), {});
  uint64_t version = 0;
  std::memcpy(&version, &sealed[8], sizeof version);
  return version;
}

void check(const wc::SyscallSites& sites) {
  wc::ShimAddresses shim;
  shim.site = 0x7f0000001000;
  for (const wc::SyscallSite& site : sites.sites) {
    require(site.original.size() >= wc::kJumpSize && site.moved.size() <= wc::kMaxMoved);
    const wc::SiteThunk thunk(site, 0, shim.site + 4096, shim);
    (void)thunk.fits();
  }
  const auto again = wc::decode_sites(file(), wc::encode_sites(file(), sites));
  require(again && *again == sites);
}

void read_sites(const std::string& content) {
  wc::CacheWriter head;
  head.put_bytes(file().build_id);
  head.put(file().size);
  head.put(file().modified_ns);
  if (auto sites = wc::decode_sites(file(), wc::seal(version(), head.take() + content)))
    check(*sites);
}

void check(const wc::StoredTable& table) {
  for (const wc::FunctionInfo& info : table.functions)
    require(info.spec == nullptr || info.spec->name == info.symbol);
  const auto again = wc::decode_table("key", wc::encode_table("key", table));
  require(again && again->functions.size() == table.functions.size());
  require(again->stub_library == table.stub_library);
}

void read_table(const std::string& content) {
  wc::CacheWriter head;
  head.put_bytes(std::string("key"));
  if (auto table = wc::decode_table("key", head.take() + content)) check(*table);
}

wc::SyscallSites some_sites() {
  wc::SyscallSites sites;
  sites.code = {{0x1000, 0x1000, 0x500}};
  sites.sites = {{0x1100, 0x1105, 39, {0xb8, 39, 0, 0, 0}, {}, {0xb8, 39, 0, 0, 0}},
                 {0x1200,
                  0x1207,
                  3,
                  {0xb8, 3, 0, 0, 0, 0x0f, 0x85, 0, 0, 0, 0},
                  {{7, 11, 0x1300}},
                  {0xb8, 3, 0, 0, 0, 0x75, 2}}};
  sites.refused = {{0x1400, wc::SiteRefusal::Entered}};
  return sites;
}

wc::StoredTable some_table() {
  wc::StoredTable table;
  for (const char* name : {"open", "read", "not_in_the_catalog"})
    table.functions.push_back({name, name, "libc.so.6", wc::find_function(name), name[0] == 'r'});
  table.stub_library = "an ELF file";
  return table;
}

// Three bytes a change: where, how, with what.
void change(std::string& content, const uint8_t* data, size_t size) {
  for (size_t i = 0; i + 2 < size && i < 24 && !content.empty(); i += 3) {
    const size_t at = data[i] % content.size();
    switch (data[i + 1] % 4) {
      case 0:
        content[at] = static_cast<char>(data[i + 2]);
        break;
      case 1:
        content[at] = static_cast<char>(content[at] ^ 1 << data[i + 2] % 8);
        break;
      case 2:
        content.erase(at, data[i + 2] % 8);
        break;
      default:
        content.insert(at, data[i + 2] % 16, content[at]);
    }
  }
}

void read_changed(const uint8_t* data, size_t size) {
  static const std::string sites = *wc::unseal(version(), wc::encode_sites(file(), some_sites()));
  static const std::string table = wc::encode_table("key", some_table());
  std::string changed = sites;
  change(changed, data, size);
  if (auto read = wc::decode_sites(file(), wc::seal(version(), changed))) check(*read);
  changed = table;
  change(changed, data, size);
  if (auto read = wc::decode_table("key", changed)) check(*read);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  if (auto content = wc::unseal(version(), bytes)) require(wc::seal(version(), *content) == bytes);
  (void)wc::decode_sites(file(), bytes);
  (void)wc::decode_table("key", bytes);
  read_sites(bytes);
  read_table(bytes);
  read_changed(data, size);
  return 0;
}
