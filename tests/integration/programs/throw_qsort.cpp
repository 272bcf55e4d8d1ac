// An exception that crosses qsort: the frames of the tool between comparison and qsort must unwind.
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

static int calls;

static int compare(const void* a, const void* b) {
  if (++calls == 5) throw std::runtime_error("enough compared");
  return *static_cast<const int*>(a) - *static_cast<const int*>(b);
}

struct Witness {
  ~Witness() { std::puts("destructor ran"); }
};

int main() {
  for (int round = 0; round < 3; round++) {
    int values[] = {5, 3, 9, 1, 7, 2, 8};
    calls = 0;
    try {
      Witness witness;
      std::qsort(values, 7, sizeof(int), compare);
      std::puts("not reached");
    } catch (const std::runtime_error& error) {
      std::printf("round %d caught: %s\n", round, error.what());
    }
  }
  int values[] = {5, 3, 9, 1};
  calls = 100;
  std::qsort(values, 4, sizeof(int), compare);
  std::printf("%d %d %d %d\n", values[0], values[1], values[2], values[3]);
  return 3;
}
