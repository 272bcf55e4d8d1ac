/* Strings: escapes, lengths, bad addresses. */
#include <sys/mman.h>

#include "oracle.h"

int main(void) {
  int fd = make_file("sink", "");
  const char *texts[] = {
      "",
      "plain",
      "tab\tnewline\nquote\"backslash\\",
      "\1\2\3",
      "\0012\0018\001a",
      "\033[0m",
      "caf\xc3\xa9",
      "\v\f\r\a\b\177",
      "exactly thirty-two bytes long...",
      "one more than thirty-two bytes..!",
      "a string that is much longer than what strace shows of strings by default"};
  for (unsigned i = 0; i < COUNT(texts); i++) CALL(write, fd, texts[i], strlen(texts[i]));
  CALL(write, fd, "a\0b\0\0c", 6ul);
  CALL(write, fd, "\0001", 2ul);
  CALL(pwrite64, fd, "abc", 3ul, 10l);
  CALL(write, fd, NULL, 3ul);
  CALL(write, fd, NULL, 0ul);
  CALL(write, fd, NOWHERE, 3ul);
  CALL(write, -1, "abc", 3ul);
  char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(pages + 4096, 4096);
  memset(pages, 'x', 4096);
  CALL(write, fd, pages + 4090, 20ul);
  CALL(chdir, pages + 4090);
  CALL(chdir, "a directory name that is much longer than thirty-two bytes is shown in full");
  CALL(chdir, "name\nwith\tescapes\"\377");
  char buffer[100];
  CALL(lseek, fd, 0l, 0);
  CALL(read, fd, buffer, 10ul);
  CALL(read, fd, buffer, 100ul);
  CALL(read, fd, buffer, 0ul);
  CALL(read, fd, NOWHERE, 10ul);
  CALL(read, -1, buffer, 10ul);
  CALL(pread64, fd, buffer, 5ul, 3l);
  CALL(pread64, fd, buffer, 5ul, 1000000l);
  CALL(getcwd, buffer, 1ul);
  CALL(getrandom, buffer, 0ul, 1);
  CALL(sethostname, NULL, -1);
  CALL(memfd_create, "a name", 3);
  return 0;
}
