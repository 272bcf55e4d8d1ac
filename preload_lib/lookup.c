/*
 * lookup.c: finds the wrapped functions by hand in the link map, because calls come before libc
 * is able to run dlsym, and from inside the dynamic loader itself.
 *
 * Source: System V gABI (dynamic section), glibc's link.h, the GNU hash table as ld.so reads it.
 */
#include <elf.h>
#include <link.h>

#include "preload_lib/shim.h"

struct object {
  const ElfW(Sym) * symbols;
  const char *strings;
  const uint32_t *gnu_hash;
  const ElfW(Half) * versions;
  const ElfW(Verdef) * definitions;
  uint64_t definition_count;
  uint64_t base;
};

static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

static uint32_t gnu_hash(const char *name) {
  uint32_t hash = 5381;
  for (; *name; name++) hash = hash * 33 + (uint8_t)*name;
  return hash;
}

static int read_object(const struct link_map *map, struct object *object) {
  *object = (struct object){.base = map->l_addr};
  for (const ElfW(Dyn) *d = map->l_ld; d != NULL && d->d_tag != DT_NULL; d++) {
    /* glibc relocates these pointers in place, but for objects with a read-only dynamic section. */
    uint64_t pointer = d->d_un.d_ptr;
    if (pointer < map->l_addr) pointer += map->l_addr;
    switch (d->d_tag) {
      case DT_SYMTAB:
        object->symbols = (const ElfW(Sym) *)pointer;
        break;
      case DT_STRTAB:
        object->strings = (const char *)pointer;
        break;
      case DT_GNU_HASH:
        object->gnu_hash = (const uint32_t *)pointer;
        break;
      case DT_VERSYM:
        object->versions = (const ElfW(Half) *)pointer;
        break;
      case DT_VERDEF:
        object->definitions = (const ElfW(Verdef) *)pointer;
        break;
      case DT_VERDEFNUM:
        object->definition_count = d->d_un.d_val;
        break;
      default:
        break;
    }
  }
  return object->symbols && object->strings && object->gnu_hash;
}

/* Whether symbol number `i` has the wanted version; "" wants the default one. */
static int version_fits(const struct object *object, uint32_t i, const char *wanted) {
  enum { kHidden = 0x8000 };
  if (object->versions == NULL) return 1;
  uint16_t index = object->versions[i];
  if (*wanted == 0) return !(index & kHidden);
  const ElfW(Verdef) *definition = object->definitions;
  for (uint64_t n = 0; definition != NULL && n < object->definition_count; n++) {
    if (definition->vd_ndx == (index & ~kHidden)) {
      const ElfW(Verdaux) *name =
          (const ElfW(Verdaux) *)((const char *)definition + definition->vd_aux);
      return same(object->strings + name->vda_name, wanted);
    }
    definition = (const ElfW(Verdef) *)((const char *)definition + definition->vd_next);
  }
  return 0;
}

static const ElfW(Sym) *
    find_symbol(const struct object *object, const char *name, const char *version, uint32_t hash) {
  const uint32_t *table = object->gnu_hash;
  uint32_t buckets = table[0], first = table[1], bloom_size = table[2], shift = table[3];
  const uint64_t *bloom = (const uint64_t *)&table[4];
  const uint32_t *bucket = (const uint32_t *)&bloom[bloom_size];
  const uint32_t *chain = &bucket[buckets];
  if (buckets == 0) return NULL;
  uint64_t word = bloom[hash / 64 % bloom_size];
  if (!(word >> hash % 64 & word >> (hash >> shift) % 64 & 1)) return NULL;
  uint32_t i = bucket[hash % buckets];
  if (i < first) return NULL;
  for (;; i++) {
    uint32_t entry = chain[i - first];
    const ElfW(Sym) *symbol = &object->symbols[i];
    if ((entry | 1) == (hash | 1) && symbol->st_shndx != SHN_UNDEF &&
        same(object->strings + symbol->st_name, name) && version_fits(object, i, version))
      return symbol;
    if (entry & 1) return NULL;
  }
}

static uint64_t address_of(const struct object *object, const ElfW(Sym) * symbol) {
  uint64_t address = object->base + symbol->st_value;
  if (ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC) address = ((uint64_t(*)(void))address)();
  return address;
}

/* Looks in the objects behind the stub library, as RTLD_NEXT would from there. */
uint64_t wc_lookup(const char *name, const char *version) {
  uint32_t hash = gnu_hash(name);
  uint64_t stubs = (uint64_t)wc_stub_table();
  int behind = 0;
  for (const struct link_map *map = _r_debug.r_map; map != NULL; map = map->l_next) {
    struct object object;
    if (!read_object(map, &object)) continue;
    const ElfW(Sym) * symbol;
    if (!behind) {
      static const char table[] = WC_STUB_SYMBOL;
      symbol = find_symbol(&object, table, "", gnu_hash(table));
      behind = symbol != NULL && object.base + symbol->st_value == stubs;
      continue;
    }
    symbol = find_symbol(&object, name, version, hash);
    if (symbol != NULL) return address_of(&object, symbol);
  }
  return 0;
}

static void write_text(const char *text) {
  uint64_t size = 0;
  while (text[size]) size++;
  wc_sys3(1, 2, (long)text, (long)size);
}

uint64_t wc_resolve(struct wc_function *function) {
  const struct wc_stubs *stubs = wc_stub_table();
  const char *strings = (const char *)stubs->strings;
  uint64_t real = wc_lookup(strings + function->target, strings + function->version);
  if (real == 0) {
    /* Without us ld.so would have said so, and exited like this. */
    write_text("wc-preload: symbol lookup error: undefined symbol: ");
    write_text(strings + function->name);
    write_text("\n");
    wc_sys1(231, 127);
  }
  __atomic_store_n(&function->real, real, __ATOMIC_RELAXED);
  return real;
}
