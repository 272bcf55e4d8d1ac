// Which functions of a program are wrapped, the stub library for them, and the value of LD_PRELOAD.
#include "program/program_tables.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "elf_craft.h"
#include "program/stub_writer.h"
#include "protocol/stub.h"
#include "temporary_folder.h"

namespace wc {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

constexpr const char* kShim = "/opt/wc/libwc_preload.so";

class ProgramTablesTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("XDG_RUNTIME_DIR", folder_.path().c_str(), 1);
    auto directory = PrivateDirectory::create();
    ASSERT_TRUE(directory.ok()) << directory.error().message;
    directory_ = std::make_unique<PrivateDirectory>(std::move(*directory));
    select("@default");
  }
  void select(std::string_view list, std::vector<std::string> user_preloads = {},
              bool values_at_return = false, const std::string& cache = "") {
    auto terms = parse_selection(list);
    ASSERT_TRUE(terms.ok()) << terms.error().message;
    TableOptions options;
    options.terms = *terms;
    options.user_preloads = std::move(user_preloads);
    options.shim_path = kShim;
    options.socket_path = directory_->path() + "/socket";
    options.values_at_return = values_at_return;
    options.cache = CacheFolder(cache);
    tables_ = std::make_unique<ProgramTables>(options, *directory_);
  }
  static Image program(std::vector<std::string> needed = {"libc.so.6"}) {
    Image image;
    image.path = "/usr/bin/something";
    image.interpreter = "/lib64/ld-linux-x86-64.so.2";
    image.needed = std::move(needed);
    image.is_elf = image.is_64_bit = image.is_x86_64 = image.is_dynamic = true;
    return image;
  }
  ProgramTables::Prepared prepare(const Image& image, const std::string& library_path = "",
                                  const std::string& own = "", bool strict = true) {
    auto prepared = tables_->prepare(image, library_path, own, strict);
    EXPECT_TRUE(prepared.ok()) << (prepared.ok() ? "" : prepared.error().message);
    return prepared.ok() ? *prepared : ProgramTables::Prepared{};
  }
  // The row of the stub library for an exported name.
  static std::map<std::string, wc_function> rows_of(const std::string& stubs) {
    const std::string bytes = read_file(stubs);
    struct wc_stubs head {};
    const size_t at = bytes.find("WCS1");
    std::map<std::string, wc_function> rows;
    if (at == std::string::npos) return rows;
    std::memcpy(&head, &bytes[at], sizeof head);
    const size_t first = (at + sizeof head + 63) / 64 * 64;
    const size_t strings = first + (head.count + WC_OWN_SCOPES) * sizeof(wc_function);
    for (uint32_t i = 0; i < head.count; i++) {
      wc_function row{};
      std::memcpy(&row, &bytes[first + i * sizeof row], sizeof row);
      rows[&bytes[strings + row.name]] = row;
    }
    return rows;
  }
  static std::vector<std::string> symbols(const FunctionTable& table) {
    std::vector<std::string> names;
    for (const auto& f : table.functions) names.push_back(f.symbol);
    return names;
  }
  // Without DT_SONAME: the file's name stands for it.
  std::string fake_library(const std::string& name) {
    return folder_.write(name, craft<Elf64Types>({}));
  }

  TemporaryFolder folder_;
  std::unique_ptr<PrivateDirectory> directory_;
  std::unique_ptr<ProgramTables> tables_;
};

// ---- LD_PRELOAD

TEST_F(ProgramTablesTest, StubsAndShimAreAllThatIsPreloaded) {
  const auto prepared = prepare(program());
  EXPECT_EQ(prepared.ld_preload, prepared.table->stub_path + ":" + kShim);
  EXPECT_THAT(prepared.table->stub_path, testing::StartsWith(directory_->path() + "/"));
}

TEST_F(ProgramTablesTest, OwnPreloadsStayInFrontInTheirOrder) {
  const auto prepared = prepare(program(), "", "/own.so:second.so");
  EXPECT_EQ(prepared.ld_preload, "/own.so:second.so:" + prepared.table->stub_path + ":" + kShim);
}

TEST_F(ProgramTablesTest, LibrariesOfTheUserStandBeforeTheStubs) {
  select("@default", {"/user/one.so", "/user/two.so"});
  const auto prepared = prepare(program(), "", "/own.so");
  EXPECT_EQ(prepared.ld_preload,
            "/own.so:/user/one.so:/user/two.so:" + prepared.table->stub_path + ":" + kShim);
}

TEST_F(ProgramTablesTest, SanitizerComesFirst) {
  for (const char* name :
       {"libasan.so.8", "libtsan.so.2", "liblsan.so.0", "libubsan.so.1", "libhwasan.so.0"}) {
    const std::string sanitizer = fake_library(name);
    const auto prepared = prepare(program({name, "libc.so.6"}), folder_.path(), "/own.so");
    EXPECT_EQ(prepared.ld_preload,
              sanitizer + ":/own.so:" + prepared.table->stub_path + ":" + kShim);
  }
}

