#include "program/exec_stack.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "protocol/stub.h"

namespace wc {
namespace {

constexpr size_t kMaxWords = 1u << 20;
constexpr const char* kPreload = "LD_PRELOAD=";
constexpr const char* kLibraryPath = "LD_LIBRARY_PATH=";
constexpr const char* kListLibraries = "LD_TRACE_LOADED_OBJECTS=";

bool begins_with(const char* text, const char* head) {
  return std::strncmp(text, head, std::strlen(head)) == 0;
}

std::string read_string(ProcessMemory& memory, uint64_t at) {
  std::string text;
  char chunk[256];
  while (text.size() < 65536) {
    size_t room = std::min<size_t>(sizeof chunk, 4096 - at % 4096);
    size_t n = memory.read({at}, chunk, room);
    size_t length = strnlen(chunk, n);
    text.append(chunk, length);
    if (length < n || n == 0) break;
    at += n;
  }
  return text;
}

// How many of `words` the argument, environment and auxiliary vectors take; 0: they are not all
// there.
size_t vectors_size(const std::vector<uint64_t>& words) {
  size_t i = words[0] + 1;  // argv may hold anything, but has argc entries
  while (i < words.size() && words[i] != 0) i++;
  i++;
  while (i < words.size() && words[i] != 0) i++;
  i++;
  while (i + 1 < words.size() && words[i] != AT_NULL) i += 2;
  return i + 1 < words.size() ? i + 2 : 0;
}

bool read_words(ProcessMemory& memory, uint64_t sp, std::vector<uint64_t>& words) {
  while (words.size() < kMaxWords) {
    uint64_t chunk[512];
    uint64_t at = sp + words.size() * 8;
    size_t n = memory.read({at}, chunk, std::min<size_t>(sizeof chunk, 4096 - at % 4096)) / 8;
    if (n == 0) return false;
    words.insert(words.end(), chunk, chunk + n);
    if (words[0] >= kMaxWords) return false;
    if (size_t size = vectors_size(words); size != 0) {
      words.resize(size);
      return true;
    }
  }
  return false;
}

}  // namespace

Result<ExecStack> read_exec_stack(const StoppedThread& thread, ProcessMemory& memory) {
  user_regs_struct regs{};
  ExecStack stack;
  if (!thread.registers(regs)) return Error{"the new program is gone", ESRCH};
  stack.sp = regs.rsp;
  if (!read_words(memory, stack.sp, stack.words))
    return Error{"its start-up stack cannot be read", 0};
  stack.environment = stack.words[0] + 2;
  size_t i = stack.environment;
  for (; i < stack.words.size() && stack.words[i] != 0; i++) {
    char head[28] = {};
    memory.read({stack.words[i]}, head, sizeof head - 1);
    if (begins_with(head, kPreload)) {  // the last one counts
      stack.ld_preload_index = i;
      stack.ld_preload_at = stack.words[i];
      stack.ld_preload = read_string(memory, stack.words[i]).substr(std::strlen(kPreload));
    } else if (begins_with(head, kLibraryPath)) {
      stack.ld_library_path = read_string(memory, stack.words[i]).substr(std::strlen(kLibraryPath));
    } else if (begins_with(head, kListLibraries)) {
      stack.lists_libraries = true;
    }
  }
  stack.environment_end = i;
  for (size_t a = i + 1; a + 1 < stack.words.size(); a += 2)
    if (stack.words[a] == AT_SECURE && stack.words[a + 1] != 0) stack.secure = true;
  return stack;
}

Status set_ld_preload(const StoppedThread& thread, ProcessMemory& memory, const ExecStack& stack,
                      const std::string& value, uint64_t flags) {
  // From high to low: the old vector, the block (flags, magic, own string's address, our string),
  // the new vector. Everything above the old stack pointer stays where it is.
  const uint64_t own = stack.ld_preload_index != 0 ? stack.ld_preload_at : 0;
  const uint64_t head[] = {flags, WC_PRELOAD_MAGIC, own};
  std::string block(reinterpret_cast<const char*>(head), sizeof head);
  block += kPreload + value;
  block.push_back('\0');
  uint64_t block_at = (stack.sp - block.size()) & ~uint64_t{15};
  std::vector<uint64_t> words = stack.words;
  uint64_t text_at = block_at + sizeof head;
  if (stack.ld_preload_index != 0)
    words[stack.ld_preload_index] = text_at;
  else  // twice: the shim puts an auxiliary entry of two words where they were
    words.insert(words.begin() + static_cast<ptrdiff_t>(stack.environment), 2, text_at);
  uint64_t sp = (block_at - words.size() * 8) & ~uint64_t{15};
  if (!memory.write({block_at}, block.data(), block.size()) ||
      !memory.write({sp}, words.data(), words.size() * 8))
    return Error{"its start-up stack cannot be written", 0};
  user_regs_struct regs{};
  if (!thread.registers(regs)) return Error{"the new program is gone", ESRCH};
  regs.rsp = sp;
  if (!thread.set_registers(regs)) return Error{"the new program is gone", ESRCH};
  return Done{};
}

}  // namespace wc
