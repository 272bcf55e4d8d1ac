/*
 * lookup.c: finds the wrapped functions by hand in the link map, because calls come before libc
 * is able to run dlsym, and from inside the dynamic loader itself.
 *
 * The link map may change at any moment: another thread's dlclose frees its entries, and unmaps the
 * tables that they point to. What was there when the program began is never unloaded and stands in
 * front, so this part is walked without a lock, and never beyond. What dlopen brings is looked at
 * through dl_iterate_phdr(3) only, which holds the loader's lock meanwhile.
 *
 * A symbol fits as ld.so has it (do_lookup_x and check_match in glibc's elf/dl-lookup.c).
 *
 * Source: System V gABI (dynamic section, hash table), glibc's link.h, the GNU hash table as ld.so
 * reads it.
 */
#define _GNU_SOURCE /* dl_phdr_info */
#include <elf.h>
#include <link.h>

#include "preload_lib/shim.h"

struct object {
  const ElfW(Sym) * symbols;
  const char *strings;
  const uint32_t *gnu_hash;
  const uint32_t *hash;
  const ElfW(Half) * versions;
  const ElfW(Verdef) * definitions;
  uint64_t definition_count;
  uint64_t base;
};

/* Any: what has another version than was asked for is better than none. */
enum rule { WC_AS_LD_SO, WC_ANY };

struct wanted {
  const char *name;
  const char *version; /* "": the newest, as dlsym(3) has it */
  uint32_t gnu_hash;
  enum rule rule;
};

/* As of the constructor; NULL before, when the program has one thread and no dlopen has been. */
static const struct link_map *last_at_start;
/* The vDSO is an entry of the link map, but a program may unmap it. */
static uint64_t vdso;

static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

static uint32_t gnu_hash(const char *name) {
  uint32_t hash = 5381;
  for (; *name; name++) hash = hash * 33 + (uint8_t)*name;
  return hash;
}

static uint32_t sysv_hash(const char *name) {
  uint32_t hash = 0;
  for (; *name; name++) {
    hash = (hash << 4) + (uint8_t)*name;
    hash = (hash ^ (hash & 0xf0000000) >> 24) & 0x0fffffff;
  }
  return hash;
}

static struct wanted wanted_of(const char *name, const char *version) {
  return (struct wanted){name, version, gnu_hash(name), WC_AS_LD_SO};
}

static int is_vdso(uint64_t address) {
  enum { kMostOfVdso = 1 << 16 };
  return vdso != 0 && address - vdso < kMostOfVdso;
}

