// Entries of a raw file, which anybody may have written: those of a small run with some bytes
// changed as the input says, or the input itself. The player must end, and stay inside.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "events/pipeline.h"
#include "events/taping.h"
#include "replay/tape_player.h"

namespace {

// What is not there reads as something.
class Bytes final : public wc::TraceeMemory {
 public:
  size_t read(wc::RemoteAddress from, void* to, size_t size) override {
    auto* bytes = static_cast<unsigned char*>(to);
    for (size_t i = 0; i < size; i++) bytes[i] = static_cast<unsigned char>((from.value + i) % 97);
    return size;
  }
};

wc::SyscallSet all_syscalls() {
  wc::SyscallSet all;
  all.set();
  return all;
}

// The only chunk of a run with a bit of everything.
const std::string& recorded() {
  static const std::string chunk = [] {
    std::string kept;
    wc::Tape tape([&](const wc_raw& piece) {
      kept.assign(static_cast<const char*>(piece.data), piece.size);
    });
    Bytes bytes;
    wc::TapedMemory memory(bytes, tape);
    wc::CallStack calls;
    wc::FunctionTable table;
    for (const char* name : {"fopen", "printf", "read"})
      table.functions.push_back({name, name, "libc.so.6", wc::find_function(name), false});
    wc::EventSource source{.pid = 5, .tid = 6, .memory = &memory, .table = &table, .calls = &calls};
    wc_scope scopes[2] = {{1, 0x7000, 0x400, 9, {1, 2, 3, 4, 5, 6}, 0, 0},
                          {2, 0x6000, 0x500, 9, {1, 2, 3, 4, 5, 6}, 1, 0}};
    tape.begin(wc::TapeOp::OpenCalls, 5, 6);
    wc::tape_scopes(tape, source, scopes, 3, 0);
    char text[32];
    memory.read({2}, text, sizeof text);
    tape.end();
    for (uint32_t nr : {0u, 1u, 59u, 257u, 46u}) {
      wc::PendingSyscall syscall;
      syscall.nr = nr;
      syscall.ts = 9;
      syscall.on_tape = nr + 1;
      for (uint64_t& word : syscall.args) word = 3;
      tape.begin(wc::TapeOp::Enter, 5, 6);
      wc::tape_syscall(tape, wc::TapeOp::Enter, source, syscall, 0, 9);
      memory.read({3}, text, sizeof text);
      tape.end();
      tape.begin(wc::TapeOp::Exit, 5, 6);
      wc::tape_syscall(tape, wc::TapeOp::Exit, source, syscall, 1, 11);
      wc::tape_moment(tape, 7);
      tape.end();
    }
    tape.begin(wc::TapeOp::Process, 5, 6);
    wc::tape_process(tape, WC_PROCESS_EXIT, 0, false, {});
    tape.end();
    tape.hand_out();
    return kept;
  }();
  return chunk;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string chunk;
  if (data[0] % 4 == 0) {
    chunk.assign(reinterpret_cast<const char*>(data + 1), size - 1);
  } else {
    chunk = recorded();
    for (size_t i = 1; i + 2 < size && i < 64; i += 3)
      chunk[(data[i] << 8 | data[i + 1]) % chunk.size()] = static_cast<char>(data[i + 2]);
  }
  wc::TapePlayer player("/nowhere");
  auto set = wc::BackendSet::open(std::vector<std::string>{"text"}, {.output_path = "/dev/null"});
  if (!set) std::abort();
  wc::Pipeline pipeline(std::move(*set), {}, all_syscalls(), {}, {},
                        {.answers = &player, .code = player.code()});
  (void)player.play(chunk, pipeline);
  wc::close(pipeline, 1);
  return 0;
}
