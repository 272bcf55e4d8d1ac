#include "symbols/unwinder.h"

#include <libunwind-x86_64.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "symbols/memory_map.h"
#include "symbols/module.h"
#include "symbols/unwind_table.h"

// Not in libunwind's headers, but exported for those who search tables of their own (perf does).
extern "C" int _Ux86_64_dwarf_search_unwind_table(unw_addr_space_t space, unw_word_t ip,
                                                  unw_dyn_info_t* table, unw_proc_info_t* result,
                                                  int needs_info, void* context);

namespace wc {

namespace {

constexpr size_t kMaxSpaces = 256;
constexpr size_t kMaxKnownPlaces = 65536;
constexpr size_t kMaxFrames = size_t{2} * kMaxStackDepth;
constexpr size_t kChunk = 4096;
// The shim's entry point for functions that look at their return address (preload_lib/entry.S).
constexpr std::string_view kEntryOfCallerSensitive = "wc_entry_caller";

struct CloseSpace {
  void operator()(unw_addr_space_t space) const { unw_destroy_addr_space(space); }
};

// libunwind keeps what it has learnt of an instruction in the address space.
struct Space {
  std::unique_ptr<unw_addr_space, CloseSpace> unwind;
  struct Place {
    bool is_trampoline = false;  // the return from a signal handler
    bool is_ret = false;         // an instruction `ret`
  };
  std::unordered_map<uint64_t, Place> places;  // by address
  uint64_t generation = 0;                     // of the process's map
  uint64_t last_used = 0;
};

// The tracee's stack a page at a time: a word alone costs a syscall, too.
class WordReader {
 public:
  explicit WordReader(TraceeMemory& memory) : memory_(memory) {}

  bool read(uint64_t address, uint64_t& value) {
    for (const Chunk& chunk : chunks_)
      if (chunk.take(address, value)) return true;
    Chunk& next = chunks_[oldest_++ % chunks_.size()];
    next.start = address;
    next.size = memory_.read({address}, next.bytes.data(), kChunk - address % kChunk);
    if (next.take(address, value)) return true;
    return memory_.read_all({address}, &value, sizeof value);
  }

 private:
  struct Chunk {
    uint64_t start = 0;
    size_t size = 0;
    std::array<char, kChunk> bytes;

