#include "break_scopes/object_reports.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "elf/image.h"
#include "proc/files.h"
#include "symbols/build_id.h"

namespace wc {
namespace {

// ld.so and libc's part of it, as far as names tell: everything from _dl_debug_state up to dlopen.
bool is_inside_of_dlopen(const StackFrame& frame) {
  std::string_view object = frame.at.object;
  object = object.substr(object.rfind('/') + 1);
  if (object.starts_with("ld-linux") || object.starts_with("libdl.so")) return true;
  if (object != "libc.so.6") return false;
  constexpr std::array<std::string_view, 6> kBeginnings = {"dl",    "_dl",       "__dl",
                                                           "___dl", "__libc_dl", "do_dl"};
  return std::any_of(kBeginnings.begin(), kBeginnings.end(), [&](std::string_view beginning) {
    return frame.at.symbol.starts_with(beginning);
  });
}

const StackFrame* caller_of_dlopen(const Stack& stack) {
  auto found = std::find_if(stack.begin(), stack.end(), [](const StackFrame& frame) {
    return !frame.is_hidden && !is_inside_of_dlopen(frame);
  });
  return found == stack.end() ? nullptr : &*found;
}

}  // namespace

void ObjectReports::report(const StoppedThread& stop, Thread& thread, const ObjectChanges& changes,
                           Occasion occasion) {
  if (!run_.options.watch_libraries || changes.empty()) return;
  const uint64_t now = TickClock::now();
  Process& process = *thread.process;
  std::shared_ptr<const Stack> stack;
  user_regs_struct regs{};
  if (occasion == Occasion::Running && stop.registers(regs)) {
    records_.drain(thread, regs.rsp);
    scopes_.drop_missing(thread, scopes_.live(thread, regs.rsp));
    // At the first instruction of a function: the stack begins with its caller.
    process.memory.read_all({regs.rsp}, &regs.rip, sizeof regs.rip);
    regs.rsp += sizeof regs.rip;
    stack = run_.pipeline.unwind(thread.source(), dwarf_registers(regs));
  }
  const StackFrame* caller = stack != nullptr ? caller_of_dlopen(*stack) : nullptr;
  const std::string root = proc::path_of(process.pid, "root");
  auto read_facts = [&](const std::string& path) {
    ObjectFacts facts;
    if (auto image = read_image(root + path, false)) {
      facts.soname = image->soname;
      facts.needed = image->needed;
    }
    facts.build_id = build_id_of(root + path);
    return facts;
  };
  auto is_own = [&](const MappedObject& object) {
    return shim_.is_own_library(process, object.path);
  };
  for (const ObjectReport& report : process.objects.add(
           changes, occasion, caller != nullptr ? caller->at.object : "", read_facts, is_own)) {
    auto or_null = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
    wc_object event{};
    event.event = report.is_loaded ? WC_OBJECT_LOAD : WC_OBJECT_UNLOAD;
    event.base = report.object.base;
    event.path = report.object.path.c_str();
    event.how = or_null(report.how);
    event.by = or_null(report.by);
    event.build_id = or_null(report.build_id);
    if (changes.began != 0) event.dur = now - changes.began;
    run_.pipeline.object(thread.source(), event, report.is_asked_for ? caller : nullptr);
  }
}

}  // namespace wc