TEST_F(ProgramTablesTest, LibrariesNamedLikeASanitizerAreNone) {
  fake_library("libasanity.so.1");
  const auto prepared = prepare(program({"libasanity.so.1", "libc.so.6"}), folder_.path());
  EXPECT_THAT(prepared.ld_preload, Not(HasSubstr("libasanity")));
}

// ---- tables

TEST_F(ProgramTablesTest, StubLibraryExportsExactlyTheTable) {
  const auto prepared = prepare(program());
  const auto image = read_image(prepared.table->stub_path, true);
  ASSERT_TRUE(image.ok()) << image.error().message;
  std::vector<std::string> exported, table = symbols(*prepared.table);
  for (const auto& f : image->functions)
    if (f.version != "WC_NO_VERSION") exported.push_back(f.name);
  EXPECT_THAT(exported, testing::UnorderedElementsAreArray(table));
  EXPECT_THAT(table, IsSupersetOf({"fopen", "printf", "open"}));
  for (const auto& f : prepared.table->functions) EXPECT_EQ(f.library, "libc.so.6") << f.symbol;
}

TEST_F(ProgramTablesTest, RowsTellHowEachFunctionIsEntered) {
  select("printf,execle,dlopen,open,getpid,realpath,read", {}, true);
  const auto prepared = prepare(program());
  auto rows = rows_of(prepared.table->stub_path);
  for (const auto& [name, row] : rows) {
    ASSERT_LT(row.index, prepared.table->functions.size());
    EXPECT_EQ(prepared.table->functions[row.index].symbol, name);
  }
  EXPECT_EQ(rows.at("printf").fixed_args, 1);
  EXPECT_EQ(rows.at("__printf_chk").fixed_args, 2);
  EXPECT_NE(rows.at("printf").target, rows.at("printf").name);
  EXPECT_EQ(rows.at("getpid").target, rows.at("getpid").name);
  EXPECT_NE(rows.at("realpath").version, 0u) << "libc has several";
  EXPECT_NE(rows.at("getpid").version, 0u) << "another library may have one of another version";
  EXPECT_EQ(rows.at("getpid").flags, 0);
  EXPECT_EQ(std::ranges::count(symbols(*prepared.table), "realpath"), 2) << "one a version";
}

TEST_F(ProgramTablesTest, ProgramsWithEqualLibrariesShareAStubLibrary) {
  const auto one = prepare(program()), same = prepare(program(), "", "/own.so");
  EXPECT_EQ(one.table, same.table);
  const auto other = prepare(program({"libm.so.6", "libc.so.6"}));
  EXPECT_NE(other.table, one.table);
  EXPECT_NE(other.table->id, one.table->id) << "HELLO tells tables apart by it";
  EXPECT_NE(other.table->stub_path, one.table->stub_path);
  EXPECT_EQ(prepare(program()).table, one.table);
}

TEST_F(ProgramTablesTest, FunctionsOfALibraryThatIsNotNeededAreExportedForDlopen) {
  const std::string folder = std::filesystem::path(STUB_TARGETS).parent_path();
  select(std::string("words_12@") + STUB_TARGETS_NAME);
  const auto prepared = prepare(program(), folder);
  EXPECT_THAT(symbols(*prepared.table), ElementsAre("words_12"));
  EXPECT_EQ(prepared.table->functions[0].library, STUB_TARGETS_NAME);
  EXPECT_GT(rows_of(prepared.table->stub_path).at("words_12").stack_words, 5)
      << "nobody knows its prototype: stack words are passed on";
  EXPECT_THAT(prepared.warnings, IsEmpty());
}

// selection.h: "or its beginning up to a dot: compress@libz".
TEST_F(ProgramTablesTest, SystemLibraryThatIsNotNeededMayBeNamedUpToADot) {
  select("cos@libm");
  const auto prepared = prepare(program());
  EXPECT_THAT(symbols(*prepared.table), ElementsAre("cos"));
  EXPECT_THAT(prepared.warnings, IsEmpty());
}

TEST_F(ProgramTablesTest, LibraryOfLdLibraryPathMayBeNamedUpToADot) {
  const std::string folder = std::filesystem::path(STUB_TARGETS).parent_path();
  const std::string name = STUB_TARGETS_NAME;
  select("words_12@" + name.substr(0, name.find('.')));
  const auto prepared = prepare(program(), folder);
  EXPECT_THAT(symbols(*prepared.table), ElementsAre("words_12"));
}

TEST_F(ProgramTablesTest, LibraryThatIsNowhereIsAWarning) {
  select("getpid,something@libnowhere.so.3");
  const auto prepared = prepare(program());
  EXPECT_THAT(symbols(*prepared.table), ElementsAre("__getpid", "getpid"));
  EXPECT_THAT(prepared.warnings, Contains(HasSubstr("libnowhere.so.3")));
}

TEST_F(ProgramTablesTest, UnknownNameIsAnErrorForTheFirstProgramOnly) {
  select("getpid,fopne");
  const auto strict = tables_->prepare(program(), "", "", true);
  ASSERT_FALSE(strict.ok());
  EXPECT_THAT(strict.error().message, HasSubstr("fopen"));
  const auto prepared = prepare(program(), "", "", false);
  EXPECT_THAT(symbols(*prepared.table), ElementsAre("__getpid", "getpid"));
}

