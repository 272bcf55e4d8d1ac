#include "breakpoints/mapped_objects.h"

#include <set>

#include "proc/files.h"
#include "proc/maps.h"
#include "proc/process.h"
#include "symbols/mapped_file.h"

namespace wc {

std::vector<ObjectFile> mapped_objects(pid_t pid) {
  std::vector<ObjectFile> objects{{proc::exe_path(pid), proc::path_of(pid, "exe"), true}};
  auto maps = proc::read_maps(pid);
  if (!maps) return objects;
  std::set<std::string> seen{objects.front().path};
  for (const proc::Mapping& mapping : maps->all()) {
    if (!mapping.rights.execute || !mapping.has_file()) continue;
    if (!seen.insert(mapping.path).second) continue;
    objects.push_back({path_before_deletion(mapping.path), file_of(pid, mapping).path, false});
  }
  return objects;
}

ObjectFile object_file(pid_t pid, const MappedObject& object) {
  ObjectFile file{path_before_deletion(object.path), {}, false};
  // As the process sees it: it may have another root folder.
  if (file.path == object.path) {
    file.open_path = proc::path_of(pid, "root" + object.path);
    return file;
  }
  auto maps = proc::read_maps(pid);
  const proc::Mapping* mapping = maps ? maps->at(object.dynamic) : nullptr;
  if (mapping != nullptr) file.open_path = file_of(pid, *mapping).path;
  return file;
}

}  // namespace wc
