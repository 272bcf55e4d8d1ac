// What options mean for one another, as data: with which commands one goes, what it needs to have
// an effect, and which exclude each other. Nothing that is given is ignored in silence.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace wc::config {

// What wc-preload is asked to do, as far as it decides which options mean something.
enum class Occasion : unsigned {
  Start = 1,     // a program is started
  Attach = 2,    // -p
  Serve = 4,     // serve
  Connect = 8,   // --connect: the tracer is another process with options of its own
  List = 16,     // --list-...
  Compare = 32,  // --compare
  Explore = 64,  // --explore
  Replay = 128,  // --replay
  Diff = 256     // --diff
};

// What must be there for an option to have an effect.
enum class Need {
  Nothing,
  Lines,      // a backend that shows single events
  Text,       // a backend that shows text
  Calls,      // a backend that shows calls
  Stacks,     // a backend that shows stacks
  Audience,   // any backend but none
  File,       // output to a file
  Flight,     // --flight
  InProcess,  // an engine that may be inproc
  Gate,       // functions that are wrapped and gated
  Claims      // --expect
};

enum class Again { Last, Joined, Counted };  // what the same option given twice means

// The built-in backends, of which it is known here what they show. Others may show anything.
std::vector<std::string_view> judged_backends();

struct Relation {
  Key key;
  unsigned occasions;  // OR of Occasion
  Need need;
  Again again;
};

// One row a key, in the order of the keys.
std::span<const Relation> relations();
bool goes_with(Key key, Occasion occasion);

// Two options of which one makes the other mean nothing, or both cannot be done.
struct Exclusion {
  Key first, second;
  std::string_view why;
  enum class Weight { Refused, Warned } weight;
};
std::span<const Exclusion> exclusions();

// Looks at all that was given and holds: the settings of the INI file that are not overridden, and
// the command line. What is wrong is an error where the command line says it in a way that changes
// what is done; the rest are warnings, a line each, in options.warnings.
Status check_relations(std::span<const Setting> file, std::span<const Setting> line,
                       Options& options);

// What engine inproc cannot do of what the options ask for; empty: it can do all of it.
std::string_view obstacle_to_inproc(const Options& options);
// The same of engine bpf, with what to do instead.
std::string_view obstacle_to_bpf(const Options& options);

}  // namespace wc::config
