// What a policy is written as: an INI file for --config, or a seccomp profile.
#pragma once

#include <string>

#include "policy_record.h"
#include "wc_backend.h"

namespace wc::backends {

void append_policy_ini(std::string& out, const PolicyRecord& record, const wc_host& host);
// As OCI runtimes, docker and podman read it (JSON).
void append_policy_seccomp(std::string& out, const PolicyRecord& record);

// What every rule that is not of one function allows.
Syscalls always_allowed(const PolicyRecord& record);

}  // namespace wc::backends
