// A run that is recorded and one that replays it, both without a process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "decode_fake_memory.h"
#include "pipeline_fixture.h"
#include "replay/raw_reader.h"
#include "replay/tape_player.h"

namespace wc {

inline std::unique_ptr<Pipeline> replaying(TapePlayer& player, const std::string& output,
                                           const std::string& backend = "json") {
  HostOptions options;
  options.output_path = output;
  options.run.began = 1;
  const std::vector<std::string> specs{backend};
  auto set = BackendSet::open(specs, options);
  SyscallSet all;
  all.set();
  return std::make_unique<Pipeline>(std::move(*set), DecodeOptions{}, all, StackOptions{},
                                    EventFilterOptions{},
                                    Recording{.answers = &player, .code = player.code()});
}

struct Played {
  bool opened = false;
  bool is_whole = false;  // nothing was missing, and all of it made sense
  std::string said;
  std::vector<std::string> lines;
};

// Replays `raw` to JSON in `output`.
inline Played play(const std::string& raw, const std::string& output) {
  Played played;
  auto reader = RawReader::open(raw);
  if (!reader) {
    played.said = reader.error().message;
    return played;
  }
  played.opened = true;
  TapePlayer player("");
  const auto pipeline = replaying(player, output);
  bool makes_sense = true;
  while (const auto piece = reader->next()) {
    if (piece->kind != raw::Kind::Events) continue;
    Status status = player.play(piece->bytes, *pipeline);
    if (status) continue;
    makes_sense = false;
    played.said = status.error().message;
    break;
  }
  wc::close(*pipeline, 1);
  played.is_whole = makes_sense && reader->missing().empty();
  if (makes_sense) played.said = reader->missing();
  for (auto& line : lines_of_file(output))
    if (line.find("\"type\":\"run\"") == std::string::npos) played.lines.push_back(line);
  return played;
}

}  // namespace wc
