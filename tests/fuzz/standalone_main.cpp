// Runs a fuzz target without libFuzzer: a fixed count of inputs, the same in every run, made of
// random bytes and of mutated seeds. An input that kills the target, or takes too long, is written
// to a file.
//
//   TARGET_standalone COUNT [SEED_FILE...]     try COUNT inputs
//   TARGET_standalone --run FILE...            try these files as they are
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kLongestInput = 64 << 10;
constexpr unsigned kPatience = 30;  // seconds without progress

// For the signal handler.
const uint8_t* current_data = nullptr;
size_t current_size = 0;
unsigned long long current_number = 0;

void keep_input_and_die(int signal) {
  char name[64], text[160];
  std::snprintf(name, sizeof name, "crash-%llu.bin", current_number);
  const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd >= 0 && write(fd, current_data, current_size) >= 0) close(fd);
  const int length = std::snprintf(text, sizeof text, "%s on input %llu (%zu bytes), kept as %s\n",
                                   signal == SIGALRM ? "no end" : strsignal(signal), current_number,
                                   current_size, name);
  if (write(STDERR_FILENO, text, static_cast<size_t>(length)) < 0) _exit(1);
  ::signal(signal, SIG_DFL);
  raise(signal);
}

void run(const Bytes& input) {
  current_data = input.data();
  current_size = input.size();
  if (current_number++ % 256 == 0) alarm(kPatience);
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

// xorshift64*: the standard's distributions differ from library to library, this does not.
class Random {
 public:
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  size_t below(size_t limit) { return limit == 0 ? 0 : (next() >> 16) % limit; }
  uint8_t byte() { return static_cast<uint8_t>(next() >> 32); }

 private:
  uint64_t state_ = 0x9e3779b97f4a7c15;
};

class Generator {
 public:
  explicit Generator(std::vector<Bytes> seeds) : seeds_(std::move(seeds)) {}

  const Bytes& next() {
    if (seeds_.empty() || random_.below(8) == 0) {
      input_.resize(random_.below(random_.below(4) == 0 ? 4096 : 200));
      std::generate(input_.begin(), input_.end(), [this] { return random_.byte(); });
      return input_;
    }
    // A quarter goes on from the last input, so that changes add up.
    if (random_.below(4) != 0 || input_.empty()) input_ = seeds_[random_.below(seeds_.size())];
    for (size_t changes = 1 + random_.below(6); changes > 0; changes--) mutate();
    if (input_.size() > kLongestInput) input_.resize(kLongestInput);
    return input_;
  }

 private:
  void mutate() {
    if (input_.empty()) input_.push_back(random_.byte());
    const size_t at = random_.below(input_.size());
    const auto place = input_.begin() + static_cast<ptrdiff_t>(at);
    const size_t rest = input_.size() - at, length = 1 + random_.below(std::min<size_t>(rest, 64));
    const auto end = place + static_cast<ptrdiff_t>(length);
    switch (random_.below(9)) {
      case 0:
        *place ^= static_cast<uint8_t>(1u << random_.below(8));
        break;
      case 1:
        *place = random_.byte();
        break;
      case 2:
        put_number(at);
        break;
      case 3:
        input_.erase(place, end);
        break;
      case 4: {
        const Bytes copy(place, end);
        const auto to = static_cast<ptrdiff_t>(random_.below(input_.size() + 1));
        input_.insert(input_.begin() + to, copy.begin(), copy.end());
        break;
      }
      case 5:
        std::fill(place, end, random_.byte());
        break;
      case 6:
        input_.insert(place, random_.byte());
        break;
      case 7:
        input_.resize(at);
        break;
      default: {
        const Bytes& other = seeds_[random_.below(seeds_.size())];
        const auto from = static_cast<ptrdiff_t>(random_.below(other.size() + 1));
        input_.resize(at);
        input_.insert(input_.end(), other.begin() + from, other.end());
      }
    }
  }
  // A value that sizes, counts and offsets break at, of any width.
  void put_number(size_t at) {
    static constexpr uint64_t kNumbers[] = {
        0,          1,          2,          7,          8,       0x7f,       0x80,     0xff,
        0x100,      0x7fff,     0x8000,     0xffff,     0x10000, 0x7fffffff, 1u << 31, 0xffffffff,
        1ull << 32, 1ull << 47, 1ull << 62, 1ull << 63, ~0ull,   ~7ull,      ~0xfffull};
    uint64_t number = kNumbers[random_.below(std::size(kNumbers))] + random_.below(3) - 1;
    if (random_.below(4) == 0) number = input_.size() + random_.below(3) - 1;
    const size_t width = std::min(size_t{1} << random_.below(4), input_.size() - at);
    std::memcpy(&input_[at], &number, width);
  }

  std::vector<Bytes> seeds_;
  Bytes input_;
  Random random_;
};

bool read_file(const char* path, std::vector<Bytes>& files) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path);
    return false;
  }
  files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const bool as_they_are = argc > 1 && std::strcmp(argv[1], "--run") == 0;
  char* end = nullptr;
  const unsigned long long count = argc > 1 ? std::strtoull(argv[1], &end, 10) : 0;
  if (argc < 2 || (!as_they_are && (*end != 0 || count == 0))) {
    std::fprintf(stderr, "usage: %s COUNT [SEED_FILE...]\n       %s --run FILE...\n", argv[0],
                 argv[0]);
    return 2;
  }
  std::vector<Bytes> files;
  for (int i = 2; i < argc; i++)
    if (!read_file(argv[i], files)) return 2;
  for (int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM, SIGSYS, SIGTRAP})
    ::signal(signal, keep_input_and_die);
  for (const Bytes& file : files) run(file);
  if (!as_they_are) {
    Generator generator(std::move(files));
    for (unsigned long long i = 0; i < count; i++) run(generator.next());
  }
  std::printf("%llu inputs\n", current_number);
  return 0;
}
