/* Mappings. */
#include <sys/mman.h>

#include "oracle.h"

int main(void) {
  int fd = make_file("file", "text");
  char *page = mmap(NULL, 16384, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE, -1, 0);
  mmap(NULL, 4096, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  mmap(NULL, 4096, PROT_READ, MAP_SHARED_VALIDATE, fd, 0);
  mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 4096);
  mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 1);
  mmap(NULL, 0, PROT_READ, 0, -1, 0);
  mmap(NULL, 1 << 21, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_LOCKED | MAP_STACK,
       -1, 0);
  CALL(mprotect, page, 4096ul, PROT_READ | PROT_EXEC);
  CALL(mprotect, page, 4096ul, PROT_READ | PROT_WRITE | PROT_GROWSDOWN);
  const int advice[] = {MADV_NORMAL,
                        MADV_RANDOM,
                        MADV_DONTNEED,
                        MADV_FREE,
                        MADV_HUGEPAGE,
                        MADV_DONTFORK,
                        MADV_WIPEONFORK,
                        22,
                        999};
  for (unsigned i = 0; i < COUNT(advice); i++) CALL(madvise, page, 4096ul, advice[i]);
  unsigned char in_core[4];
  CALL(mincore, page, 16384ul, in_core);
  CALL(msync, page, 4096ul, MS_SYNC | MS_INVALIDATE);
  CALL(mlock, page, 4096ul);
  CALL(mlock2, page, 4096ul, 1);
  CALL(munlock, page, 4096ul);
  CALL(mlockall, MCL_ONFAULT | MCL_FUTURE);
  CALL(munlockall);
  CALL(mremap, page, 16384ul, 8192ul, MREMAP_MAYMOVE);
  CALL(mremap, page, 8192ul, 4096ul, MREMAP_MAYMOVE | MREMAP_FIXED, page + 8192);
  CALL(munmap, page, 4096ul);
  CALL(munmap, 1, 4096ul);
  CALL(pkey_alloc, 0ul, 1ul);
  CALL(pkey_mprotect, page, 4096ul, PROT_READ, -1);
  CALL(pkey_free, 3);
  CALL(mbind, page, 4096ul, 0, NULL, 0ul, 0);
  CALL(set_mempolicy, 0, NULL, 0ul);
  CALL(get_mempolicy, NULL, NULL, 0ul, NULL, 0ul);
  CALL(memfd_secret, 0);
  CALL(remap_file_pages, page, 4096ul, 0, 0ul, 0);
  CALL(brk, 0);
  return 0;
}
