/*
 * assembly.h: how the .S files define their functions and labels.
 */
#ifndef WC_PRELOAD_ASSEMBLY_H
#define WC_PRELOAD_ASSEMBLY_H

#include "preload_lib/frame.h"

  .macro FUNCTION name
  .globl \name
  .type \name, @function
  .p2align 6
\name:
  .cfi_startproc
  endbr64
  .endm

  .macro EXPORT name
  FUNCTION \name
  .protected \name
  .endm

  .macro HIDDEN name
  FUNCTION \name
  .hidden \name
  .endm

  .macro END name
  .cfi_endproc
  .size \name, . - \name
  .endm

  .macro LABEL name
  .globl \name
  .hidden \name
\name:
  .endm

  .hidden wc_process

#endif
