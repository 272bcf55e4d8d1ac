// The thread that writes batches of rows into an SQLite file, each in one transaction, and the
// queue to it, which is bounded: who adds to a full one waits, and that is counted.
//
// A transaction is in the file as a whole or not at all, also if the tracer is killed in the middle
// of it: its rollback journal lies beside the file, and the next reader applies it. Against a
// machine that loses its power nothing is promised; that would cost an fsync(2) a transaction.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "sqlite_batch.h"

struct sqlite3;
struct sqlite3_stmt;

namespace wc::backends {

class SqliteWriter {
 public:
  static constexpr size_t kMostWaiting = size_t{32} << 20;  // bytes

  // Null: `error` says why.
  static std::unique_ptr<SqliteWriter> open(const std::string& path, std::string& error);
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;
  ~SqliteWriter();

  void add(SqlBatch batch);
  // Writes what is left and ends the thread. What went wrong, in one line; empty: nothing.
  std::string finish();
  [[nodiscard]] uint64_t waits() const { return waits_; }
  [[nodiscard]] uint64_t waited_ns() const { return waited_ns_; }

 private:
  SqliteWriter() = default;
  bool prepare(const std::string& path);
  void work();
  void write(const SqlBatch& batch);
  bool execute(const char* sql);
  void fail();

  sqlite3* database_ = nullptr;
  sqlite3_stmt* statements_[kSqlStatements] = {};
  std::string path_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<SqlBatch> queue_;
  size_t waiting_ = 0;  // bytes in the queue
  bool is_ending_ = false;
  std::string error_;  // the first one; nothing is written after it
  uint64_t waits_ = 0, waited_ns_ = 0;
  std::thread thread_;
};

}  // namespace wc::backends
