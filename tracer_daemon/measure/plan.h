// What is to be measured: plain data, made by --compare or read from a plan file.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace wc::measure {

enum class Better { Less, More };

// Where a program prints its figure. What it says elsewhere is thrown away, which costs it less.
enum class PrintedTo { Anywhere, StandardError };

// A figure that a command prints itself: the first group of an extended regular expression
// (regex(7), as grep -E). Empty pattern: those of known load generators.
struct FigurePattern {
  std::string pattern;
  Better better = Better::Less;
  PrintedTo printed_to = PrintedTo::Anywhere;
};

// Whose exit status a command ends with. Some tools end with 0 whatever the program did.
enum class ExitStatus { OfProgram, OfTool };

// One way to run the program of a row.
struct Variant {
  std::string name;
  std::vector<std::string> command;
  std::string skipped;     // why it is not run here, in words
  std::string trace_file;  // removed after each run; may be empty
  ExitStatus exit_status = ExitStatus::OfProgram;
};

// A program that does not end by itself: what runs against it, as shell commands.
struct Load {
  std::string command;
  std::string ready;  // succeeds once the program can be used; empty: when it listens on a socket
};

// Which one of the figures of several runs stands for them.
enum class Pick { Mean, Best };

struct Row {
  std::string title;
  std::string unit = "ms";
  std::vector<Variant> variants;        // the first one is native
  std::optional<FigurePattern> figure;  // without: milliseconds from start to end
  std::optional<Load> load;
  std::vector<std::string> before;  // run before each run, not timed
  std::string reference;            // the variant whose cost the others' is given as a share of
  int runs = 1;                     // in one figure
  Pick pick = Pick::Mean;
  double per = 1;  // what the figure is divided by

  [[nodiscard]] Better better() const { return figure ? figure->better : Better::Less; }
};

// Whether native runs once before anything counts, or the caller has seen to that.
enum class WarmUp { Native, Done };

struct Limits {
  double run_seconds = 60;     // then the run is killed, with all that it started
  double total_seconds = 1e9;  // then no further run is begun
};

struct Plan {
  std::vector<Row> rows;
  int rounds = 5;
  WarmUp warm_up = WarmUp::Native;
  Limits limits;
};

}  // namespace wc::measure
