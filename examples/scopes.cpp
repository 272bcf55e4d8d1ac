// Scopes of one's own: wc-preload shows which part of the program made which system call.
//
//   g++ -I preload_lib -o scopes examples/scopes.cpp         (installed: nothing but -I
//   PREFIX/include)
//   ./wc-preload ./scopes
#include <wc/scope.h>

#include <cstdio>
#include <stdexcept>

static int count_lines(const char *path) {
  wc::scope scope("count lines");
  std::FILE *file = std::fopen(path, "r");
  if (file == nullptr) throw std::runtime_error("no such file");
  int lines = 0;
  for (int c; (c = std::getc(file)) != EOF;) lines += c == '\n';
  std::fclose(file);
  return lines;
}

static void report(int lines) {
  wc::scope scope("report");
  std::printf("%d\n", lines);
  std::fflush(stdout);
}

int main(int argc, char **argv) {
  try {
    report(count_lines(argc > 1 ? argv[1] : "/etc/passwd"));
  } catch (const std::exception &error) {
    report(-1);
    return 1;
  }
}
