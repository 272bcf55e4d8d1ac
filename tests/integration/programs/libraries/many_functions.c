/* Ten thousand functions that make one system call each. */
#include <unistd.h>

#include "many_functions.h"

#define DEFINE(name) \
  int name(void) { return access("/nowhere", F_OK); }
MANY(DEFINE)
