// The pipeline's calls as entries of a tape. The entry is open.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "events/event_source.h"
#include "events/tape.h"
#include "rings/record_reader.h"
#include "wc_backend.h"

namespace wc {

struct PendingSyscall;

// `view`: with nanoseconds in place of ticks.
void tape_record(Tape& tape, const EventSource& source, const RecordView& view,
                 const RecordView* next);
// `known`: how many of `scopes` are reported already.
void tape_scopes(Tape& tape, const EventSource& source, std::span<const wc_scope> scopes,
                 uint8_t flags, size_t known);
void tape_syscall(Tape& tape, TapeOp op, const EventSource& source, const PendingSyscall& syscall,
                  uint64_t ret, uint64_t ts);
void tape_process(Tape& tape, wc_process_kind kind, int32_t number, bool thread,
                  std::string_view text, std::string_view more = {});
void tape_totals(Tape& tape, const FunctionInfo& function, uint64_t calls, uint64_t ns,
                 uint32_t flags);
void tape_lost(Tape& tape, uint64_t count);
void tape_object(Tape& tape, const wc_object& event, const StackFrame* caller);

// Findings.
void put_frames(TapeWriter& writer, const Stack& stack);
void tape_arguments(Tape& tape, const EventSource& source, const wc_scope& scope);
void tape_moment(Tape& tape, uint64_t now);
void tape_stack(Tape& tape, const Stack* stack);
void tape_value(Tape& tape, const std::optional<TypedValue>& value);
void tape_in_handler(Tape& tape);
void tape_stopped(Tape& tape);

}  // namespace wc