    bool take(uint64_t address, uint64_t& value) const {
      const uint64_t offset = address - start;
      if (offset >= size || size - offset < sizeof value) return false;
      std::memcpy(&value, bytes.data() + offset, sizeof value);
      return true;
    }
  };
  TraceeMemory& memory_;
  std::array<Chunk, 4> chunks_;
  size_t oldest_ = 0;
};

struct Context {
  Symbolizer& symbols;
  const UnwindTable* vdso;
  int32_t pid;
  const StackRegisters& registers;
  WordReader words;
  const UnwindTable* table = nullptr;  // the one that is searched
  uint64_t bias = 0;                   // its addresses in the process are as much higher
};

Context& context_of(void* argument) { return *static_cast<Context*>(argument); }

int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t* result, int needs_info,
                   void* argument) {
  Context& context = context_of(argument);
  const Symbolizer::Code code = context.symbols.code_at(context.pid, ip);
  if (code.mapping == nullptr) return -UNW_ENOINFO;
  context.table = nullptr;
  if (code.module != nullptr) {
    context.table = context.symbols.unwind_table(*code.module);
    const auto address =
        code.module->address_of(ip - code.mapping->range.begin + code.mapping->offset);
    if (!address) return -UNW_ENOINFO;
    context.bias = ip - *address;
  } else if (code.mapping->path == "[vdso]") {
    context.table = context.vdso;
    context.bias = code.mapping->range.begin;
  }
  if (context.table == nullptr) return -UNW_ENOINFO;
  constexpr uint64_t kEntry = 8;  // two offsets of four bytes
  unw_dyn_info_t info{};
  info.format = UNW_INFO_FORMAT_REMOTE_TABLE;
  info.start_ip = code.mapping->range.begin;
  info.end_ip = code.mapping->range.end;
  info.u.rti.segbase = context.table->header() + context.bias;
  info.u.rti.table_data = context.table->table() + context.bias;
  info.u.rti.table_len = context.table->entries() * kEntry / sizeof(unw_word_t);
  return _Ux86_64_dwarf_search_unwind_table(space, ip, &info, result, needs_info, argument);
}

void put_unwind_info(unw_addr_space_t, unw_proc_info_t*, void*) {}

int get_dyn_info_list_addr(unw_addr_space_t, unw_word_t*, void*) { return -UNW_ENOINFO; }

int access_mem(unw_addr_space_t, unw_word_t address, unw_word_t* value, int write, void* argument) {
  Context& context = context_of(argument);
  if (write != 0) return -UNW_EINVAL;
  uint64_t word = 0;
  const bool found =
      (context.table != nullptr && context.table->word(address - context.bias, word)) ||
      context.words.read(address, word);
  *value = word;
  return found ? 0 : -UNW_EINVAL;
}

int access_reg(unw_addr_space_t, unw_regnum_t number, unw_word_t* value, int write,
               void* argument) {
  if (write != 0) return -UNW_EREADONLYREG;
  const StackRegisters& registers = context_of(argument).registers;
  const auto index = static_cast<size_t>(number);
  if (index >= StackRegisters::kCount || !registers.values[index]) return -UNW_EBADREG;
  *value = *registers.values[index];
  return 0;
}

int access_fpreg(unw_addr_space_t, unw_regnum_t, unw_fpreg_t*, int, void*) { return -UNW_EBADREG; }

int resume(unw_addr_space_t, unw_cursor_t*, void*) { return -UNW_EINVAL; }

unw_accessors_t accessors() {
  unw_accessors_t table{};
  table.find_proc_info = find_proc_info;
  table.put_unwind_info = put_unwind_info;
  table.get_dyn_info_list_addr = get_dyn_info_list_addr;
  table.access_mem = access_mem;
  table.access_reg = access_reg;
  table.access_fpreg = access_fpreg;
  table.resume = resume;
  return table;
}

std::optional<uint64_t> register_of(unw_cursor_t& cursor, unw_regnum_t number) {
  unw_word_t value = 0;
  if (unw_get_reg(&cursor, number, &value) != 0) return std::nullopt;
  return value;
}

// libunwind numbers them as DWARF does.
StackRegisters registers_of(unw_cursor_t& cursor) {
  StackRegisters registers;
  for (size_t i = 0; i < StackRegisters::kCount; i++)
    registers.values[i] = register_of(cursor, static_cast<unw_regnum_t>(i));
  return registers;
}

static_assert(UNW_X86_64_RBP == StackRegisters::kBp && UNW_X86_64_RSP == StackRegisters::kSp &&
              UNW_X86_64_RIP == StackRegisters::kIp);

}  // namespace

struct Unwinder::State {
  Space& space(int32_t pid);
  static Space::Place place(Space& known, Context& context, uint64_t ip);
  std::optional<StackRegisters> walk(Space& known, Context& context, Stack& stack,
                                     bool& follows_signal);
  bool leads_to_shim(const Context& context, uint64_t address);

  Symbolizer& symbols;
  std::string hidden_object;
  // By its file's name: other users' programs load copies of it.
  [[nodiscard]] bool hides(const std::string& path) const {
    auto name = [](const std::string& of) {
      return std::string_view(of).substr(of.rfind('/') + 1);
    };
    return !hidden_object.empty() && name(path) == name(hidden_object);
  }
  unsigned depth;
  std::unique_ptr<UnwindTable> vdso = UnwindTable::of_vdso();
  unw_accessors_t table = accessors();
  std::unordered_map<int32_t, Space> spaces;
  uint64_t clock = 0;
};

Unwinder::Unwinder(Symbolizer& symbols, std::string hidden_object, unsigned depth)
    : state_(new State{symbols, std::move(hidden_object), std::min(depth, kMaxStackDepth)}) {}
Unwinder::~Unwinder() = default;

Space& Unwinder::State::space(int32_t pid) {
  auto found = spaces.find(pid);
  if (found == spaces.end()) {
    if (spaces.size() >= kMaxSpaces)
      spaces.erase(std::ranges::min_element(
          spaces, {}, [](const auto& entry) { return entry.second.last_used; }));
    found = spaces.try_emplace(pid).first;
    found->second.unwind.reset(unw_create_addr_space(&table, 0));
    unw_set_caching_policy(found->second.unwind.get(), UNW_CACHE_GLOBAL);
  }
  Space& known = found->second;
  known.last_used = ++clock;
  // Other code may stand at an address that was looked at before.
  const uint64_t generation = symbols.map_generation(pid);
  if (std::exchange(known.generation, generation) != generation) {
    unw_flush_cache(known.unwind.get(), 0, 0);
    known.places.clear();
  }
  return known;
}

