#include "bpf/kernel_side.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "bpf/rights.h"
#include "bpf_programs.skel.h"

namespace wc {
namespace {

// Newer than the headers of Debian 12 (include/uapi/linux/bpf.h).
constexpr uint32_t kUprobeMulti = 48;
constexpr uint32_t kMultiReturn = 1;

struct MultiLink {
  uint32_t program, target, attach_type, flags;
  uint64_t path, offsets, reference_counters, cookies;
  uint32_t count, multi_flags, pid, reserved[3];
};

enum class At { Call, Return, Ret, Jump };

int silent(libbpf_print_level, const char*, va_list) { return 0; }

}  // namespace

struct KernelSide::State {
  bpf_programs_bpf* programs = nullptr;
  ring_buffer* ring = nullptr;
  bool multi = false;
  std::vector<ScopedFd> multi_links;
  std::vector<bpf_link*> links;
  std::multimap<std::string, ScopedFd> return_links;  // by file
  const std::function<void(const wc_bpf_record&, std::span<const unsigned char>)>* take = nullptr;

  ~State() {
    ring_buffer__free(ring);
    for (bpf_link* link : links) bpf_link__destroy(link);
    multi_links.clear();
    return_links.clear();
    bpf_programs_bpf__destroy(programs);
  }

  [[nodiscard]] bpf_program* program(At at) const {
    auto& all = programs->progs;
    switch (at) {
      case At::Call:
        return all.on_call;
      case At::Return:
        return all.on_returned;
      case At::Ret:
        return all.on_ret;
      default:
        return all.on_tail_jump;
    }
  }

  int link(const std::string& file, At at, std::span<const uint64_t> offsets,
           std::span<const uint64_t> cookies);
  int link_one(const std::string& file, At at, uint64_t offset, uint64_t cookie);
  void link_all(const std::string& file, At at, std::span<const uint64_t> offsets,
                std::span<const uint64_t> cookies, std::vector<LeftOut>& left_out);
  static int on_record(void* context, void* data, size_t size);
};

// 0, or an errno.
int KernelSide::State::link(const std::string& file, At at, std::span<const uint64_t> offsets,
                            std::span<const uint64_t> cookies) {
  if (!multi) return offsets.size() == 1 ? link_one(file, at, offsets[0], cookies[0]) : E2BIG;
  MultiLink request{};
  request.program = static_cast<uint32_t>(bpf_program__fd(program(at)));
  request.attach_type = kUprobeMulti;
  request.path = reinterpret_cast<uint64_t>(file.c_str());
  request.offsets = reinterpret_cast<uint64_t>(offsets.data());
  request.cookies = reinterpret_cast<uint64_t>(cookies.data());
  request.count = static_cast<uint32_t>(offsets.size());
  if (at == At::Return) request.multi_flags = kMultiReturn;
  const long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &request, sizeof request);
  if (fd < 0) return errno;
  ScopedFd made(static_cast<int>(fd));
  if (at == At::Return)
    return_links.emplace(file, std::move(made));
  else
    multi_links.push_back(std::move(made));
  return 0;
}

int KernelSide::State::link_one(const std::string& file, At at, uint64_t offset, uint64_t cookie) {
  LIBBPF_OPTS(bpf_uprobe_opts, options, .bpf_cookie = cookie, .retprobe = at == At::Return);
  bpf_link* one = bpf_program__attach_uprobe_opts(program(at), -1, file.c_str(), offset, &options);
  if (one == nullptr) return errno;
  links.push_back(one);
  return 0;
}

// One place that cannot be probed refuses all of a link: it is looked for by halves.
void KernelSide::State::link_all(const std::string& file, At at, std::span<const uint64_t> offsets,
                                 std::span<const uint64_t> cookies,
                                 std::vector<LeftOut>& left_out) {
  if (offsets.empty()) return;
  const int code = link(file, at, offsets, cookies);
  if (code == 0) return;
  if (offsets.size() == 1) {
    left_out.push_back({static_cast<uint32_t>(cookies[0]),
                        Error::from_errno("the kernel cannot probe it", code).message});
    return;
  }
  const size_t half = offsets.size() / 2;
  link_all(file, at, offsets.first(half), cookies.first(half), left_out);
  link_all(file, at, offsets.subspan(half), cookies.subspan(half), left_out);
}

