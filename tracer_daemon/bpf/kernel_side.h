// The programs of engine bpf, loaded into the kernel, and what they leave there. All of it is held
// by descriptors of this process: when it ends, however it does, nothing stays behind.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/scoped_fd.h"
#include "bpf/records.h"
#include "bpf/return_sites.h"

namespace wc {

struct KernelSideOptions {
  bool all_calls = false;
  bool counts = false;
  bool follow = true;
};

// A function and the places in its file where it is entered and left, as offsets into the file.
struct Probe {
  uint32_t function = 0;
  uint64_t entry = 0;  // 0: it is probed already
  ReturnSites returns;
};

struct LostCounts {
  uint64_t syscalls = 0, calls = 0, others = 0, threads = 0, too_deep = 0;
};

class KernelSide {
 public:
  // The error names what is missing: rights, a part of the kernel, or of this build.
  static Result<std::unique_ptr<KernelSide>> load(const KernelSideOptions& options);
  ~KernelSide();

  // From here on syscalls are looked at.
  Status start();
  [[nodiscard]] bool has_multi_links() const;  // one link for many probes

  void set_syscall_plan(uint32_t nr, const wc_bpf_plan& plan);
  void set_function_plan(uint32_t function, const wc_bpf_plan& plan);

  struct LeftOut {
    uint32_t function;
    std::string why;
  };
  // Probes in one file, for every process that maps it. Returns those that cannot be.
  std::vector<LeftOut> probe(const std::string& file, std::span<const Probe> probes);

  // Takes the return probes of this file back.
  void remove_return_probes(const std::string& file);

  // All threads that this process has now; those that they make come by themselves.
  Status follow(pid_t pid);

  // Calls `take` for each record that is there. Returns how many.
  size_t drain(
      const std::function<void(const wc_bpf_record&, std::span<const unsigned char>)>& take);
  [[nodiscard]] int ring_descriptor() const;
  // Whether the next record is to wake who waits for the descriptor.
  void wake_me(bool yes);

  [[nodiscard]] LostCounts lost() const;
  std::vector<std::pair<wc_bpf_counter_key, wc_bpf_counter>> take_counters(pid_t pid);

  // Each program's name and how many instructions the verifier has looked at.
  [[nodiscard]] std::vector<std::pair<std::string, uint64_t>> verified() const;

 private:
  KernelSide();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wc
