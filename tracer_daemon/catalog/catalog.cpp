// The rows of glibc_*.def, expanded, sorted and hashed by the compiler: at run time the table is
// read-only data, so a tracer that starts (and each select() at an exec) builds nothing.
//
// Which functions are @default: those that enter the kernel on their own behalf as a rule - stdio
// that opens, reads, flushes or formats, files, directories, processes, sockets and resolvers,
// mappings, sleeping and timers, signals, thread creation and joining, dlopen. A syscall under
// one of them answers "who asked?". Left out are functions that only touch memory (malloc,
// str*, ctype, strtol, locale, getc and putc, mutexes): they are called far more often than they
// enter the kernel, and the few syscalls they do make (brk of malloc, futex of a contended mutex)
// are reported under the default function that called them, or wanted by somebody who asks for
// @memory or @thread. clock_gettime and friends stay out too: they answer from the vDSO.
//
// Why some rows are .tail() or .never() is said where those helpers are, below.
#include "catalog/catalog.h"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <iterator>

#include "decode/flag_tables.h"
#include "decode/struct_tables.h"

namespace wc {
namespace {

// An argument as the rows write it: a bare ArgKind, or a kind with its aux.
struct Arg {
  ArgSpec spec;
  constexpr Arg(ArgKind kind, uint16_t aux = 0) : spec{kind, aux} {}  // NOLINT: implicit by design
};

constexpr Arg in(uint8_t length) { return {ArgKind::BufferIn, length}; }
constexpr Arg out(uint8_t capacity) { return {ArgKind::BufferOut, capacity}; }
constexpr Arg sockaddr(uint8_t length) { return {ArgKind::Sockaddr, length}; }
constexpr Arg sockaddr_out(uint8_t length) { return {ArgKind::SockaddrOut, length}; }
constexpr Arg iovec(uint8_t count) { return {ArgKind::Iovec, count}; }
constexpr Arg iovec_out(uint8_t count) { return {ArgKind::IovecOut, count}; }
constexpr Arg pollfds(uint8_t count) { return {ArgKind::Pollfd, count}; }

struct Row {
  FunctionSpec spec;
  std::string_view alias_of;  // everything but the name is that row's

