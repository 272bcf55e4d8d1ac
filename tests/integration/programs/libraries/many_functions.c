/* Ten thousand functions that make one system call each. */
#include "many_functions.h"

#include <unistd.h>

#define DEFINE(name) \
  int name(void) { return access("/nowhere", F_OK); }
MANY(DEFINE)
