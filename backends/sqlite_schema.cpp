#include "sqlite_schema.h"

namespace wc::backends {

// Times are nanoseconds of CLOCK_MONOTONIC; run.realtime_offset makes dates of them.
const char* const kSqliteTables = R"(
CREATE TABLE run(
  version TEXT, argv TEXT, time TEXT, realtime_offset INTEGER, host TEXT, kernel TEXT, engine TEXT,
  is_complete INTEGER NOT NULL, waits INTEGER NOT NULL, waited_ns INTEGER NOT NULL);
CREATE TABLE process(
  id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, parent INTEGER REFERENCES process, program TEXT,
  start_ts INTEGER, end_ts INTEGER, status INTEGER, killed INTEGER);
CREATE TABLE thread(
  id INTEGER PRIMARY KEY, process INTEGER NOT NULL REFERENCES process, tid INTEGER NOT NULL,
  start_ts INTEGER, end_ts INTEGER);
CREATE TABLE object(
  id INTEGER PRIMARY KEY, process INTEGER NOT NULL REFERENCES process, path TEXT, base INTEGER,
  how TEXT, loaded_by TEXT, build_id TEXT, load_ts INTEGER, load_ns INTEGER, unload_ts INTEGER);
CREATE TABLE function(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, library TEXT, kind TEXT NOT NULL);
CREATE TABLE place(
  id INTEGER PRIMARY KEY, text TEXT NOT NULL, object TEXT, symbol TEXT, offset INTEGER, file TEXT,
  line INTEGER);
CREATE TABLE call(
  id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, dur INTEGER, thread INTEGER NOT NULL REFERENCES thread,
  parent INTEGER REFERENCES call, depth INTEGER NOT NULL, function INTEGER NOT NULL REFERENCES function,
  place INTEGER REFERENCES place, args TEXT, ret TEXT, unwound INTEGER, weight INTEGER NOT NULL);
CREATE TABLE syscall(
  id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, dur INTEGER NOT NULL,
  thread INTEGER NOT NULL REFERENCES thread, call INTEGER REFERENCES call,
  function INTEGER REFERENCES function, name TEXT NOT NULL, nr INTEGER NOT NULL, ret INTEGER,
  error TEXT, text TEXT NOT NULL, path TEXT, fd_path TEXT, injected TEXT, in_signal INTEGER NOT NULL);
CREATE TABLE arg(
  call INTEGER REFERENCES call, syscall INTEGER REFERENCES syscall, position INTEGER NOT NULL,
  number NUMERIC, text TEXT);
CREATE TABLE signal(
  id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, thread INTEGER NOT NULL REFERENCES thread,
  number INTEGER NOT NULL, text TEXT);
CREATE TABLE stack(
  call INTEGER REFERENCES call, syscall INTEGER REFERENCES syscall, signal INTEGER REFERENCES signal,
  level INTEGER NOT NULL, place INTEGER REFERENCES place);
CREATE TABLE lost(ts INTEGER NOT NULL, process INTEGER REFERENCES process, count INTEGER NOT NULL);

CREATE VIEW by_function AS
  SELECT f.name AS function, f.library,
         (SELECT count(*) FROM call WHERE call.function = f.id) AS calls, count(s.id) AS syscalls,
         count(s.error) AS errors, coalesce(sum(s.dur), 0) AS syscall_ns, max(s.dur) AS max_ns
  FROM function f LEFT JOIN syscall s ON s.function = f.id
  GROUP BY f.id ORDER BY syscall_ns DESC, f.name;
CREATE VIEW by_syscall AS
  SELECT name, count(*) AS count, count(error) AS errors, sum(dur) AS ns, sum(dur) / count(*) AS avg_ns,
         max(dur) AS max_ns
  FROM syscall GROUP BY name ORDER BY ns DESC, name;
CREATE VIEW by_path AS
  SELECT coalesce(path, fd_path) AS path, count(*) AS syscalls, count(error) AS errors, sum(dur) AS ns,
         group_concat(DISTINCT name) AS names
  FROM syscall WHERE path IS NOT NULL OR fd_path IS NOT NULL
  GROUP BY coalesce(path, fd_path) ORDER BY ns DESC, 1;
CREATE VIEW slowest AS
  SELECT s.dur, s.text, f.name AS function, p.text AS place, t.tid, s.ts, s.id
  FROM syscall s JOIN thread t ON t.id = s.thread LEFT JOIN call c ON c.id = s.call
  LEFT JOIN function f ON f.id = s.function LEFT JOIN place p ON p.id = c.place
  ORDER BY s.dur DESC LIMIT 100;
CREATE VIEW errors AS
  SELECT s.name, s.error, coalesce(s.path, s.fd_path) AS path, f.name AS function, p.text AS place,
         count(*) AS count
  FROM syscall s LEFT JOIN call c ON c.id = s.call LEFT JOIN function f ON f.id = s.function
  LEFT JOIN place p ON p.id = c.place
  WHERE s.error IS NOT NULL
  GROUP BY s.name, s.error, coalesce(s.path, s.fd_path), f.name, p.text ORDER BY count DESC, s.name;
)";

const char* const kSqliteIndexes = R"(
CREATE INDEX call_by_function ON call(function);
CREATE INDEX call_by_parent ON call(parent) WHERE parent IS NOT NULL;
CREATE INDEX syscall_by_call ON syscall(call);
CREATE INDEX syscall_by_function ON syscall(function);
CREATE INDEX syscall_by_name ON syscall(name);
CREATE INDEX syscall_by_thread ON syscall(thread, ts);
CREATE INDEX syscall_by_path ON syscall(path) WHERE path IS NOT NULL;
CREATE INDEX syscall_by_error ON syscall(error) WHERE error IS NOT NULL;
CREATE INDEX arg_by_call ON arg(call) WHERE call IS NOT NULL;
CREATE INDEX arg_by_syscall ON arg(syscall) WHERE syscall IS NOT NULL;
CREATE INDEX stack_by_call ON stack(call) WHERE call IS NOT NULL;
CREATE INDEX stack_by_syscall ON stack(syscall) WHERE syscall IS NOT NULL;
PRAGMA optimize;
)";

const char* const kSqliteStatements[] = {
    "INSERT INTO run VALUES(?,?,?,?,?,?,?,0,0,0)",
    "UPDATE run SET is_complete = 1, waits = ?, waited_ns = ?",
    "INSERT INTO process(id, pid, parent, program, start_ts) VALUES(?,?,?,?,?)",
    "UPDATE process SET program = ? WHERE id = ?",
    "UPDATE process SET end_ts = ?, status = ?, killed = ? WHERE id = ?",
    "INSERT INTO thread(id, process, tid, start_ts) VALUES(?,?,?,?)",
    "UPDATE thread SET end_ts = ? WHERE id = ?",
    "INSERT INTO object(id, process, path, base, how, loaded_by, build_id, load_ts, load_ns) "
    "VALUES(?,?,?,?,?,?,?,?,?)",
    "UPDATE object SET unload_ts = ? WHERE id = ?",
    "INSERT INTO function VALUES(?,?,?,?)",
    "INSERT INTO place VALUES(?,?,?,?,?,?,?)",
    "INSERT INTO call VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
    "UPDATE call SET dur = ?, ret = ?, unwound = ? WHERE id = ?",
    "INSERT INTO syscall VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    "INSERT INTO arg VALUES(?,?,?,?,?)",
    "INSERT INTO stack VALUES(?,?,?,?,?)",
    "INSERT INTO signal VALUES(?,?,?,?,?)",
    "INSERT INTO lost VALUES(?,?,?)",
};

}  // namespace wc::backends
