// Which of the prepared functions are switched on. A program's stub library holds all that were
// prepared (--prepare); those that are off are entered as if nobody stood in between.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/selection.h"
#include "control/sample_list.h"
#include "events/function_table.h"

namespace wc {

class FunctionSwitch {
 public:
  // `selected`: what is on at the start.
  explicit FunctionSwitch(std::vector<Term> selected, SampleList samples = {});

  enum class Change : uint8_t { Set, Add, Remove };
  // `tables`: those of the programs that run. An error changes nothing: a list that makes no sense,
  // or names what is in none of them.
  Status change(Change how, std::string_view list, std::span<const FunctionTable* const> tables);
  // All are off until the next call with false.
  void pause(bool is_paused);
  [[nodiscard]] bool is_paused() const { return is_paused_; }

  // Grows with each change.
  [[nodiscard]] uint64_t generation() const { return generation_; }
  [[nodiscard]] std::shared_ptr<const FunctionModes> modes(const FunctionTable& table);
  [[nodiscard]] const SampleList& samples() const { return samples_; }
  void set_samples(SampleList samples);
  // The list that is in force, as -F takes it.
  [[nodiscard]] std::string list() const;

 private:
  void append(std::vector<Term> more);

  std::vector<Term> terms_;
  SampleList samples_;
  bool is_paused_ = false;
  uint64_t generation_ = 1;
  std::map<uint64_t, std::shared_ptr<const FunctionModes>> known_;  // of this generation, by table
};

}  // namespace wc
