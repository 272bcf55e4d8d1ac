// --replay: what a run has recorded, decoded and reported now.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "decode/syscall_filter.h"
#include "events/pipeline.h"
#include "launch/claims.h"
#include "launch/launch.h"
#include "launch/plan_run.h"
#include "launch/preflight.h"
#include "launch/run_head.h"
#include "launch/standard_streams.h"
#include "replay/raw_reader.h"
#include "replay/tape_player.h"

namespace wc {
namespace {

void say_missing(const RecordedCode& code) {
  if (code.missing().empty()) return;
  complain(fmt::format(
      "{} of the program's files are not here, or are other builds: what is in "
      "them has no names; --sysroot DIR says where they are ({}{})",
      code.missing().size(), *code.missing().begin(), code.missing().size() > 1 ? ", ..." : ""));
}

// What -F would have wrapped; of breakpoints by the same names.
FunctionChoice chosen(const std::vector<Term>& terms) {
  auto known = std::make_shared<std::map<std::pair<std::string, std::string>, bool>>();
  return [terms, known](const char* symbol, const char* library) {
    const auto [found, is_new] = known->try_emplace({symbol, library});
    if (is_new) {
      const std::string_view soname = library;
      const Candidate one{symbol, soname, soname == "libc.so.6"};
      const auto outcome = select(terms, {&one, 1}, false);
      found->second = outcome && !outcome->selected.empty();
    }
    return found->second;
  };
}

Result<std::string> read_whole(int fd) {
  std::string bytes;
  struct stat status {};
  if (fstat(fd, &status) != 0) return Error::from_errno("cannot read it again", errno);
  bytes.resize(static_cast<size_t>(status.st_size));
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t got = pread(fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (got <= 0) return Error::from_errno("cannot read it again", errno);
    at += static_cast<size_t>(got);
  }
  return bytes;
}

class Replay {
 public:
  Replay(Options options, RawReader reader)
      : options_(std::move(options)),
        reader_(std::move(reader)),
        player_(options_.replay.sysroot) {}

  Status prepare() {
    const auto head = reader_.next();
    if (!head || head->kind != raw::Kind::Run)
      return Error{reader_.missing().empty() ? options_.replay.file + " does not say what run it is"
                                             : reader_.missing()};
    HostOptions facts;
    if (Status known = apply_run_head(head->bytes, options_, facts); !known)
      return Error{options_.replay.file + ": " + known.error().message};
    auto lists = parse_lists(options_);
    if (!lists) return lists.error();
    HostOptions host = host_options(options_);
    host.version = facts.version;
    host.argv = facts.argv;
    host.run = facts.run;
    host.whole_process = facts.whole_process;
    host.engine = facts.engine;
    host.engine_has_verdicts = true;  // refusal() has better words
    host.functions = facts.functions;
    host.breakpoints = facts.breakpoints;
    auto claims = Claims::prepare(options_);
    if (!claims) return claims.error();
    claims_ = std::move(*claims);
    if (ClaimSet* set = claims_.set()) host.observers.push_back({&set->callbacks(), set});
    auto backends = BackendSet::open(options_.backends, host);
    if (!backends) return backends.error();
    if (const std::string why = refusal(backends->demand()); !why.empty()) {
      backends->discard();
      return Error{options_.replay.file + ": " + why};
    }
    EventFilterOptions events = event_filter(options_);
    if (options_.functions_given) events.functions = chosen(lists->functions);
    events.keeps_outside = host.whole_process;
    DecodeOptions decode;
    decode.string_size = options_.string_size;
    decode.show_paths = options_.show_paths;
    pipeline_ = std::make_unique<Pipeline>(std::move(*backends), decode, lists->syscalls,
                                           StackOptions{}, std::move(events),
                                           Recording{.answers = &player_, .code = player_.code()});
    return Done{};
  }

  // The status to exit with.
  int run() {
    const bool is_whole = play();
    return claims_.finish(is_whole ? 0 : kTracerFailed, !is_whole);
  }

 private:
  // Whether all of it could be shown.
  bool play() {
    std::string wrong;
    while (const auto piece = reader_.next()) {
      const bool is_kept = piece->kind == raw::Kind::Kept;
      if (piece->kind != raw::Kind::Events && !is_kept) continue;  // of a later version
      if (Status played = player_.play(piece->bytes, *pipeline_, is_kept); !played) {
        wrong = fmt::format("{}: the chunk at byte {}: {}; it is read up to there",
                            options_.replay.file, piece->offset, played.error().message);
        break;
      }
      if (!write()) return false;
    }
    wc::close(*pipeline_, reader_.ended() != 0 ? reader_.ended() : player_.last_time());
    if (wrong.empty()) wrong = reader_.missing();
    if (!wrong.empty()) complain(wrong);
    say_missing(player_.recorded_code());
    return write() && wrong.empty();
  }

  [[nodiscard]] std::string refusal(const Demand& demand) const {
    if (demand.wants(WC_WANT_VERDICTS))
      return "a back end wants to decide about system calls, which have happened already: give it "
             "to the run";
    if (demand.wants(WC_WANT_STACK) && !options_.replay.has_stacks)
      return "stacks were not recorded: give -k to the run that is recorded";
    return {};
  }

  bool write() {
    bool is_well = true;
    for (const std::string& error : pipeline_->backends().take_errors())
      complain(error), is_well = false;
    return is_well && !pipeline_->backends().all_readers_gone();
  }

  Options options_;
  RawReader reader_;
  TapePlayer player_;
  Claims claims_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace

Result<std::string> replay_to_text(const std::string& file, const std::string& sysroot,
                                   const std::string& backend) {
  const ScopedFd kept(memfd_create("replay", MFD_CLOEXEC));
  if (!kept.valid()) return Error::from_errno("cannot keep what is replayed", errno);
  auto reader = RawReader::open(file);
  if (!reader) return reader.error();
  Options options;
  options.command = Command::Replay;
  options.replay.file = file;
  options.replay.sysroot = sysroot;
  options.output = "/proc/self/fd/" + std::to_string(kept.get());
  options.backends = {backend};
  Replay replay(std::move(options), std::move(*reader));
  if (Status ready = replay.prepare(); !ready) return ready.error();
  if (replay.run() != 0) return Error{file + " cannot be replayed to its end"};
  return read_whole(kept.get());
}

int replay(const Options& options) {
  auto reader = RawReader::open(options.replay.file);
  if (!reader) {
    complain(reader.error().message);
    return kTracerFailed;
  }
  Replay replay(options, std::move(*reader));
  if (Status ready = replay.prepare(); !ready) {
    complain(ready.error().message);
    return kTracerFailed;
  }
  return replay.run();
}

}  // namespace wc
