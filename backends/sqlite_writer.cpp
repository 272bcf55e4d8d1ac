#include "sqlite_writer.h"

#include <signal.h>
#include <sqlite3.h>

#include <chrono>
#include <cstring>
#include <span>
#include <utility>

#include "sqlite_schema.h"

namespace wc::backends {

std::unique_ptr<SqliteWriter> SqliteWriter::open(const std::string& path, std::string& error) {
  std::unique_ptr<SqliteWriter> writer(new SqliteWriter);
  if (!writer->prepare(path)) {
    error = writer->error_;
    return nullptr;
  }
  // The tracer's signals are for its own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  writer->thread_ = std::thread([raw = writer.get()] { raw->work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return writer;
}

bool SqliteWriter::prepare(const std::string& path) {
  path_ = path;
  // One thread at a time uses it: this one, then the one that it makes.
  if (sqlite3_open_v2(path.c_str(), &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                      nullptr) != SQLITE_OK) {
    fail();
    return false;
  }
  // 16 MiB of pages; nobody else writes, and who reads meanwhile is kept out.
  constexpr const char* kSettings =
      "PRAGMA page_size=16384; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=TRUNCATE; PRAGMA "
      "synchronous=OFF;"
      "PRAGMA cache_size=-16384;";
  if (!execute(kSettings) || !execute("BEGIN") || !execute(kSqliteTables) || !execute("COMMIT"))
    return false;
  for (size_t i = 0; i < kSqlStatements; ++i) {
    if (sqlite3_prepare_v3(database_, kSqliteStatements[i], -1, SQLITE_PREPARE_PERSISTENT,
                           &statements_[i], nullptr) == SQLITE_OK)
      continue;
    fail();
    return false;
  }
  return true;
}

SqliteWriter::~SqliteWriter() {
  finish();
  for (sqlite3_stmt* statement : statements_) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

void SqliteWriter::fail() {
  const std::lock_guard lock(mutex_);
  if (!error_.empty()) return;
  error_ = "cannot write " + path_ + ": " + sqlite3_errmsg(database_);
  const int code = sqlite3_system_errno(database_);
  if (code != 0) error_ += std::string(" (") + std::strerror(code) + ")";
}

bool SqliteWriter::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return true;
  fail();
  return false;
}

void SqliteWriter::add(SqlBatch batch) {
  if (batch.empty()) return;
  std::unique_lock lock(mutex_);
  if (waiting_ >= kMostWaiting) {
    const auto began = std::chrono::steady_clock::now();
    changed_.wait(lock, [this] { return waiting_ < kMostWaiting || !error_.empty(); });
    ++waits_;
    waited_ns_ += static_cast<uint64_t>((std::chrono::steady_clock::now() - began).count());
  }
  if (!error_.empty()) return;
  waiting_ += batch.bytes();
  queue_.push_back(std::move(batch));
  changed_.notify_all();
}

std::string SqliteWriter::finish() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  return std::exchange(error_, {});
}

void SqliteWriter::work() {
  while (true) {
    SqlBatch batch;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !queue_.empty() || is_ending_; });
      if (queue_.empty()) break;
      batch = std::move(queue_.front());
      queue_.pop_front();
    }
    write(batch);
    const std::lock_guard lock(mutex_);
    waiting_ -= batch.bytes();
    if (!error_.empty()) queue_.clear(), waiting_ = 0;
    changed_.notify_all();
  }
  if (!error_.empty() || !execute(kSqliteIndexes)) return;
  execute("PRAGMA journal_mode=DELETE");  // the journal beside the file goes
}

namespace {

bool bind(sqlite3_stmt* statement, int position, const SqlBatch& batch,
          const SqlBatch::Cell& cell) {
  switch (cell.type) {
    case SqlBatch::Type::Null:
      return sqlite3_bind_null(statement, position) == SQLITE_OK;
    case SqlBatch::Type::Integer:
      return sqlite3_bind_int64(statement, position, static_cast<int64_t>(cell.value)) == SQLITE_OK;
    case SqlBatch::Type::Real:
      return sqlite3_bind_double(statement, position, std::bit_cast<double>(cell.value)) ==
             SQLITE_OK;
    case SqlBatch::Type::Text: {
      const std::string_view text = batch.text(cell);
      return sqlite3_bind_text(statement, position, text.data(), static_cast<int>(text.size()),
                               SQLITE_STATIC) == SQLITE_OK;
    }
  }
  return false;
}

}  // namespace

void SqliteWriter::write(const SqlBatch& batch) {
  if (!execute("BEGIN")) return;
  const auto& rows = batch.rows();
  for (size_t i = 0; i < rows.size(); ++i) {
    sqlite3_stmt* statement = statements_[static_cast<size_t>(rows[i].statement)];
    const size_t end = i + 1 < rows.size() ? rows[i + 1].first : batch.cells().size();
    int position = 0;
    bool is_done = true;
    for (size_t at = rows[i].first; at < end; ++at)
      is_done = is_done && bind(statement, ++position, batch, batch.cells()[at]);
    is_done = is_done && sqlite3_step(statement) == SQLITE_DONE;
    if (!is_done) fail();
    sqlite3_reset(statement);
    if (!is_done) {
      sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
      return;
    }
  }
  execute("COMMIT");
}

}  // namespace wc::backends
