// The structs of wc_backend.h filled in: what arguments and places are to a backend.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "decode/arg_kind.h"
#include "decode/decoder.h"
#include "decode/typed_values.h"
#include "symbols/symbolizer.h"
#include "wc_backend.h"

namespace wc {

wc_arg_type type_of(ArgKind kind);
// A 32-bit argument's upper half is whatever the register held before.
uint64_t value_of(ArgKind kind, uint64_t word);
// Those words that are arguments of this very call, by what they mean in it: open(2) without
// O_CREAT has no third one. A word before the last argument that is none is WC_ARG_UNKNOWN.
void fill_words(std::span<const ArgSpec> specs, std::span<const uint64_t> words,
                std::vector<wc_arg>& out);
// Its text is that of `value`.
wc_arg typed_arg(const TypedValue& value);
// A variadic argument of printf is known by its text only: a number, an address, or anything else.
void set_variadic(wc_arg& arg, const std::string& text);
// Valid as long as `at`.
wc_caller caller_event(const Location& at, uint64_t address);

}  // namespace wc
