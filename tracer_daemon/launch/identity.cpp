#include "launch/identity.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>

namespace wc {
namespace {

std::vector<gid_t> groups_of(const passwd& user) {
  int count = 64;
  std::vector<gid_t> groups(static_cast<size_t>(count));
  while (getgrouplist(user.pw_name, user.pw_gid, groups.data(), &count) < 0)
    groups.resize(static_cast<size_t>(count));
  groups.resize(static_cast<size_t>(count));
  return groups;
}

}  // namespace

Result<Identity> Identity::of_user(const std::string& name) {
  if (name.empty()) return Identity{};
  if (geteuid() != 0)
    return Error{"option -u/--user: only root can run a program as somebody else", EPERM};
  errno = 0;
  const passwd* user = getpwnam(name.c_str());
  if (user == nullptr && errno != 0 && errno != ENOENT)
    return Error::from_errno(fmt::format("option -u/--user: cannot look up user {}", name), errno);
  if (user == nullptr)
    return Error{
        fmt::format("option -u/--user: there is no user '{}' (getent passwd lists them)", name),
        ENOENT};
  return Identity{false, user->pw_uid, user->pw_gid, groups_of(*user)};
}

}  // namespace wc