Space::Place Unwinder::State::place(Space& known, Context& context, uint64_t ip) {
  if (const auto found = known.places.find(ip); found != known.places.end()) return found->second;
  if (known.places.size() >= kMaxKnownPlaces) known.places.clear();
  // What sigreturn(2) leaves no choice about: mov $15, %rax; syscall.
  constexpr uint64_t kSetNumber = 0x0f0000000fc0c748, kSyscall = 0x05;
  constexpr uint64_t kRet = 0xc3, kByte = 0xff;
  uint64_t code = 0, behind = 0;
  if (!context.words.read(ip, code)) return known.places[ip] = {};
  context.words.read(ip + sizeof code, behind);
  return known.places[ip] = {.is_trampoline = code == kSetNumber && (behind & kByte) == kSyscall,
                             .is_ret = (code & kByte) == kRet};
}

// dlopen and its kin return to a `ret` inside the caller's module, and by that to the shim
// (entry.S, wc_entry_caller): no frame of the program, and the unwind information of the function
// around that `ret` is of no use.
bool Unwinder::State::leads_to_shim(const Context& context, uint64_t address) {
  const Symbolizer::Code there = symbols.code_at(context.pid, address);
  return there.mapping != nullptr && hides(there.mapping->path) &&
         symbols.locate(context.pid, address).symbol == kEntryOfCallerSensitive;
}

// Appends frames until there are no more, or up to one from which the way on is another: then
// the registers there.
std::optional<StackRegisters> Unwinder::State::walk(Space& known, Context& context, Stack& stack,
                                                    bool& follows_signal) {
  unw_cursor_t cursor;
  if (unw_init_remote(&cursor, known.unwind.get(), &context) != 0) return std::nullopt;
  do {
    StackFrame frame;
    frame.ip = register_of(cursor, UNW_X86_64_RIP).value_or(0);
    frame.sp = register_of(cursor, UNW_X86_64_RSP).value_or(0);
    if (!stack.empty()) stack.back().end = frame.sp;
    const Symbolizer::Code code = symbols.code_at(context.pid, frame.ip);
    if (code.mapping == nullptr || !code.mapping->rights.execute) return std::nullopt;
    frame.is_hidden = hides(code.mapping->path);
    const Space::Place here = place(known, context, frame.ip);
    uint64_t next = 0;
    if (here.is_ret && !stack.empty() && context.words.read(frame.sp, next) &&
        leads_to_shim(context, next)) {
      StackRegisters after = registers_of(cursor);
      after.values[StackRegisters::kIp] = next;
      after.values[StackRegisters::kSp] = frame.sp + sizeof next;
      return after;
    }
    // What a signal has interrupted did not call anything, nor does the trampoline that its handler
    // returns to: the next instruction counts.
    frame.is_exact = follows_signal || here.is_trampoline;
    frame.at = symbols.locate(context.pid, frame.ip + (frame.is_exact ? 1 : 0));
    if (frame.is_exact) frame.at.offset--, frame.at.file_offset--;
    follows_signal = here.is_trampoline;
    stack.push_back(std::move(frame));
  } while (stack.size() < kMaxFrames && unw_step(&cursor) > 0);
  return std::nullopt;
}

Stack Unwinder::unwind(int32_t pid, const StackRegisters& registers, TraceeMemory& memory) {
  Space& known = state_->space(pid);
  Stack stack;
  bool follows_signal = false;
  std::optional<StackRegisters> from = registers;
  while (from && stack.size() < kMaxFrames) {
    const StackRegisters start = *from;
    Context context{state_->symbols, state_->vdso.get(), pid, start, WordReader(memory)};
    from = state_->walk(known, context, stack, follows_signal);
  }
  unsigned shown = 0;
  const auto last = std::ranges::find_if(
      stack, [&](const StackFrame& frame) { return !frame.is_hidden && ++shown > state_->depth; });
  stack.erase(last, stack.end());
  return stack;
}

void Unwinder::forget(int32_t pid) { state_->spaces.erase(pid); }

}  // namespace wc
