#include "measure/process_tree.h"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include "base/text.h"
#include "proc/files.h"
#include "proc/process.h"
#include "proc/status.h"

namespace wc::measure {
namespace {

std::vector<std::string> entries(const std::string& folder) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(folder.c_str()), closedir);
  if (!open) return names;
  while (const dirent* entry = readdir(open.get())) names.emplace_back(entry->d_name);
  return names;
}

pid_t to_pid(const std::string& text) { return whole_number<pid_t>(text).value_or(0); }

// Inodes of listening TCP sockets: the state is the fourth word, 0A; the inode the tenth.
void add_tcp(const char* path, std::set<std::string>& inodes) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string word[10];
    for (std::string& w : word) words >> w;
    if (word[3] == "0A") inodes.insert(word[9]);
  }
}

// And of Unix sockets: flag 0x10000 is __SO_ACCEPTCON.
void add_unix(std::set<std::string>& inodes) {
  std::ifstream file("/proc/net/unix");
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string word[7];
    for (std::string& w : word) words >> w;
    if (word[3] == "00010000") inodes.insert(word[6]);
  }
}

}  // namespace

std::vector<pid_t> processes_below(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  for (const std::string& name : entries("/proc")) {
    const pid_t pid = to_pid(name);
    if (pid == 0) continue;
    const auto status = proc::read_status(pid);
    if (status && status->ppid != 0) children.emplace(status->ppid, pid);
  }
  std::vector<pid_t> found{root};
  for (std::size_t i = 0; i < found.size(); i++) {
    const auto [begin, end] = children.equal_range(found[i]);
    for (auto it = begin; it != end; ++it) found.push_back(it->second);
  }
  return found;
}

std::vector<pid_t> program_below(pid_t leader, bool leader_is_the_program) {
  std::vector<pid_t> all = processes_below(leader);
  if (leader_is_the_program) return all;
  const std::string tool = proc::exe_path(leader);
  const auto is_tool = [&](pid_t pid) { return proc::exe_path(pid) == tool; };
  all.erase(std::remove_if(all.begin(), all.end(), is_tool), all.end());
  return all;
}

bool listens(const std::vector<pid_t>& processes) {
  std::set<std::string> inodes;
  add_tcp("/proc/net/tcp", inodes);
  add_tcp("/proc/net/tcp6", inodes);
  add_unix(inodes);
  for (const pid_t pid : processes) {
    const std::string folder = proc::path_of(pid, "fd");
    for (const std::string& name : entries(folder)) {
      const std::string target = proc::link_target(folder + "/" + name);
      constexpr std::string_view kSocket = "socket:[";
      if (!target.starts_with(kSocket)) continue;
      const std::string inode = target.substr(kSocket.size(), target.size() - kSocket.size() - 1);
      if (inodes.contains(inode)) return true;
    }
  }
  return false;
}

std::string doing(const std::vector<pid_t>& processes) {
  constexpr std::size_t kMost = 8;  // of a fork bomb a few are enough
  std::string text;
  for (std::size_t i = 0; i < std::min(processes.size(), kMost); i++) {
    constexpr std::size_t kLine = 256;
    const auto status = proc::read_status(processes[i]);
    const auto where = proc::read_file(proc::path_of(processes[i], "wchan"), kLine);
    if (!status || status->name.empty()) continue;
    text += (text.empty() ? "" : ", ") + status->name;
    if (where && !where->empty() && *where != "0") text += " in " + *where;
  }
  return processes.size() > kMost ? text + ", ..." : text;
}

void kill_descendants() {
  std::vector<pid_t> found;
  do {
    found = processes_below(getpid());
    found.erase(found.begin());
    for (const pid_t pid : found) kill(pid, SIGKILL);
    // Grandchildren are not ours to be waited for until their parents are gone: the next turn. No
    // wait for just anybody, who may have been forked since we looked and was not killed.
    for (const pid_t pid : found) {
      while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  } while (!found.empty());
}

}  // namespace wc::measure