static int read_object(uint64_t base, const ElfW(Dyn) * dynamic, struct object *object) {
  *object = (struct object){.base = base};
  if (is_vdso((uint64_t)dynamic)) return 0;
  for (const ElfW(Dyn) *d = dynamic; d != NULL && d->d_tag != DT_NULL; d++) {
    /* glibc relocates these pointers in place, but for objects with a read-only dynamic section. */
    uint64_t pointer = d->d_un.d_ptr;
    if (pointer < base) pointer += base;
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
      case DT_HASH:
        object->hash = (const uint32_t *)pointer;
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
  return object->symbols && object->strings && (object->gnu_hash || object->hash);
}

/* NULL: the object itself, which is no version. */
static const char *version_name(const struct object *object, uint16_t index) {
  const ElfW(Verdef) *definition = object->definitions;
  for (uint64_t n = 0; definition != NULL && n < object->definition_count; n++) {
    if (definition->vd_ndx == index && !(definition->vd_flags & VER_FLG_BASE)) {
      const ElfW(Verdaux) *name =
          (const ElfW(Verdaux) *)((const char *)definition + definition->vd_aux);
      return object->strings + name->vda_name;
    }
    definition = (const ElfW(Verdef) *)((const char *)definition + definition->vd_next);
  }
  return NULL;
}

static int version_fits(const struct object *object, uint32_t i, const struct wanted *wanted) {
  enum { kHidden = 0x8000, kFirstVersion = 2 };
  if (object->versions == NULL || wanted->rule == WC_ANY) return 1;
  uint16_t index = object->versions[i] & (kHidden - 1);
  int is_hidden = object->versions[i] & kHidden;
  if (*wanted->version == 0) return index < kFirstVersion || !is_hidden;
  const char *name = version_name(object, index);
  return name != NULL ? same(name, wanted->version) : !is_hidden;
}

static int symbol_fits(const struct object *object, uint32_t i, const struct wanted *wanted) {
  const ElfW(Sym) *symbol = &object->symbols[i];
  unsigned binding = ELF64_ST_BIND(symbol->st_info), type = ELF64_ST_TYPE(symbol->st_info);
  unsigned visibility = ELF64_ST_VISIBILITY(symbol->st_other);
  return symbol->st_shndx != SHN_UNDEF && binding != STB_LOCAL && type != STT_TLS &&
         visibility != STV_HIDDEN && visibility != STV_INTERNAL &&
         same(object->strings + symbol->st_name, wanted->name) && version_fits(object, i, wanted);
}

static const ElfW(Sym) *
    find_by_gnu_hash(const struct object *object, const struct wanted *wanted) {
  const uint32_t *table = object->gnu_hash;
  uint32_t hash = wanted->gnu_hash;
  uint32_t buckets = table[0], first = table[1], bloom_size = table[2], shift = table[3];
  const uint64_t *bloom = (const uint64_t *)&table[4];
  const uint32_t *bucket = (const uint32_t *)&bloom[bloom_size];
  const uint32_t *chain = &bucket[buckets];
  if (buckets == 0 || bloom_size == 0) return NULL;
  uint64_t word = bloom[hash / 64 % bloom_size];
  if (!(word >> hash % 64 & word >> (hash >> shift) % 64 & 1)) return NULL;
  uint32_t i = bucket[hash % buckets];
  if (i < first) return NULL;
  for (;; i++) {
    uint32_t entry = chain[i - first];
    if ((entry | 1) == (hash | 1) && symbol_fits(object, i, wanted)) return &object->symbols[i];
    if (entry & 1) return NULL;
  }
}

static const ElfW(Sym) *
    find_by_sysv_hash(const struct object *object, const struct wanted *wanted) {
  uint32_t buckets = object->hash[0], count = object->hash[1];
  const uint32_t *bucket = &object->hash[2], *chain = &bucket[buckets];
  if (buckets == 0) return NULL;
  uint32_t i = bucket[sysv_hash(wanted->name) % buckets];
  for (uint32_t n = 0; i != 0 && i < count && n < count; n++, i = chain[i])
    if (symbol_fits(object, i, wanted)) return &object->symbols[i];
  return NULL;
}

static const ElfW(Sym) * find_symbol(const struct object *object, const struct wanted *wanted) {
  return object->gnu_hash != NULL ? find_by_gnu_hash(object, wanted)
                                  : find_by_sysv_hash(object, wanted);
}

static uint64_t address_of(const struct object *object, const ElfW(Sym) * symbol) {
  uint64_t address = object->base + symbol->st_value;
  if (ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC) address = wc_call_aligned(address, 0, 0);
  return address;
}

static int is_stub_library(const struct object *object) {
  static const char table[] = WC_STUB_SYMBOL;
  struct wanted wanted = wanted_of(table, "");
  const ElfW(Sym) *symbol = find_symbol(object, &wanted);
  return symbol != NULL && object->base + symbol->st_value == (uint64_t)wc_stub_table();
}

/* Looks in the objects behind the stub library, as RTLD_NEXT would from there. */
static uint64_t look_at_start(const struct wanted *wanted) {
  int behind = 0;
  for (const struct link_map *map = _r_debug.r_map; map != NULL; map = map->l_next) {
    struct object object;
    if (read_object(map->l_addr, map->l_ld, &object)) {
      const ElfW(Sym) *symbol = behind ? find_symbol(&object, wanted) : NULL;
      if (symbol != NULL) return address_of(&object, symbol);
      behind = behind || is_stub_library(&object);
    }
    if (map == last_at_start) return 0;
  }
  return 0;
}

struct search {
  struct wanted wanted;
  int behind;
  uint64_t found;
};

/* Called by dl_iterate_phdr for each object until it returns something else than 0. */
static int look_at_loaded(struct dl_phdr_info *info, size_t size, void *argument) {
  (void)size;
  struct search *search = argument;
  struct object object;
  if (is_vdso((uint64_t)info->dlpi_phdr)) return 0;
  const ElfW(Dyn) *dynamic = NULL;
  for (unsigned i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
      dynamic = (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
  if (!read_object(info->dlpi_addr, dynamic, &object)) return 0;
  const ElfW(Sym) *symbol = search->behind ? find_symbol(&object, &search->wanted) : NULL;
  if (symbol != NULL) search->found = address_of(&object, symbol);
  search->behind = search->behind || is_stub_library(&object);
  return search->found != 0;
}

static uint64_t look_everywhere(const struct wanted *wanted) {
  static uint64_t iterate_objects;
  if (last_at_start == NULL) return 0; /* libc is not ready, and there is nothing more */
  if (iterate_objects == 0) iterate_objects = wc_lookup("dl_iterate_phdr", "");
  if (iterate_objects == 0) return 0;
  struct search search = {*wanted, 0, 0};
  (void)wc_call_aligned(iterate_objects, (uint64_t)&look_at_loaded, (uint64_t)&search);
  return search.found;
}

void wc_note_start(char **environment) {
  while (*environment != NULL) environment++;
  const ElfW(auxv_t) *one = (const ElfW(auxv_t) *)(environment + 1);
  for (; one->a_type != AT_NULL; one++)
    if (one->a_type == AT_SYSINFO_EHDR) vdso = one->a_un.a_val;
  const struct link_map *map = _r_debug.r_map;
  while (map != NULL && map->l_next != NULL) map = map->l_next;
  last_at_start = map;
}

uint64_t wc_lookup(const char *name, const char *version) {
  struct wanted wanted = wanted_of(name, version);
  return look_at_start(&wanted);
}

static void write_text(const char *text) {
  uint64_t size = 0;
  while (text[size]) size++;
  wc_sys3(1, 2, (long)text, (long)size);
}

uint64_t wc_resolve(struct wc_function *function) {
  const struct wc_stubs *stubs = wc_stub_table();
  const char *strings = (const char *)stubs->strings;
  struct wanted wanted = wanted_of(strings + function->target, strings + function->version);
  uint64_t real = look_at_start(&wanted);
  if (real == 0) real = look_everywhere(&wanted);
  wanted.rule = WC_ANY;
  if (real == 0) real = look_at_start(&wanted);
  if (real == 0) real = look_everywhere(&wanted);
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

/* A library's own handle leads past the stubs: calls by such a pointer would not be seen, and it
 * would differ from the function's address elsewhere. Where it is found after it was loaded again,
 * it stands elsewhere. */
uint64_t wc_stub_of(const char *name, uint64_t found) {
  const struct wc_stubs *stubs = wc_stub_table();
  if (stubs == NULL) return found;
  struct wc_function *functions = (struct wc_function *)stubs->functions;
  const char *strings = (const char *)stubs->strings;
  for (uint32_t i = 0; i < stubs->count; i++) {
    if (!same(strings + functions[i].name, name)) continue;
    struct wanted wanted = wanted_of(name, strings + functions[i].version);
    uint64_t real = look_at_start(&wanted);
    if (real == 0) real = look_everywhere(&wanted);
    if (real != found) continue;
    int is_itself = functions[i].target == functions[i].name;
    if (is_itself) __atomic_store_n(&functions[i].real, real, __ATOMIC_RELAXED);
    return stubs->text + (uint64_t)WC_STUB_SIZE * i;
  }
  return found;
}

/* wc_entry_late: ld.so binds a reference to a function that no library had at the start. Looked for
 * each time, because a library that was loaded again stands elsewhere. */
__attribute__((visibility("hidden"))) uint64_t wc_resolve_late(struct wc_function *function) {
  const struct wc_stubs *stubs = wc_stub_table();
  if (stubs == NULL) return 0;
  const char *strings = (const char *)stubs->strings;
  struct wanted wanted = wanted_of(strings + function->target, strings + function->version);
  uint64_t real = look_everywhere(&wanted);
  __atomic_store_n(&function->real, real, __ATOMIC_RELAXED);
  return real == 0 ? 0 : stubs->text + (uint64_t)WC_STUB_SIZE * function->index;
}