  // Unbounded variadic: `sibling` takes a va_list in place of the variadic part.
  constexpr Row va(std::string_view sibling) const {
    Row row = *this;
    row.spec.stack = StackUse::VaList;
    row.spec.sibling = sibling;
    return row;
  }
  constexpr Row exec_list(std::string_view sibling) const {
    Row row = *this;
    row.spec.stack = StackUse::ExecList;
    row.spec.sibling = sibling;
    return row;
  }
  // Words on the stack at entry. Arguments beyond six integer ones, but also every long double
  // (16 aligned bytes) and every structure of more than 16 bytes passed by value.
  constexpr Row words(uint8_t count) const {
    Row row = *this;
    row.spec.stack = StackUse::Words;
    row.spec.stack_words = count;
    return row;
  }
  // Functions whose result depends on who called: the loader's namespaces and RUNPATH
  // (dlopen, dlsym, dl_iterate_phdr), and backtrace, which would report our frame.
  constexpr Row tail() const {
    Row row = *this;
    row.spec.wrap = Wrap::TailJump;
    return row;
  }
  // longjmp is here although a call from a frame would work: it continues elsewhere, so its
  // scope would stay open and be credited with syscalls that it did not make. exit, execve and
  // pthread_exit do not return either, but all that follows really is theirs.
  constexpr Row never(std::string_view reason) const {
    Row row = *this;
    row.spec.wrap = Wrap::Never;
    row.spec.reason = reason;
    return row;
  }
};

constexpr Row make_row(std::string_view name, std::string_view family, uint32_t classes, Arg result,
                       std::initializer_list<Arg> args) {
  Row row;
  row.spec.name = name;
  row.spec.family = family;
  row.spec.classes = classes;
  row.spec.result = result.spec;
  for (const Arg& arg : args) row.spec.args.at(row.spec.arg_count++) = arg.spec;
  return row;
}

constexpr Row make_alias(std::string_view name, std::string_view of) {
  Row row;
  row.spec.name = name;
  row.alias_of = of;
  return row;
}

// Why a function cannot be wrapped, in words for its user ("cannot wrap vfork: ...").
constexpr std::string_view kSharesStack =
    "its child returns on the stack of its parent, through a frame that is then gone";
constexpr std::string_view kReturnsTwice =
    "it can return a second time, when a frame around it is gone";
constexpr std::string_view kSavesStack =
    "it saves the state of its caller, and a frame around it would be part of what is saved";
constexpr std::string_view kGoesElsewhere =
    "it continues elsewhere and never returns, so what runs afterwards would be taken for its own";
constexpr std::string_view kNoVaList =
    "it takes any number of arguments and libc has no va_list form of it";
constexpr std::string_view kNewStack =
    "its child starts on a new stack, where a frame around it does not exist";
constexpr std::string_view kWholeProgram =
    "the whole program runs inside it: use --scope=main or --scope=process instead";
constexpr std::string_view kOwnConvention =
    "compiled code calls it with a register convention of its own";
constexpr std::string_view kLoaderInternal = "it is an internal function of the dynamic loader";
constexpr std::string_view kLibcStart = "it is called while libc itself is being set up";
constexpr std::string_view kSignalFrame =
    "it returns to a signal frame that the kernel laid out on the stack";
constexpr std::string_view kThreadDebug = "it is a breakpoint address for thread debuggers";

// Rows may call the kinds by their bare names.
using enum ArgKind;

// The grammar of the .def files. Arguments are listed in the order of the prototype; those of
// kind Double travel in vector registers (long double: on the stack), the others in integer
// registers, six at most. A structure of two words passed by value counts as two arguments.
// Optional arguments of bounded variadics (the mode of open) are listed as if they were given.
//
// One function of its own: FN(read, classes, result, arguments...).
#define FN(name, classes, result, ...) make_row(#name, #name, (classes), (result), {__VA_ARGS__})
// A form of another function with a prototype of its own: MEMBER(__read_chk, read, ...).
#define MEMBER(name, family, classes, result, ...) \
  make_row(#name, #family, (classes), (result), {__VA_ARGS__})
// The same prototype and family under another name: ALIAS(open64, open).
#define ALIAS(name, of) make_alias(#name, #of)
#define FLAGS(table) \
  Arg { ArgKind::Flags, static_cast<uint16_t>(FlagTable::table) }
#define ENUM(table) \
  Arg { ArgKind::Enum, static_cast<uint16_t>(FlagTable::table) }
// A kind whose aux is the index of another argument, and one whose aux names a structure.
#define X(kind, aux) \
  Arg { ArgKind::kind, aux }
#define T(kind, id) \
  Arg { ArgKind::kind, static_cast<uint16_t>(StructId::id) }

constexpr Row kRows[] = {
#include "catalog/glibc_stdio.def"
//
#include "catalog/glibc_file.def"
//
#include "catalog/glibc_net.def"
//
#include "catalog/glibc_process.def"
//
#include "catalog/glibc_thread.def"
//
#include "catalog/glibc_time.def"
//
#include "catalog/glibc_memory.def"
//
#include "catalog/glibc_string.def"
//
#include "catalog/glibc_locale.def"
//
#include "catalog/glibc_misc.def"
//
#include "catalog/glibc_internal.def"
};

#undef FN
#undef MEMBER
#undef ALIAS
#undef FLAGS
#undef ENUM
#undef X
#undef T

constexpr size_t kRowCount = std::size(kRows);

// Open addressing, at most half full; 0 is an empty slot, otherwise index + 1 into kTable.
constexpr size_t kSlots = 8192;
static_assert(kRowCount * 2 <= kSlots && kRowCount < UINT16_MAX);

constexpr size_t hash(std::string_view name) {
  uint32_t h = 2166136261u;  // FNV-1a
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
  return (h ^ (h >> 15)) & (kSlots - 1);
}

// The first eight bytes as a number that sorts as they do: most comparisons end here.
constexpr uint64_t sort_key(std::string_view name) {
  uint64_t key = 0;
  for (size_t i = 0; i < 8; ++i) {
    key = key << 8 | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0u);
  }
  return key;
}

constexpr auto make_table() {
  struct Key {
    uint64_t prefix = 0;
    uint16_t row = 0;
  };
  std::array<Key, kRowCount> order;
  for (size_t i = 0; i < kRowCount; ++i) {
    order[i] = {sort_key(kRows[i].spec.name), static_cast<uint16_t>(i)};
  }
  std::sort(order.begin(), order.end(), [](const Key& a, const Key& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    return kRows[a.row].spec.name < kRows[b.row].spec.name;
  });
  std::array<FunctionSpec, kRowCount> table;
  for (size_t i = 0; i < kRowCount; ++i) table[i] = kRows[order[i].row].spec;
  return table;
}

constexpr auto make_slots(const std::array<FunctionSpec, kRowCount>& table) {
  std::array<uint16_t, kSlots> slots{};
  for (size_t i = 0; i < kRowCount; ++i) {
    size_t slot = hash(table[i].name);
    while (slots[slot] != 0) slot = (slot + 1) & (kSlots - 1);
    slots[slot] = static_cast<uint16_t>(i + 1);
  }
  return slots;
}

constexpr const FunctionSpec* lookup(const std::array<FunctionSpec, kRowCount>& table,
                                     const std::array<uint16_t, kSlots>& slots,
                                     std::string_view name) {
  for (size_t slot = hash(name); slots[slot] != 0; slot = (slot + 1) & (kSlots - 1)) {
    const FunctionSpec& spec = table[slots[slot] - 1];
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

constexpr auto kUnresolved = make_table();
constexpr auto kSlotOf = make_slots(kUnresolved);

// An alias of a name that has no row does not compile: `of` is null in a constant expression.
constexpr auto resolve_aliases() {
  auto table = kUnresolved;
  for (const Row& row : kRows) {
    if (row.alias_of.empty()) continue;
    const FunctionSpec* of = lookup(kUnresolved, kSlotOf, row.alias_of);
    const FunctionSpec* self = lookup(kUnresolved, kSlotOf, row.spec.name);
    FunctionSpec& spec = table[static_cast<size_t>(self - kUnresolved.data())];
    spec = *of;
    spec.name = row.spec.name;
  }
  return table;
}

constexpr auto kTable = resolve_aliases();

constexpr ClassName kClassNames[] = {
    {"default", kDefault,
     "functions that enter the kernel on their own behalf, the hot ones left out"},
    {"directory", kDirectory, "directories and trees of them: opendir, mkdir, getcwd, glob, nftw"},
    {"file", kFile, "paths, files and descriptors: open, read, stat, poll, mount, xattr"},
    {"loader", kLoader, "dlopen and its companions"},
    {"locale", kLocale, "setlocale, iconv, gettext, multibyte conversion"},
    {"memory", kMemory, "allocation and mappings: malloc, mmap, shmat"},
    {"net", kNet, "sockets, resolver, host and service databases"},
    {"process", kProcess, "fork, exec, wait, ids, limits, users, environment"},
    {"signal", kSignal, "sending, handling and waiting for signals"},
    {"stdio", kStdio, "FILE streams, printf and scanf, err, syslog"},
    {"string", kString, "strings, memory blocks, characters, conversions, regular expressions"},
    {"thread", kThread, "pthread_*, C11 threads, semaphores"},
    {"time", kTime, "clocks, sleeping, timers, calendar"},
};

}  // namespace

std::span<const FunctionSpec> catalog() { return kTable; }

const FunctionSpec* find_function(std::string_view exported_name) {
  return lookup(kTable, kSlotOf, exported_name);
}

uint32_t class_of_name(std::string_view name) {
  for (const ClassName& entry : kClassNames) {
    if (entry.name == name) return entry.bit;
  }
  return 0;
}

std::span<const ClassName> class_names() { return kClassNames; }

}  // namespace wc
