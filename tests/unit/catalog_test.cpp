// Holds the catalog to this machine's libc: a name that libc does not export, a va_list sibling
// that is not there, or a function whose stack words are missing breaks the traced program.
#include "catalog/catalog.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gnu/libc-version.h>
#include <gtest/gtest.h>
#include <link.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "decode/decoder.h"
#include "decode/flag_tables.h"

namespace wc {
namespace {

using ::testing::IsEmpty;

// Every function name in the dynamic symbols of libc and the loader, of whatever version: what
// dlsym answers would leave out the names that only old programs ask for.
const std::unordered_set<std::string_view>& exported_by_glibc() {
  static const auto names = [] {
    std::unordered_set<std::string_view> result;
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* out) {
          const std::string_view path = info->dlpi_name;
          if (!path.ends_with("/libc.so.6") && path.find("/ld-linux") == path.npos) return 0;
          const ElfW(Sym)* symbols = nullptr;
          const char* strings = nullptr;
          const uint32_t* gnu_hash = nullptr;
          const auto fix = [&](ElfW(Addr) address) {  // the loader's own table may be unrelocated
            return address < info->dlpi_addr ? address + info->dlpi_addr : address;
          };
          // NOLINTBEGIN(performance-no-int-to-ptr): ELF tables hold addresses as numbers.
          for (size_t i = 0; i < info->dlpi_phnum; ++i) {
            if (info->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
            const auto* dyn =
                reinterpret_cast<const ElfW(Dyn)*>(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
            for (; dyn->d_tag != DT_NULL; ++dyn) {
              const ElfW(Addr) at = fix(dyn->d_un.d_ptr);
              if (dyn->d_tag == DT_SYMTAB) symbols = reinterpret_cast<const ElfW(Sym)*>(at);
              if (dyn->d_tag == DT_STRTAB) strings = reinterpret_cast<const char*>(at);
              if (dyn->d_tag == DT_GNU_HASH) gnu_hash = reinterpret_cast<const uint32_t*>(at);
            }
          }
          // NOLINTEND(performance-no-int-to-ptr)
          if (symbols == nullptr || strings == nullptr || gnu_hash == nullptr) return 0;
          // The symbols that are defined are exactly those of the hash chains.
          const uint32_t buckets = gnu_hash[0];
          const uint32_t first = gnu_hash[1];
          const uint32_t* bucket = gnu_hash + 4 + gnu_hash[2] * (sizeof(ElfW(Addr)) / 4);
          const uint32_t* chain = bucket + buckets;
          for (uint32_t b = 0; b < buckets; ++b) {
            if (bucket[b] < first) continue;
            for (uint32_t i = bucket[b];; ++i) {
              const int type = ELF64_ST_TYPE(symbols[i].st_info);
              if (type == STT_FUNC || type == STT_GNU_IFUNC) {
                static_cast<std::unordered_set<std::string_view>*>(out)->insert(strings +
                                                                                symbols[i].st_name);
              }
              if ((chain[i - first] & 1) != 0) break;
            }
          }
          return 0;
        },
        &result);
    return result;
  }();
  return names;
}

const FunctionSpec& row(std::string_view name) {
  const FunctionSpec* spec = find_function(name);
  if (spec == nullptr) {
    ADD_FAILURE() << "no row for " << name;
    static const FunctionSpec none;
    return none;
  }
  return *spec;
}

// Headers of a later glibc ask for these.
bool newer_than_this_libc(std::string_view name) { return name.starts_with("__isoc23_"); }

int integer_arguments(const FunctionSpec& spec) {
  return static_cast<int>(
      std::count_if(spec.args.begin(), spec.args.begin() + spec.arg_count,
                    [](const ArgSpec& arg) { return arg.kind != ArgKind::Double; }));
}

TEST(Catalog, HasManyRowsSortedAndUnique) {
  EXPECT_GE(catalog().size(), 600u);
  for (size_t i = 1; i < catalog().size(); ++i) {
    EXPECT_LT(catalog()[i - 1].name, catalog()[i].name);
  }
}

TEST(Catalog, FindsEveryRowAndNothingElse) {
  for (const FunctionSpec& spec : catalog()) EXPECT_EQ(find_function(spec.name), &spec);
  EXPECT_EQ(find_function(""), nullptr);
  EXPECT_EQ(find_function("prinft"), nullptr);
  EXPECT_EQ(find_function("open6"), nullptr);
  EXPECT_EQ(find_function(std::string_view("open64", 4)), &row("open"));
}

TEST(Catalog, EveryNameIsExportedByThisLibc) {
  ASSERT_GT(exported_by_glibc().size(), 2000u) << "the symbols of libc were not read";
  EXPECT_TRUE(exported_by_glibc().contains("__tls_get_addr")) << "those of the loader were not";
  if (std::string_view(gnu_get_libc_version()) != "2.36") GTEST_SKIP() << "another glibc";
  std::vector<std::string_view> unknown;
  for (const FunctionSpec& spec : catalog()) {
    if (!exported_by_glibc().contains(spec.name) && !newer_than_this_libc(spec.name)) {
      unknown.push_back(spec.name);
    }
  }
  EXPECT_THAT(unknown, IsEmpty());
}

TEST(Catalog, EverySiblingIsExportedAndFits) {
  for (const FunctionSpec& spec : catalog()) {
    SCOPED_TRACE(std::string(spec.name));
    const bool needs = spec.stack == StackUse::VaList || spec.stack == StackUse::ExecList;
    EXPECT_EQ(needs, !spec.sibling.empty());
    if (!needs) continue;
    EXPECT_TRUE(exported_by_glibc().contains(spec.sibling) || newer_than_this_libc(spec.sibling));
    if (spec.stack != StackUse::VaList) continue;
    // The same arguments, then the va_list.
    const FunctionSpec& sibling = row(spec.sibling);
    EXPECT_EQ(sibling.arg_count, spec.arg_count + 1);
    for (unsigned i = 0; i < spec.arg_count; ++i) {
      EXPECT_EQ(sibling.args[i].kind, spec.args[i].kind) << "argument " << i;
    }
    EXPECT_EQ(sibling.stack, StackUse::None);
    EXPECT_EQ(sibling.result.kind, spec.result.kind);
    EXPECT_LE(spec.arg_count, 5) << "a va_list must still find a register";
  }
}

// The ways out of printf and its kin that libc exports: none may be without a row.
TEST(Catalog, NoVariadicOfLibcIsMissed) {
  for (const std::string_view name : exported_by_glibc()) {
    if (name.find("printf") == name.npos && name.find("scanf") == name.npos) continue;
    if (name.starts_with("_dl_")) continue;  // never selected
    const bool takes_list = name.find("vf") != name.npos || name.find("vs") != name.npos ||
                            name.find("vprintf") != name.npos || name.find("vscanf") != name.npos ||
                            name.find("vd") != name.npos || name.find("vw") != name.npos ||
                            name.find("vasprintf") != name.npos;
    const bool fixed = name == "printf_size" || name == "printf_size_info" ||
                       name.starts_with("register_printf_") || name == "parse_printf_format" ||
                       name == "__printf_fp";
    if (takes_list || fixed) continue;
    EXPECT_EQ(row(name).stack, StackUse::VaList) << name;
  }
}

TEST(Catalog, RowsAreConsistent) {
  uint32_t all_classes = 0;
  for (const ClassName& entry : class_names()) all_classes |= entry.bit;
  for (const FunctionSpec& spec : catalog()) {
    SCOPED_TRACE(std::string(spec.name));
    EXPECT_FALSE(spec.family.empty()) << "an alias of an alias";
    EXPECT_EQ(spec.classes & ~all_classes, 0u);
    EXPECT_LE(spec.arg_count, kMaxArgs);
    EXPECT_EQ(spec.wrap == Wrap::Never, !spec.reason.empty());
    EXPECT_EQ(spec.stack == StackUse::Words, spec.stack_words != 0);
    if (spec.wrap == Wrap::Never) {
      EXPECT_EQ(spec.classes & kDefault, 0u);
    }
    // More integer arguments than registers, and yet no words to copy.
    if (spec.wrap != Wrap::Never && integer_arguments(spec) > 6) {
      EXPECT_GE(spec.stack_words, integer_arguments(spec) - 6);
    }
    // A family has the classes of its members: @stdio must not take printf and leave
    // __printf_chk.
    if (const FunctionSpec* head = find_function(spec.family); head != nullptr) {
      EXPECT_EQ(head->classes, spec.classes);
      EXPECT_EQ(head->family, head->name) << "the head of a family is a member of another";
    }
  }
}

TEST(Catalog, AuxPointsAtTheRightArgument) {
  for (const FunctionSpec& spec : catalog()) {
    SCOPED_TRACE(std::string(spec.name));
    for (unsigned i = 0; i < spec.arg_count; ++i) {
      const ArgSpec arg = spec.args[i];
      switch (arg.kind) {
        case ArgKind::BufferIn:
        case ArgKind::BufferOut:
        case ArgKind::Sockaddr:
        case ArgKind::Iovec:
        case ArgKind::IovecOut:
        case ArgKind::Pollfd: {
          ASSERT_LT(arg.aux, spec.arg_count);
          const ArgKind kind = spec.args[arg.aux].kind;
          EXPECT_TRUE(kind == ArgKind::Ulong || kind == ArgKind::Int || kind == ArgKind::Uint);
          break;
        }
        case ArgKind::SockaddrOut:
          ASSERT_LT(arg.aux, spec.arg_count);
          EXPECT_TRUE(spec.args[arg.aux].kind == ArgKind::Pointer ||
                      spec.args[arg.aux].kind == ArgKind::SocklenInOut);
          break;
        case ArgKind::StructIn:
          EXPECT_GT(arg.aux, 0);
          break;
        case ArgKind::Flags:
        case ArgKind::Enum:
          EXPECT_GT(arg.aux, 0);
          EXPECT_LT(arg.aux, static_cast<unsigned>(FlagTable::Count));
          break;
        default:
          EXPECT_LT(arg.aux, std::max<unsigned>(spec.arg_count, 1));
      }
    }
  }
}

// Their lines and those of their syscalls are one where they say the same.
TEST(Catalog, ThinWrappersHaveTheKindsOfTheirSyscalls) {
  for (const std::string_view name :
       {"accept", "fcntl", "fsetxattr", "getsockopt", "ioctl", "lgetxattr", "setitimer", "socket",
        "socketpair", "statfs", "uname", "utimensat"}) {
    const FunctionSpec* function = find_function(name);
    const SyscallSpec& syscall = syscall_spec(static_cast<uint32_t>(syscall_number(name)));
    ASSERT_NE(function, nullptr) << name;
    ASSERT_EQ(function->arg_count, syscall.arg_count) << name;
    for (unsigned i = 0; i < syscall.arg_count; ++i)
      EXPECT_EQ(function->args[i], syscall.args[i]) << name << " " << i;
  }
}

TEST(Catalog, FamiliesReportThePublicName) {
  const std::pair<std::string_view, std::string_view> members[] = {
      {"open64", "open"},
      {"__open", "open"},
      {"__open_2", "open"},
      {"__open64_2", "open"},
      {"__openat_2", "openat"},
      {"fopen64", "fopen"},
      {"_IO_fopen", "fopen"},
      {"_IO_puts", "puts"},
      {"__printf_chk", "printf"},
      {"__fprintf_chk", "fprintf"},
      {"__isoc99_sscanf", "sscanf"},
      {"__isoc23_sscanf", "sscanf"},
      {"__read_chk", "read"},
      {"__libc_malloc", "malloc"},
      {"__xstat", "stat"},
      {"__fxstatat64", "fstatat"},
      {"__lxstat", "lstat"},
      {"__sigsetjmp", "sigsetjmp"},
      {"_setjmp", "setjmp"},
      {"__vfork", "vfork"},
      {"pread64", "pread"},
      {"__poll_chk", "poll"},
      {"__xpg_basename", "basename"},
      {"readdir64_r", "readdir_r"},
      {"__register_atfork", "pthread_atfork"},
      {"__strtol_internal", "strtol"},
  };
  for (const auto& [name, family] : members) EXPECT_EQ(row(name).family, family) << name;
  // A digit at the end is not always the 64 of large files, nor one address one function.
  EXPECT_EQ(row("strtof64").family, "strtof64");
  EXPECT_EQ(row("getdents64").family, "getdents64");
  EXPECT_EQ(row("fputc").family, "fputc");
  EXPECT_EQ(row("index").family, "index");
}

TEST(Catalog, ClassMembership) {
  EXPECT_EQ(row("fopen").classes, kStdio | kFile | kDefault);
  EXPECT_EQ(row("malloc").classes, uint32_t{kMemory});
  EXPECT_EQ(row("getaddrinfo").classes, kNet | kDefault);
  EXPECT_EQ(row("opendir").classes, kDirectory | kDefault);
  EXPECT_EQ(row("pthread_create").classes, kThread | kDefault);
  EXPECT_EQ(row("nanosleep").classes, kTime | kDefault);
  EXPECT_EQ(row("sigaction").classes, kSignal | kDefault);
  EXPECT_EQ(row("kill").classes, kProcess | kSignal | kDefault);
  EXPECT_EQ(row("setlocale").classes, uint32_t{kLocale});
  EXPECT_EQ(row("dlopen").classes, kLoader | kDefault);
  EXPECT_EQ(row("getpwnam").classes, kProcess | kDefault);
  EXPECT_EQ(row("mmap").classes, kMemory | kDefault);
  EXPECT_TRUE(row("strlen").classes & kString);
}

TEST(Catalog, HotFunctionsAreNotDefault) {
  for (const std::string_view name : {"malloc",
                                      "free",
                                      "strlen",
                                      "memcpy",
                                      "isalpha",
                                      "getc",
                                      "putc",
                                      "fgetc",
                                      "getchar",
                                      "putchar",
                                      "putc_unlocked",
                                      "pthread_mutex_lock",
                                      "pthread_mutex_unlock",
                                      "setlocale",
                                      "strtol",
                                      "snprintf",
                                      "sprintf",
                                      "sscanf",
                                      "clock_gettime",
                                      "gettimeofday",
                                      "time",
                                      "getenv",
                                      "localtime",
                                      "qsort",
                                      "__errno_location",
                                      "pthread_self",
                                      "sem_post"}) {
    EXPECT_EQ(row(name).classes & kDefault, 0u) << name;
  }
  for (const std::string_view name :
       {"printf",       "__printf_chk", "puts",        "fwrite",  "read",    "open",
        "stat",         "fork",         "execve",      "system",  "connect", "mmap",
        "pthread_join", "usleep",       "sigprocmask", "syscall", "ioctl",   "popen",
        "getline",      "readdir",      "raise",       "exit"}) {
    EXPECT_NE(row(name).classes & kDefault, 0u) << name;
  }
}

TEST(Catalog, FixedArgumentsOfVariadics) {
  EXPECT_EQ(row("printf").arg_count, 1);
  EXPECT_EQ(row("__printf_chk").arg_count, 2);  // the flag comes first
  EXPECT_EQ(row("__printf_chk").args[1].kind, ArgKind::Format);
  EXPECT_EQ(row("__fprintf_chk").arg_count, 3);
  EXPECT_EQ(row("__snprintf_chk").arg_count, 5);
  EXPECT_EQ(row("__snprintf_chk").args[4].kind, ArgKind::Format);
  EXPECT_EQ(row("snprintf").arg_count, 3);
  EXPECT_EQ(row("syslog").arg_count, 2);
  EXPECT_EQ(row("__syslog_chk").arg_count, 3);
  EXPECT_EQ(row("err").arg_count, 2);
  EXPECT_EQ(row("warnx").sibling, "vwarnx");
  EXPECT_EQ(row("__obstack_printf_chk").sibling, "__obstack_vprintf_chk");
  EXPECT_EQ(row("__isoc99_fscanf").sibling, "__isoc99_vfscanf");
  EXPECT_EQ(row("__asprintf_chk").sibling, "__vasprintf_chk");
  EXPECT_EQ(row("execl").sibling, "execv");
  EXPECT_EQ(row("execle").sibling, "execve");
  EXPECT_EQ(row("execlp").sibling, "execvp");
}

TEST(Catalog, StackWords) {
  const std::pair<std::string_view, int> words[] = {
      {"getnameinfo", 1},
      {"gethostbyname2_r", 1},
      {"gethostbyaddr_r", 2},
      {"__recvfrom_chk", 1},
      {"syscall", 1},
      {"res_nmkquery", 4},
      {"mmap", 0},
      {"open", 0},
      {"recvfrom", 0},
      {"posix_spawn", 0},
      {"copy_file_range", 0},
      {"semctl", 0},
      {"fopencookie", 4},  // a structure of 32 bytes by value
      {"strfroml", 2},     // a long double
      {"copysignl", 4},    // two of them
      {"clntudp_bufcreate", 2},
      {"__res_context_send", 6},
      {"inet_ntoa", 0},  // a structure of four bytes by value
  };
  for (const auto& [name, count] : words) EXPECT_EQ(row(name).stack_words, count) << name;
}

TEST(Catalog, ResultsAndArguments) {
  EXPECT_EQ(row("read").result.kind, ArgKind::LongResult);
  EXPECT_EQ(row("open").result.kind, ArgKind::FdResult);
  EXPECT_EQ(row("fork").arg_count, 0);
  EXPECT_EQ(row("strcmp").result.kind, ArgKind::Int);  // -1 is no error
  EXPECT_EQ(row("pthread_create").result.kind, ArgKind::ErrnoResult);
  EXPECT_EQ(row("posix_spawn").result.kind, ArgKind::ErrnoResult);
  EXPECT_EQ(row("exit").result.kind, ArgKind::NoReturn);
  EXPECT_EQ(row("rewind").result.kind, ArgKind::Void);
  EXPECT_EQ(row("getenv").result.kind, ArgKind::StringResult);
  EXPECT_EQ(row("fopen").args[0].kind, ArgKind::Path);
  EXPECT_EQ(row("openat").args[0].kind, ArgKind::DirFd);
  EXPECT_EQ(row("openat").arg_count, 4);
  EXPECT_EQ(row("lseek").args[2].aux, static_cast<uint8_t>(FlagTable::Whence));
  EXPECT_EQ(row("write").args[1].kind, ArgKind::BufferIn);
  EXPECT_EQ(row("write").args[1].aux, 2);
  EXPECT_EQ(row("__xstat64").args[1].kind, ArgKind::Path);  // the version comes first
  EXPECT_EQ(row("__xstat64").arg_count, 3);
}

TEST(Catalog, WrapModes) {
  for (const std::string_view name :
       {"dlopen", "dlmopen", "dlsym", "dlvsym", "dl_iterate_phdr", "backtrace"}) {
    EXPECT_EQ(row(name).wrap, Wrap::TailJump) << name;
  }
  for (const std::string_view name :
       {"vfork",          "__vfork",           "setjmp",         "_setjmp",       "__sigsetjmp",
        "getcontext",     "setcontext",        "swapcontext",    "makecontext",   "clone",
        "__clone",        "__libc_start_main", "mcount",         "_mcount",       "__fentry__",
        "__tls_get_addr", "longjmp",           "siglongjmp",     "__longjmp_chk", "error",
        "error_at_line",  "strfmon",           "strfmon_l",      "__strfmon_l",   "argp_error",
        "argp_failure",   "sigreturn",         "_dl_catch_error"}) {
    EXPECT_EQ(row(name).wrap, Wrap::Never) << name;
  }
  for (const std::string_view name : {"dlclose", "fork", "execve", "exit", "pthread_exit",
                                      "posix_spawn", "qsort", "sigaction", "backtrace_symbols"}) {
    EXPECT_EQ(row(name).wrap, Wrap::Frame) << name;
  }
}

TEST(Catalog, ClassNames) {
  EXPECT_EQ(class_of_name("stdio"), kStdio);
  EXPECT_EQ(class_of_name("default"), kDefault);
  EXPECT_EQ(class_of_name("@stdio"), 0u);
  EXPECT_EQ(class_of_name(""), 0u);
  EXPECT_EQ(class_names().size(), 13u);
  for (const ClassName& entry : class_names()) {
    EXPECT_EQ(class_of_name(entry.name), entry.bit);
    EXPECT_FALSE(entry.what.empty());
    EXPECT_TRUE(std::any_of(catalog().begin(), catalog().end(), [&](const FunctionSpec& spec) {
      return (spec.classes & entry.bit) != 0;
    })) << entry.name;
  }
}

}  // namespace
}  // namespace wc
