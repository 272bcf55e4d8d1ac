// The tables of backend "sqlite", as SQL. docs/sqlite.md describes them.
#pragma once

namespace wc::backends {

extern const char* const kSqliteTables;        // before the first row
extern const char* const kSqliteIndexes;       // after the last one
extern const char* const kSqliteStatements[];  // by SqlStatement

}  // namespace wc::backends
