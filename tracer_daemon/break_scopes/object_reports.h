// --objects: which shared objects ld.so maps and unmaps, and who asked, from the thread that is in
// ld.so at that moment.
#pragma once

#include "objects/library_watch.h"
#include "objects/object_history.h"
#include "recording/thread_records.h"
#include "tracee/shim_memory.h"

namespace wc {

class ObjectReports {
 public:
  ObjectReports(const TraceRun& run, const ShimMemory& shim, OpenScopes& scopes,
                ThreadRecords& records)
      : run_(run), shim_(shim), scopes_(scopes), records_(records) {}

  void report(const StoppedThread& stop, Thread& thread, const ObjectChanges& changes,
              Occasion occasion);

 private:
  const TraceRun& run_;
  const ShimMemory& shim_;
  OpenScopes& scopes_;
  ThreadRecords& records_;
};

}  // namespace wc
