/*
 * code_layout.h: numbers that assembly and C++ share: distances in the shim's frames, in thunks and
 * in the page that keeps orphaned processes alive. For the assembler, numbers only; who lays out
 * the thing asserts them (preload_lib/frame.h, patch/site_thunk.cpp, breakpoints/orphan_home.cpp).
 */
#ifndef WC_PROTOCOL_CODE_LAYOUT_H
#define WC_PROTOCOL_CODE_LAYOUT_H

/* wc_entry_va: from the scope's stack pointer down to the eight vector registers that it has saved.
 */
#define WC_VECTORS_BELOW 280

/* A thunk of a patched site: where it continues inside of scopes, where it calls the shim, where
 * that returns to (the stack pointer is moved in between), and the word with its way back. */
#define WC_THUNK_SIZE 128
#define WC_THUNK_IN_SCOPE 64
#define WC_THUNK_CALL 69
#define WC_THUNK_CALLED 82
#define WC_THUNK_BACK 120

/* The orphans' page: offset of the registers of a thread in whose name a system call is made, how
 * many words they are, and the table behind the page with the size of its head and of an entry. */
#define WC_ORPHAN_REGISTERS 2048
#define WC_ORPHAN_REGISTER_WORDS 18
#define WC_ORPHAN_TABLE 4096
#define WC_ORPHAN_TABLE_HEAD 16
#define WC_ORPHAN_ENTRY 16

#endif