int KernelSide::State::on_record(void* context, void* data, size_t size) {
  auto& state = *static_cast<State*>(context);
  wc_bpf_record record;
  if (size < sizeof record) return 0;
  std::memcpy(&record, data, sizeof record);
  const auto* bytes = static_cast<const unsigned char*>(data);
  (*state.take)(record, {bytes + sizeof record, size - sizeof record});
  return 0;
}

KernelSide::KernelSide() : state_(std::make_unique<State>()) {}
KernelSide::~KernelSide() = default;

Result<std::unique_ptr<KernelSide>> KernelSide::load(const KernelSideOptions& options) {
  libbpf_set_print(silent);
  std::unique_ptr<KernelSide> side(new KernelSide);
  // The way of one link for many probes first.
  for (const bool multi : {true, false}) {
    bpf_programs_bpf* programs = bpf_programs_bpf__open();
    if (programs == nullptr)
      return Error::from_errno("engine bpf: cannot read its programs", errno);
    side->state_->programs = programs;
    programs->rodata->reports_all_calls = options.all_calls;
    programs->rodata->counts_calls = options.counts;
    programs->rodata->follows_children = options.follow;
    if (multi)
      for (const At at : {At::Call, At::Return, At::Ret, At::Jump})
        bpf_program__set_expected_attach_type(side->state_->program(at),
                                              static_cast<bpf_attach_type>(kUprobeMulti));
    const int code = bpf_programs_bpf__load(programs);
    if (code == 0) {
      side->state_->multi = multi;
      return side;
    }
    bpf_programs_bpf__destroy(std::exchange(side->state_->programs, nullptr));
    if (!multi || code != -EINVAL) return bpf_load_error(-code);
  }
  return side;
}

bool KernelSide::has_multi_links() const { return state_->multi; }

Status KernelSide::start() {
  auto& programs = *state_->programs;
  state_->ring =
      ring_buffer__new(bpf_map__fd(programs.maps.ring), State::on_record, state_.get(), nullptr);
  if (state_->ring == nullptr) return Error::from_errno("engine bpf: its ring buffer", errno);
  for (bpf_program* program :
       {programs.progs.on_enter, programs.progs.on_exit, programs.progs.on_fork,
        programs.progs.on_exec, programs.progs.on_end, programs.progs.on_signal}) {
    bpf_link* link = bpf_program__attach(program);
    if (link == nullptr)
      return Error::from_errno(
          std::string("engine bpf: the kernel refuses the tracepoint program ") +
              bpf_program__name(program),
          errno);
    state_->links.push_back(link);
  }
  return Done{};
}

void KernelSide::set_syscall_plan(uint32_t nr, const wc_bpf_plan& plan) {
  bpf_map_update_elem(bpf_map__fd(state_->programs->maps.syscall_plans), &nr, &plan, BPF_ANY);
}

void KernelSide::set_function_plan(uint32_t function, const wc_bpf_plan& plan) {
  bpf_map_update_elem(bpf_map__fd(state_->programs->maps.function_plans), &function, &plan,
                      BPF_ANY);
}

