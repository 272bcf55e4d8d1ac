// Which functions of an object get a breakpoint: by -B, and, where nothing is wrapped because the
// process was attached to, by -F.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "catalog/breakpoint_selection.h"
#include "catalog/selection.h"
#include "elf/image.h"
#include "events/function_table.h"
#include "symbols/function_list.h"

namespace wc {

// An ELF file as it is mapped in some process.
struct ObjectFile {
  std::string path;       // as /proc/PID/maps has it
  std::string open_path;  // where it can be opened now
  bool is_program = false;
};

struct BreakChoice {
  uint64_t address = 0;  // as in the file
  FunctionInfo info;
};

struct BreakChoices {
  std::vector<BreakChoice> functions;  // one an address
  std::set<std::string> found;         // terms (their text) that chose something
  std::set<std::string> bodiless;      // terms that chose what gets its body at run time (IFUNC)
  std::vector<std::string> warnings;   // functions that were named and can have no breakpoint
  std::vector<std::string> refusals;   // the same, where they were named in full
};

class BreakPlan {
 public:
  BreakPlan(std::vector<BreakTerm> functions, std::vector<Term> exported)
      : terms_(std::move(functions)), exported_(std::move(exported)) {}

  [[nodiscard]] bool empty() const { return terms_.empty() && exported_.empty(); }

  // `in_program`: terms that the program has; where a name is there, libraries are not searched.
  Result<BreakChoices> choose(const ObjectFile& object, const std::set<std::string>& in_program);

  // Whether every term fits the program and the libraries that it will have. The first that does
  // not is the error, which says what is near.
  using Libraries = std::vector<std::shared_ptr<const Image>>;
  Status check(const ObjectFile& program, const Libraries& libraries);
  // The same of -F, for a process that has these files mapped, and whether these are the libraries
  // that terms name. Warnings are for the user.
  Status check_running(const std::vector<ObjectFile>& objects, std::vector<std::string>& warnings);

  // True once for each text: what every process would say.
  bool is_news(const std::string& text) { return said_.insert(text).second; }

  // Whether functions of a library of this name were asked for.
  [[nodiscard]] bool names_library(const std::string& name) const;

 private:
  static std::string soname_of(const ObjectFile& object);
  static std::string soname_of(const ObjectFile& object, const Image& image);
  void choose_exported(const ObjectFile& object, const std::string& soname, BreakChoices& out);
  void choose_by_symbol(const ObjectFile& object, const std::string& soname,
                        const std::vector<const BreakTerm*>& terms, BreakChoices& out);

  std::vector<BreakTerm> terms_;
  std::vector<Term> exported_;
  std::map<std::string, BreakChoices> known_;  // by file and terms: programs share libraries
  std::set<std::string> said_;
};

// The addresses of internal breakpoints: the object's function of that name, as in the file; 0.
uint64_t address_of_function(const ObjectFile& object, const std::string& name);

}  // namespace wc
