// The r_debug protocol, read from this very process.
#include "objects/library_watch.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>

#include "kernel/process_memory.h"
#include "kernel/stopped_thread.h"

namespace wc {
namespace {

constexpr const char* kLibrary = "libutil.so.1";  // libc's own, and nobody needs it

const MappedObject* find(const std::vector<MappedObject>& objects, std::string_view part) {
  auto at = std::find_if(objects.begin(), objects.end(), [&](const MappedObject& one) {
    return one.path.find(part) != std::string::npos;
  });
  return at == objects.end() ? nullptr : &*at;
}

TEST(LibraryWatch, TellsWhatIsThereAndWhatHasChanged) {
  ProcessMemory memory(getpid());
  LibraryWatch watch;
  ObjectChanges first = watch.look(getpid(), memory);
  ASSERT_FALSE(first.loaded.empty());
  EXPECT_EQ(first.loaded[0].name, "") << "the program itself comes first";
  EXPECT_NE(find(first.loaded, "/libc.so.6"), nullptr);
  EXPECT_TRUE(first.unloaded.empty());
  EXPECT_TRUE(watch.look(getpid(), memory).empty());

  void* library = dlopen(kLibrary, RTLD_NOW);
  ASSERT_NE(library, nullptr) << dlerror();
  memory.forget();
  ObjectChanges more = watch.look(getpid(), memory);
  ASSERT_EQ(more.loaded.size(), 1u);
  EXPECT_NE(find(more.loaded, kLibrary), nullptr) << more.loaded[0].path;
  EXPECT_NE(more.loaded[0].base, 0u);
  EXPECT_EQ(more.loaded[0].space, 0u);

  dlclose(library);
  memory.forget();
  ObjectChanges less = watch.look(getpid(), memory);
  ASSERT_EQ(less.unloaded.size(), 1u);
  EXPECT_EQ(less.unloaded[0].entry, more.loaded[0].entry);
  EXPECT_TRUE(less.loaded.empty());
}

// What it asks of the program's memory does not depend on how many objects there are.
class CountedMemory final : public TraceeMemory {
 public:
  size_t read(RemoteAddress from, void* to, size_t size) override {
    reads++;
    memory_.forget();
    return memory_.read(from, to, size);
  }
  size_t reads = 0;

 private:
  ProcessMemory memory_{getpid()};
};

TEST(LibraryWatch, ReadsOnlyWhatHasChanged) {
  CountedMemory memory;
  LibraryWatch watch;
  const size_t objects = watch.look(getpid(), memory).loaded.size();
  ASSERT_GT(objects, 3u);
  EXPECT_GE(memory.reads, objects);
  memory.reads = 0;
  EXPECT_TRUE(watch.look(getpid(), memory).empty());
  EXPECT_EQ(memory.reads, 1u) << "the head of the list";
  void* library = dlopen(kLibrary, RTLD_NOW);
  memory.reads = 0;
  EXPECT_EQ(watch.look(getpid(), memory).loaded.size(), 1u);
  EXPECT_EQ(memory.reads, 3u) << "the head, the new entry, its name";
  dlclose(library);
  memory.reads = 0;
  EXPECT_EQ(watch.look(getpid(), memory).unloaded.size(), 1u);
  EXPECT_EQ(memory.reads, 1u);
}

TEST(LibraryWatch, AnObjectThatIsGoneLayBetweenItsNeighbours) {
  void* library = dlopen(kLibrary, RTLD_NOW);
  ProcessMemory memory(getpid());
  LibraryWatch watch;
  const ObjectChanges all = watch.look(getpid(), memory);
  dlclose(library);
  memory.forget();
  const ObjectChanges less = watch.look(getpid(), memory);
  ASSERT_EQ(less.unloaded.size(), 1u);
  const AddressRange span = watch.span_of(less.unloaded[0]);
  EXPECT_TRUE(span.contains(less.unloaded[0].base));
  EXPECT_TRUE(span.contains(less.unloaded[0].dynamic));
  for (const MappedObject& one : all.loaded) {
    if (one.entry == less.unloaded[0].entry) continue;
    EXPECT_FALSE(span.contains(one.base) && span.contains(one.dynamic)) << one.path;
  }
}

TEST(LibraryWatch, KnowsWhereLdSoCalls) {
  ProcessMemory memory(getpid());
  uint64_t event = LibraryWatch::event_address(getpid(), memory);
  Dl_info there{};
  ASSERT_NE(dladdr(reinterpret_cast<void*>(event), &there), 0);
  EXPECT_THAT(there.dli_fname, testing::HasSubstr("ld-linux"));
}

TEST(LibraryWatch, NoSuchProcess) {
  ProcessMemory memory(1 << 22);
  LibraryWatch watch;
  EXPECT_TRUE(watch.look(1 << 22, memory).empty());
  EXPECT_EQ(LibraryWatch::event_address(1 << 22, memory), 0u);
}

}  // namespace
}  // namespace wc
