#include "program/stub_writer.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>
#include <unordered_map>
#include <vector>

#include "protocol/stub.h"
#include "protocol/wire.h"

namespace wc {
namespace {

constexpr uint64_t kPage = 4096;
constexpr size_t kStubSize = WC_STUB_SIZE;
constexpr const char* kSoname = "libwc_stubs.so";
constexpr const char* kEntryNames[] = {"wc_entry",      "wc_entry_stack",  "wc_entry_va",
                                       "wc_entry_exec", "wc_entry_caller", "wc_entry_late"};
constexpr uint32_t kEntryCount = std::size(kEntryNames);
// A reference without a version takes version 2 of a library, the oldest, even where it is hidden;
// nothing else takes one of this name (do_lookup_x and check_match in glibc's elf/dl-lookup.c).
constexpr const char* kUnversioned = "WC_NO_VERSION";
constexpr uint16_t kUnversionedNumber = 2;
constexpr uint16_t kHidden = 0x8000;

uint32_t gnu_hash(std::string_view name) {
  uint32_t hash = 5381;
  for (unsigned char c : name) hash = hash * 33 + c;
  return hash;
}

uint32_t sysv_hash(std::string_view name) {
  uint32_t hash = 0;
  for (unsigned char c : name) {
    hash = (hash << 4) + c;
    hash = (hash ^ (hash & 0xf0000000) >> 24) & 0x0fffffff;
  }
  return hash;
}

class StringTable {
 public:
  StringTable() : bytes_(1, '\0') {}
  uint32_t add(const std::string& text) {
    if (text.empty()) return 0;
    auto [at, fresh] = offsets_.try_emplace(text, static_cast<uint32_t>(bytes_.size()));
    if (fresh) bytes_.append(text).push_back('\0');
    return at->second;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::unordered_map<std::string, uint32_t> offsets_;
};

template <typename T>
void append(std::string& to, const T& value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// The file grows from front to back; file offsets are addresses, so one number serves for both.
class Writer {
 public:
  Writer(std::span<const StubFunction> functions, uint64_t id, std::string_view socket_path,
         std::string_view scopes)
      : functions_(functions), id_(id), socket_path_(socket_path), scopes_(scopes) {}

  std::string write() {
    number_versions();
    number_resolvers();
    order_symbols();
    make_strings();
    lay_out();
    put_headers();
    put_hash();
    put_symbols();
    put_versions();
    put_relocations();
    put_text();
    put_resolvers();
    put_unwind();
    put_dynamic();
    put_data();
    return std::move(file_);
  }

 private:
  struct Range {
    uint64_t at = 0, size = 0;
    [[nodiscard]] uint64_t end() const { return at + size; }
  };

  // Symbol 0 is null, then come the undefined entry points, then what the hash table covers:
  // WC_STUB_SYMBOL and the functions, ordered by bucket.
  struct Exported {
    uint32_t function;  // functions_.size() for WC_STUB_SYMBOL
    uint16_t version;   // as the version table has it
    uint32_t hash;
  };

  [[nodiscard]] std::string symbol_name(const Exported& e) const {
    return e.function == functions_.size() ? WC_STUB_SYMBOL : functions_[e.function].name;
  }

  void order_symbols() {
    buckets_ = static_cast<uint32_t>(functions_.size() / 2 + 1);
    auto add = [this](uint32_t function, uint16_t version) {
      Exported e{function, version, 0};
      e.hash = gnu_hash(symbol_name(e));
      exported_.push_back(e);
    };
    for (uint32_t i = 0; i < functions_.size(); i++) {
      add(i, version_of(functions_[i]));
      if (functions_[i].oldest_version) add(i, kUnversionedNumber | kHidden);
    }
    add(static_cast<uint32_t>(functions_.size()), 1);
    std::stable_sort(exported_.begin(), exported_.end(), [this](const auto& a, const auto& b) {
      return a.hash % buckets_ < b.hash % buckets_;
    });
    bloom_size_ = 1;
    while (size_t{bloom_size_} * 8 < exported_.size()) bloom_size_ *= 2;
  }

  void number_versions() {
    constexpr uint16_t kFirst = kUnversionedNumber + 1;
    for (const auto& f : functions_)
      if (!f.version.empty())
        versions_.try_emplace(f.version, static_cast<uint16_t>(versions_.size() + kFirst));
    for (const auto& f : functions_) has_versions_ |= version_of(f) != 1 || f.oldest_version;
  }

  // Version 1 is the library itself and fits every request.
  [[nodiscard]] uint16_t version_of(const StubFunction& f) const {
    uint16_t number = f.version.empty() ? uint16_t{1} : versions_.at(f.version);
    return static_cast<uint16_t>(f.default_version ? number : number | kHidden);
  }

  void number_resolvers() {
    resolvers_.assign(functions_.size(), 0);
    for (size_t i = 0; i < functions_.size(); i++)
      if (functions_[i].late) resolvers_[i] = resolver_count_++;
  }

  void make_strings() {
    soname_ = dynamic_strings_.add(kSoname);
    for (const char* name : kEntryNames) dynamic_strings_.add(name);
    for (const auto& e : exported_) dynamic_strings_.add(symbol_name(e));
    for (const auto& [name, number] : versions_) dynamic_strings_.add(name);
    dynamic_strings_.add(kUnversioned);
    data_strings_.add(std::string(scopes_));
    for (const auto& f : functions_) {
      data_strings_.add(f.name);
      data_strings_.add(f.target);
      data_strings_.add(f.version);
    }
  }

  void lay_out() {
    uint64_t at = sizeof(Elf64_Ehdr) + kSegments * sizeof(Elf64_Phdr);
    auto place = [&at](Range& range, uint64_t size, uint64_t align = 8) {
      range.at = (at + align - 1) / align * align;
      range.size = size;
      at = range.end();
    };
    size_t n = functions_.size();
    place(hash_, 16 + bloom_size_ * 8 + buckets_ * 4 + exported_.size() * 4);
    place(symbols_, (1 + kEntryCount + exported_.size()) * sizeof(Elf64_Sym));
    place(strings_, dynamic_strings_.bytes().size());
    place(versym_, has_versions_ ? symbols_.size / sizeof(Elf64_Sym) * 2 : 0);
    place(verdef_, has_versions_
                       ? (versions_.size() + 2) * (sizeof(Elf64_Verdef) + sizeof(Elf64_Verdaux))
                       : 0);
    place(relocations_, (n + kOwnRelocations) * sizeof(Elf64_Rela));
    place(text_, n * kStubSize, 64);
    place(resolver_text_, resolver_count_ == 0 ? 0 : (resolver_count_ + 1) * kStubSize, kStubSize);
    place(unwind_, kUnwindSize);
    code_end_ = at;
    // Another page for what is written to, so that the two segments never share one.
    at = (at + kPage - 1) / kPage * kPage;
    place(dynamic_, kDynamicEntries * sizeof(Elf64_Dyn));
    place(stubs_, sizeof(wc_stubs));
    place(table_, (n + WC_OWN_SCOPES) * sizeof(wc_function), 64);
    place(data_text_, data_strings_.bytes().size());
    file_.reserve(at);
  }

  void pad_to(const Range& range) { file_.resize(range.at, '\0'); }

  void put_headers() {
    Elf64_Ehdr head{};
    std::memcpy(head.e_ident, ELFMAG, SELFMAG);
    head.e_ident[EI_CLASS] = ELFCLASS64;
    head.e_ident[EI_DATA] = ELFDATA2LSB;
    head.e_ident[EI_VERSION] = EV_CURRENT;
    head.e_type = ET_DYN;
    head.e_machine = EM_X86_64;
    head.e_version = EV_CURRENT;
    head.e_phoff = sizeof head;
    head.e_ehsize = sizeof head;
    head.e_phentsize = sizeof(Elf64_Phdr);
    head.e_phnum = kSegments;
    head.e_shentsize = sizeof(Elf64_Shdr);
    append(file_, head);
    put_segment(PT_LOAD, PF_R | PF_X, {0, code_end_}, kPage);
    put_segment(PT_LOAD, PF_R | PF_W, {dynamic_.at, data_text_.end() - dynamic_.at}, kPage);
    put_segment(PT_DYNAMIC, PF_R | PF_W, dynamic_, 8);
    put_segment(PT_GNU_EH_FRAME, PF_R, {unwind_.at, kFrameHeaderSize}, 4);
    put_segment(PT_GNU_STACK, PF_R | PF_W, {}, 16);
  }

  void put_segment(uint32_t type, uint32_t flags, Range range, uint64_t align) {
    Elf64_Phdr p{};
    p.p_type = type;
    p.p_flags = flags;
    p.p_offset = p.p_vaddr = p.p_paddr = range.at;
    p.p_filesz = p.p_memsz = range.size;
    p.p_align = align;
    append(file_, p);
  }

  void put_hash() {
    pad_to(hash_);
    constexpr uint32_t kShift = 6;
    uint32_t first = 1 + kEntryCount;
    for (uint32_t word : {buckets_, first, bloom_size_, kShift}) append(file_, word);
    std::vector<uint64_t> bloom(bloom_size_);
    for (const auto& e : exported_)
      bloom[e.hash / 64 % bloom_size_] |= 1ull << e.hash % 64 | 1ull << (e.hash >> kShift) % 64;
    for (uint64_t word : bloom) append(file_, word);
    std::vector<uint32_t> bucket(buckets_);
    for (uint32_t i = 0; i < exported_.size(); i++) {
      uint32_t& b = bucket[exported_[i].hash % buckets_];
      if (b == 0) b = first + i;
    }
    for (uint32_t word : bucket) append(file_, word);
    for (size_t i = 0; i < exported_.size(); i++) {
      bool last = i + 1 == exported_.size() ||
                  exported_[i].hash % buckets_ != exported_[i + 1].hash % buckets_;
      append(file_, (exported_[i].hash & ~1u) | (last ? 1u : 0u));
    }
  }

  void put_symbols() {
    pad_to(symbols_);
    append(file_, Elf64_Sym{});
    for (const char* name : kEntryNames) {
      Elf64_Sym s{};
      s.st_name = dynamic_strings_.add(name);
      s.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
      append(file_, s);
    }
    for (const auto& e : exported_) {
      bool is_table = e.function == functions_.size();
      Elf64_Sym s{};
      s.st_name = dynamic_strings_.add(symbol_name(e));
      bool is_late = !is_table && functions_[e.function].late;
      s.st_info = ELF64_ST_INFO(STB_GLOBAL, is_table  ? STT_OBJECT
                                            : is_late ? STT_GNU_IFUNC
                                                      : STT_FUNC);
      s.st_shndx = 1;  // any defined section: there are no section headers
      s.st_value = is_table  ? stubs_.at
                   : is_late ? resolver_text_.at + resolvers_[e.function] * kStubSize
                             : text_.at + e.function * kStubSize;
      s.st_size = is_table ? stubs_.size : kStubSize;
      append(file_, s);
    }
    pad_to(strings_);
    file_ += dynamic_strings_.bytes();
  }

  void put_versions() {
    if (!has_versions_) return;
    pad_to(versym_);
    for (uint32_t i = 0; i <= kEntryCount; i++) append(file_, uint16_t{0});
    for (const auto& e : exported_) append(file_, e.version);
    pad_to(verdef_);
    put_version_definition(kSoname, 1, VER_FLG_BASE, false);
    std::vector<std::string> by_number(versions_.size() + 1, kUnversioned);
    for (const auto& [name, number] : versions_) by_number[number - kUnversionedNumber] = name;
    for (size_t i = 0; i < by_number.size(); i++)
      put_version_definition(by_number[i], static_cast<uint16_t>(i + kUnversionedNumber), 0,
                             i + 1 == by_number.size());
  }

  void put_version_definition(const std::string& name, uint16_t number, uint16_t flags, bool last) {
    Elf64_Verdef d{};
    d.vd_version = VER_DEF_CURRENT;
    d.vd_flags = flags;
    d.vd_ndx = number;
    d.vd_cnt = 1;
    d.vd_hash = sysv_hash(name);
    d.vd_aux = sizeof d;
    d.vd_next = last ? 0 : sizeof d + sizeof(Elf64_Verdaux);
    append(file_, d);
    append(file_, Elf64_Verdaux{dynamic_strings_.add(name), 0});
  }

  // Ordered by symbol, because ld.so remembers only the last look-up.
  void put_relocations() {
    pad_to(relocations_);
    auto relative = [this](uint64_t where, uint64_t value) {
      append(file_, Elf64_Rela{where, ELF64_R_INFO(0, R_X86_64_RELATIVE),
                               static_cast<Elf64_Sxword>(value)});
    };
    relative(stubs_.at + offsetof(wc_stubs, functions), table_.at);
    relative(stubs_.at + offsetof(wc_stubs, strings), data_text_.at);
    relative(stubs_.at + offsetof(wc_stubs, text), text_.at);
    append(file_, Elf64_Rela{stubs_.at + offsetof(wc_stubs, late),
                             ELF64_R_INFO(kEntryCount, R_X86_64_64), 0});
    std::vector<uint32_t> order(functions_.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) {
      return functions_[a].entry < functions_[b].entry;
    });
    for (uint32_t i : order) {
      auto symbol = 1 + static_cast<uint64_t>(functions_[i].entry);
      append(file_,
             Elf64_Rela{table_.at + i * sizeof(wc_function), ELF64_R_INFO(symbol, R_X86_64_64), 0});
    }
  }

  // endbr64; lea function(%rip), %r11; jmp *(%r11)
  void put_text() {
    pad_to(text_);
    for (size_t i = 0; i < functions_.size(); i++) {
      uint64_t next = text_.at + i * kStubSize + 11;
      auto distance = static_cast<int32_t>(table_.at + i * sizeof(wc_function) - next);
      file_.append("\xf3\x0f\x1e\xfa\x4c\x8d\x1d", 7);
      append(file_, distance);
      file_.append("\x41\xff\x23\xcc\xcc", 5);
    }
  }

  // For each function that comes late: endbr64; lea function(%rip), %r11; jmp to what stands behind
  // all of them: mov late(%rip), %rax; test %rax, %rax; je 1f; jmp *%rax; 1: ret. The slot is empty
  // for who asks before this library is relocated: there is no such function then.
  void put_resolvers() {
    if (resolver_count_ == 0) return;
    pad_to(resolver_text_);
    uint64_t common = resolver_text_.at + resolver_count_ * kStubSize;
    for (size_t i = 0; i < functions_.size(); i++) {
      if (!functions_[i].late) continue;
      uint64_t at = resolver_text_.at + resolvers_[i] * kStubSize;
      file_.append("\xf3\x0f\x1e\xfa\x4c\x8d\x1d", 7);
      append(file_, static_cast<int32_t>(table_.at + i * sizeof(wc_function) - (at + 11)));
      file_.append("\xe9", 1);
      append(file_, static_cast<int32_t>(common - (at + kStubSize)));
    }
    file_.append("\x48\x8b\x05", 3);
    append(file_, static_cast<int32_t>(stubs_.at + offsetof(wc_stubs, late) - (common + 7)));
    file_.append("\x48\x85\xc0\x74\x02\xff\xe0\xc3\xcc", 9);
  }

  // One entry covers all stubs: nothing is pushed, the return address is at the top.
  void put_unwind() {
    pad_to(unwind_);
    uint64_t frame = unwind_.at + kFrameHeaderSize;
    file_.append("\x01\x1b\x03\x3b", 4);  // version; pcrel sdata4; udata4; datarel sdata4
    append(file_, static_cast<int32_t>(frame - (unwind_.at + 4)));
    append(file_, uint32_t{1});
    append(file_, static_cast<int32_t>(text_.at - unwind_.at));
    append(file_, static_cast<int32_t>(frame + kCieSize - unwind_.at));
    file_.append(kFrameHeaderSize - 20, '\0');
    // CIE: length, id 0, version 1, "zR", code 1, data -8, ra 16, augmentation 1: pcrel sdata4;
    // CFA = rsp+8, ra at CFA-8.
    append(file_, uint32_t{kCieSize - 4});
    append(file_, uint32_t{0});
    file_.append("\x01zR\0\x01\x78\x10\x01\x1b\x0c\x07\x08\x90\x01\0\0", 16);
    append(file_, uint32_t{kFdeSize - 4});
    append(file_, uint32_t{kCieSize + 4});
    append(file_, static_cast<int32_t>(text_.at - (frame + kCieSize + 8)));
    append(file_,
           static_cast<uint32_t>((resolver_count_ == 0 ? text_ : resolver_text_).end() - text_.at));
    file_.append(8, '\0');       // no augmentation data, nops
    append(file_, uint32_t{0});  // end of .eh_frame
  }

  void put_dynamic() {
    pad_to(dynamic_);
    auto entry = [this](int64_t tag, uint64_t value) {
      Elf64_Dyn d{};
      d.d_tag = tag;
      d.d_un.d_val = value;
      append(file_, d);
    };
    entry(DT_SONAME, soname_);
    entry(DT_GNU_HASH, hash_.at);
    entry(DT_SYMTAB, symbols_.at);
    entry(DT_SYMENT, sizeof(Elf64_Sym));
    entry(DT_STRTAB, strings_.at);
    entry(DT_STRSZ, strings_.size);
    entry(DT_RELA, relocations_.at);
    entry(DT_RELASZ, relocations_.size);
    entry(DT_RELAENT, sizeof(Elf64_Rela));
    if (has_versions_) {
      entry(DT_VERSYM, versym_.at);
      entry(DT_VERDEF, verdef_.at);
      entry(DT_VERDEFNUM, versions_.size() + 2);
    }
    entry(DT_NULL, 0);
  }

  void put_data() {
    pad_to(stubs_);
    wc_stubs head{};
    head.magic = WC_STUB_MAGIC;
    head.version = WC_PROTOCOL_VERSION;
    head.count = static_cast<uint32_t>(functions_.size());
    head.id = id_;
    head.scopes = data_strings_.add(std::string(scopes_));
    socket_path_.copy(head.socket_path, sizeof head.socket_path - 1);
    append(file_, head);
    pad_to(table_);
    for (uint32_t i = 0; i < functions_.size(); i++) {
      const StubFunction& f = functions_[i];
      wc_function row{};
      row.index = i;
      row.stack_words = f.stack_words;
      row.fixed_args = f.fixed_args;
      row.flags = f.flags;
      std::copy(std::begin(f.captures), std::end(f.captures), row.captures);
      row.target = data_strings_.add(f.target);
      row.version = f.target == f.name ? data_strings_.add(f.version) : 0;
      row.name = data_strings_.add(f.name);
      append(file_, row);
    }
    pad_to(data_text_);
    file_ += data_strings_.bytes();
  }

  static constexpr uint16_t kSegments = 5;
  static constexpr size_t kOwnRelocations = 4;  // of wc_stubs
  static constexpr uint64_t kDynamicEntries = 13;
  static constexpr uint32_t kFrameHeaderSize = 24;
  static constexpr uint32_t kCieSize = 24;
  static constexpr uint32_t kFdeSize = 24;
  static constexpr uint64_t kUnwindSize = kFrameHeaderSize + kCieSize + kFdeSize + 4;

  std::span<const StubFunction> functions_;
  uint64_t id_;
  std::string_view socket_path_, scopes_;
  std::vector<Exported> exported_;
  std::map<std::string, uint16_t> versions_;
  bool has_versions_ = false;
  std::vector<uint32_t> resolvers_;  // by function, of those that come late
  uint32_t resolver_count_ = 0;
  uint32_t buckets_ = 1, bloom_size_ = 1, soname_ = 0;
  StringTable dynamic_strings_, data_strings_;
  Range hash_, symbols_, strings_, versym_, verdef_, relocations_, text_, resolver_text_, unwind_,
      dynamic_, stubs_, table_, data_text_;
  uint64_t code_end_ = 0;
  std::string file_;
};

}  // namespace

std::string build_stub_library(std::span<const StubFunction> functions, uint64_t id,
                               std::string_view socket_path, std::string_view scopes) {
  return Writer(functions, id, socket_path, scopes).write();
}

bool readdress_stub_library(std::string& library, uint64_t id, std::string_view socket_path,
                            wc_gate gate) {
  wc_stubs head{};
  for (size_t at = 0; at + sizeof head <= library.size(); at += 8) {
    std::memcpy(&head, &library[at], sizeof head);
    if (head.magic != WC_STUB_MAGIC || head.version != WC_PROTOCOL_VERSION) continue;
    head.id = id;
    head.gate = gate;
    std::fill(std::begin(head.socket_path), std::end(head.socket_path), '\0');
    socket_path.copy(head.socket_path, sizeof head.socket_path - 1);
    std::memcpy(&library[at], &head, sizeof head);
    return true;
  }
  return false;
}

}  // namespace wc
