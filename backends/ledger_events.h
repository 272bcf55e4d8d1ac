// What a system call does to descriptors.
#pragma once

#include <vector>

#include "ledger_tables.h"
#include "wc_backend.h"

namespace wc::backends {

// Nothing for most of them.
std::vector<LedgerOp> ledger_ops(const wc_syscall& event, const LedgerPlace* place,
                                 LedgerNames& names);
// Whether it can be anything for the ledger: cheap, asked of each.
bool concerns_ledger(const wc_syscall& event);

}  // namespace wc::backends
