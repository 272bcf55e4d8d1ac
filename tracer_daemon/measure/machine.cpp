#include "measure/machine.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "measure/child.h"

namespace wc::measure {
namespace {

// Busy time of all CPUs without ours and our children's. One that is still running is not among
// them: to be asked between runs.
double others_cpu() {
  std::ifstream stat("/proc/stat");
  std::string word;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft_irq = 0;
  stat >> word >> user >> nice >> system >> idle >> wait >> irq >> soft_irq;
  double busy = (user + nice + system + irq + soft_irq) /
                static_cast<double>(std::max(1L, sysconf(_SC_CLK_TCK)));
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    getrusage(who, &usage);
    busy -= in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime);
  }
  return busy;
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with("model name")) continue;
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string local_time() {
  const std::time_t time = std::time(nullptr);
  std::tm local{};
  localtime_r(&time, &local);
  char text[64];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z", &local);
  return {text, length};
}

}  // namespace

Machine this_machine() {
  Machine machine;
  machine.date = local_time();
  utsname name{};
  uname(&name);
  machine.kernel = fmt::format("{} {} {}", name.sysname, name.release, name.machine);
  cpu_set_t ours;
  CPU_ZERO(&ours);
  sched_getaffinity(0, sizeof ours, &ours);
  machine.cpu =
      fmt::format("{} of {} CPUs, {}", CPU_COUNT(&ours), sysconf(_SC_NPROCESSORS_ONLN), cpu_name());
  getloadavg(&machine.load, 1);
  return machine;
}

Interference::Interference() : begin_(now()), others_(others_cpu()) {}

double Interference::share() const {
  return std::max(0.0, (others_cpu() - others_) / std::max(now() - begin_, 0.1));
}

std::string version_of(const std::string& command) {
  const Result<ScopedFd> said = temporary_file();
  constexpr double kLimit = 10;
  if (!said || !run({command, "--version"}, Streams{said->get(), -1}, kLimit)) return {};
  const std::string text = content_of(said->get());
  return text.substr(0, text.find('\n'));
}

}  // namespace wc::measure
