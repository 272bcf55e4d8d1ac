// Functions that take and return a value of each kind that C has: what is shown of them is in
// test_breakpoints.py. Each makes one system call.
#include <complex.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

enum colour { RED, GREEN = 7, BLUE = -2 };
enum level { LOW = 1u, HIGH = 200u };
typedef enum { OFF, ON } Switch;
typedef const char* const Text;
struct point {
  int x, y;
};
struct mixed {
  double weight;
  long count;
};
struct pair {
  float a, b;
};
struct large {
  long a, b, c;
};
struct tail {
  char name[6];
  short n;
};
struct bits {
  unsigned low : 3;
  int high : 5;
  enum colour c : 8;
};
struct packed {
  char c;
  int i;
} __attribute__((packed));
union either {
  int i;
  float f;
};
struct node {
  struct node* next;
  int n;
};
typedef struct {
  long double x;
} Extended;
typedef float vector4 __attribute__((vector_size(16)));

void mark(void) { (void)!write(-1, "", 0); }

int integers(signed char a, unsigned char b, short c, unsigned short d, int e, unsigned f) {
  return mark(), a + b + c + d + e + (int)f;
}
unsigned long longs(long a, unsigned long b, long long c, unsigned long long d) {
  return mark(), (unsigned long)a + b + (unsigned long)c + d;
}
int64_t fixed(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f) {
  return mark(), a + b + c + d + (int64_t)e + f;
}
size_t on_the_stack(int a, int b, int c, int d, int e, int f, short g, char h, double i, float j) {
  return mark(), (size_t)(a + b + c + d + e + f + g + h + (int)i + (int)j);
}
double many_doubles(double a, float b, double c, double d, double e, double f, double g, double h,
                    double i, float j) {
  return mark(), a + b + c + d + e + f + g + h + i + j;
}
float single(float a) { return mark(), a * 2; }
long double extended(int a, long double b, double c) { return mark(), b + a + c; }
char character(char a, char b, char c) { return mark(), a < b ? c : a; }
bool boolean(bool a, bool b) { return mark(), a && b; }
const char* text(const char* a, char* b, Text c, const char* none) {
  mark();
  return none == NULL ? a : b == NULL ? c : b;
}
char* long_text(char* a) { return a[0] = '!', mark(), a; }
wchar_t* wide(const wchar_t* a) { return mark(), (wchar_t*)a; }
void* pointers(void* a, int* b, int (*c)(void), struct node* d, char** e, unsigned char* f) {
  mark();
  return a == NULL ? NULL : b != NULL && c != NULL && d != NULL && e != NULL ? f : a;
}
enum colour enumeration(enum colour a, enum level b, Switch c, enum colour unknown) {
  return mark(), b == HIGH && c == ON && unknown != a ? BLUE : a;
}
struct point small(struct point a, struct pair b) {
  return mark(), (struct point){a.y, a.x + (int)b.a};
}
struct mixed two_classes(struct mixed a, int b) {
  return mark(), (struct mixed){a.weight, a.count + b};
}
struct large in_memory(int a, struct large b, int c) {
  return mark(), (struct large){a, b.b, c};
}
struct tail arrays(struct tail a) {
  return mark(), a;
}
int bit_fields(struct bits a) { return mark(), a.high; }
int unaligned(struct packed a, int b) { return mark(), a.i + b; }
union either unions(union either a) {
  return mark(), a;
}
// Five words are taken: a struct of two does not fit, and the next int still does.
long does_not_fit(int a, int b, int c, int d, int e, struct mixed m, struct node two, int last) {
  return mark(), a + b + c + d + e + (long)m.weight + two.n + last;
}
Extended returns_extended(Extended a) { return mark(), a; }
double complex complexes(float complex a, double complex b) { return mark(), a + b; }
__int128 wides(__int128 a, unsigned __int128 b, int c) { return mark(), a + (__int128)b + c; }
vector4 vectors(vector4 a, double b) { return mark(), a * (float)b; }
int variadic(int n, const char* format, ...) {
  va_list list;
  va_start(list, format);
  int sum = n + va_arg(list, int);
  va_end(list);
  return mark(), sum;
}
int old_style(a, b)
int a;
char* b;
{ return mark(), a + b[0]; }
void nothing(void) { mark(); }
int scalar_pair(volatile int a, const long b, register int c) { return mark(), a + (int)b + c; }

static int callback(void) { return 0; }

int main(void) {
  char buffer[64];
  memset(buffer, 'z', sizeof buffer);
  buffer[63] = 0;
  static struct node node = {&node, 4};
  int volatile one = 1;
  integers(-1, 255, -2, 65535, -3, 4294967295u);
  longs(-4, 18446744073709551615ul, -5, 6);
  fixed(-8, 200, -16, 60000, -32, 4000000000u);
  on_the_stack(1, 2, 3, 4, 5, 6, -7, 'h', 2.5, 0.5f);
  many_doubles(0.1, 0.2f, 3, 4, 5, 6, 7, 8, 9.5, -10.25f);
  single(1.5f);
  extended(1, 2.5L, 0.5);
  character('a', '\n', -1);
  boolean(true, false);
  boolean(one, one);
  text("a\tb", buffer + 60, "c", NULL);
  long_text(buffer);
  wide(L"w\u00e9");
  pointers(NULL, NULL, NULL, NULL, NULL, NULL);
  pointers((void*)0x10, (int*)0x20, (int (*)(void))0x30, (struct node*)0x40, (char**)0x50,
           (unsigned char*)0x60);
  enumeration(GREEN, HIGH, ON, (enum colour)99);
  small((struct point){1, -2}, (struct pair){1.5f, 2.5f});
  two_classes((struct mixed){0.25, 3}, 4);
  in_memory(1, (struct large){2, 3, 4}, 5);
  arrays((struct tail){"tail", 9});
  bit_fields((struct bits){5, -3, BLUE});
  unaligned((struct packed){'p', 6}, 7);
  unions((union either){.i = 3});
  does_not_fit(1, 2, 3, 4, 5, (struct mixed){1.5, 6}, node, 7);
  returns_extended((Extended){1.25L});
  complexes(1 + 2 * I, 3 - 4 * I);
  wides(-1, (unsigned __int128)1 << 100, 3);
  vectors((vector4){1, 2, 3, 4}, 2);
  variadic(1, "%d\n", 2);
  old_style(1, "o");
  nothing();
  scalar_pair(1, 2, 3);
  return callback();
}