TEST_F(ProgramTablesTest, ProgramWithoutLibcHasNothingWrapped) {
  const auto prepared = prepare(program({}), "", "", false);
  EXPECT_THAT(prepared.table->functions, IsEmpty());
}

TEST_F(ProgramTablesTest, FullFolderIsAnErrorNotACrash) {
  ASSERT_TRUE(directory_->write_file("stubs-1.so", "somebody else's").ok());
  const auto prepared = tables_->prepare(program(), "", "", true);
  ASSERT_FALSE(prepared.ok());
  EXPECT_EQ(prepared.error().code, EEXIST);
}

// ---- refusal

TEST_F(ProgramTablesTest, OrdinaryProgramsAreNotRefused) { EXPECT_EQ(refusal(program()), ""); }

TEST_F(ProgramTablesTest, RefusalsSayWhatWorksInstead) {
  Image script;
  EXPECT_THAT(refusal(script), HasSubstr("not an ELF"));
  Image narrow = program();
  narrow.is_64_bit = false;
  EXPECT_THAT(refusal(narrow), HasSubstr("use strace -f"));
  Image arm = program();
  arm.is_x86_64 = false;
  EXPECT_THAT(refusal(arm), HasSubstr("not a 64-bit x86-64"));
  Image musl = program();
  musl.is_musl = true;
  EXPECT_THAT(refusal(musl), HasSubstr("musl"));
  Image fixed = program();
  fixed.is_dynamic = false;
  EXPECT_THAT(refusal(fixed), HasSubstr("statically linked"));
}

TEST_F(ProgramTablesTest, SetUserIdProgramsAreRefusedUnlessRootRunsThem) {
  Image set_id = program();
  set_id.set_id = true;
  const bool is_root = geteuid() == 0;
  if (is_root) {
    EXPECT_EQ(refusal(set_id), "");
    ASSERT_EQ(seteuid(65534), 0);
  }
  const std::string text = refusal(set_id);
  const bool restored = !is_root || seteuid(0) == 0;
  ASSERT_TRUE(restored);
  EXPECT_THAT(text, HasSubstr("run as root"));
}

// ---- tables of earlier runs

class StoredTables : public ProgramTablesTest {
 protected:
  std::string cache_ = folder_ / "cache";
  // As a new run with this selection sees it, its stub library without id and socket.
  std::pair<std::vector<std::string>, std::string> run(std::string_view list,
                                                       bool values_at_return = false) {
    select(list, {}, values_at_return, cache_);
    const auto prepared = prepare(program());
    if (prepared.table == nullptr) return {};
    std::string stubs = read_file(prepared.table->stub_path);
    EXPECT_THAT(stubs, HasSubstr(directory_->path() + "/socket"));
    EXPECT_TRUE(readdress_stub_library(stubs, 0, "", WC_GATE_OFF));
    std::filesystem::remove(prepared.table->stub_path);
    for (const FunctionInfo& info : prepared.table->functions) {
      EXPECT_EQ(info.spec, find_function(info.symbol));
      EXPECT_EQ(info.name, info.spec != nullptr ? std::string(info.spec->family) : info.symbol);
    }
    return {symbols(*prepared.table), stubs};
  }
  size_t stored() const {
    if (!std::filesystem::exists(cache_)) return 0;
    const std::filesystem::directory_iterator files(cache_);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }
};

TEST_F(StoredTables, AreTheSameTheSecondTime) {
  const auto chosen = run("@default");
  EXPECT_EQ(stored(), 1u);
  EXPECT_FALSE(chosen.first.empty());
  EXPECT_EQ(run("@default"), chosen);
  EXPECT_EQ(stored(), 1u);
}

TEST_F(StoredTables, BelongToOneSelectionAndItsOptions) {
  const auto all = run("@stdio");
  EXPECT_THAT(run("fopen").first, testing::UnorderedElementsAre("fopen", "fopen64", "_IO_fopen"));
  EXPECT_NE(run("@stdio", true).second, all.second);
  EXPECT_EQ(stored(), 3u);
  EXPECT_EQ(run("@stdio"), all);
}

TEST_F(StoredTables, AreChosenAgainWhereTheFileIsDamaged) {
  const auto chosen = run("@stdio");
  for (const auto& file : std::filesystem::directory_iterator(cache_)) {
    const std::string bytes = read_file(file.path());
    std::filesystem::resize_file(file.path(), bytes.size() / 2);
  }
  EXPECT_EQ(run("@stdio"), chosen);
  EXPECT_EQ(run("@stdio"), chosen);
}

TEST_F(StoredTables, AreNotKeptWhereThereWasSomethingToSay) {
  for (int i = 0; i < 2; i++) {
    select("fopen,vfork", {}, false, cache_);
    const auto prepared = prepare(program());
    EXPECT_THAT(prepared.warnings, Not(IsEmpty()));
    if (prepared.table != nullptr) std::filesystem::remove(prepared.table->stub_path);
  }
  EXPECT_EQ(stored(), 0u);
}

}  // namespace
}  // namespace wc