std::vector<KernelSide::LeftOut> KernelSide::probe(const std::string& file,
                                                   std::span<const Probe> probes) {
  std::vector<LeftOut> left_out;
  if (std::ranges::any_of(probes, [](const Probe& one) { return one.returns.is_go; }))
    state_->programs->bss->has_go = 1;
  auto link = [&](At at, auto&& places_of) {
    std::vector<uint64_t> offsets, cookies;
    auto flush = [&] { state_->link_all(file, at, offsets, cookies, left_out); };
    for (const Probe& one : probes)
      for (const uint64_t place : places_of(one)) {
        offsets.push_back(place);
        cookies.push_back(one.function | (one.returns.by_address ? WC_BPF_BY_ADDRESS : 0) |
                          (one.returns.is_go ? WC_BPF_OF_GO : 0));
      }
    if (state_->multi) return flush();
    const auto places = std::exchange(offsets, {}), functions = std::exchange(cookies, {});
    for (size_t i = 0; i < places.size(); i++)
      state_->link_all(file, at, std::span(places).subspan(i, 1),
                       std::span(functions).subspan(i, 1), left_out);
  };
  using Places = std::vector<uint64_t>;
  // Ends first: a call that is seen to begin is seen to end.
  link(At::Return, [](const Probe& one) {
    return one.returns.by_address && one.entry != 0 ? Places{one.entry} : Places{};
  });
  link(At::Ret, [](const Probe& one) { return one.returns.rets; });
  link(At::Jump, [](const Probe& one) { return one.returns.jumps; });
  link(At::Call, [](const Probe& one) { return one.entry != 0 ? Places{one.entry} : Places{}; });
  return left_out;
}

void KernelSide::remove_return_probes(const std::string& file) { state_->return_links.erase(file); }

Status KernelSide::follow(pid_t pid) {
  const uint32_t yes = 1;
  const int wanted = bpf_map__fd(state_->programs->maps.wanted);
  if (bpf_map_update_elem(wanted, &pid, &yes, BPF_ANY) != 0)
    return Error::from_errno("engine bpf: process " + std::to_string(pid), errno);
  // Twice: a thread that is being made while the first look goes on is its maker's by the second.
  for (int look = 0; look < 2; look++) {
    bpf_link* link = bpf_program__attach_iter(state_->programs->progs.take_in, nullptr);
    if (link == nullptr) return Error::from_errno("engine bpf: the kernel's list of tasks", errno);
    ScopedFd fd(bpf_iter_create(bpf_link__fd(link)));
    char nothing[64];
    while (fd.valid() && read(fd.get(), nothing, sizeof nothing) > 0) {
    }
    bpf_link__destroy(link);
  }
  bpf_map_delete_elem(wanted, &pid);
  return Done{};
}

size_t KernelSide::drain(
    const std::function<void(const wc_bpf_record&, std::span<const unsigned char>)>& take) {
  state_->take = &take;
  const int count = ring_buffer__consume(state_->ring);
  return count > 0 ? static_cast<size_t>(count) : 0;
}

int KernelSide::ring_descriptor() const { return ring_buffer__epoll_fd(state_->ring); }

void KernelSide::wake_me(bool yes) {
  __atomic_store_n(&state_->programs->bss->is_asleep, yes ? 1u : 0u, __ATOMIC_SEQ_CST);
}

LostCounts KernelSide::lost() const {
  const auto& bss = *state_->programs->bss;
  return {bss.lost_syscalls, bss.lost_calls, bss.lost_others, bss.unfollowed_threads, bss.too_deep};
}

std::vector<std::pair<wc_bpf_counter_key, wc_bpf_counter>> KernelSide::take_counters(pid_t pid) {
  std::vector<std::pair<wc_bpf_counter_key, wc_bpf_counter>> found;
  const int map = bpf_map__fd(state_->programs->maps.counters);
  wc_bpf_counter_key key{}, next{};
  for (bool first = true; bpf_map_get_next_key(map, first ? nullptr : &key, &next) == 0;
       first = false) {
    key = next;
    wc_bpf_counter counter{};
    if (key.pid == pid && bpf_map_lookup_elem(map, &key, &counter) == 0)
      found.emplace_back(key, counter);
  }
  for (const auto& [taken, counter] : found) bpf_map_delete_elem(map, &taken);
  return found;
}

std::vector<std::pair<std::string, uint64_t>> KernelSide::verified() const {
  std::vector<std::pair<std::string, uint64_t>> all;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, state_->programs->obj) {
    bpf_prog_info info{};
    uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0)
      all.emplace_back(bpf_program__name(program), info.verified_insns);
  }
  return all;
}

}  // namespace wc
