// As typed_values.c, with what C++ adds.
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {

void mark() { (void)!write(-1, "", 0); }

}  // namespace

namespace shapes {

enum class Kind : uint8_t { Round, Square = 200 };
enum Plain : long { kFew = -1, kMany = 1L << 40 };
struct Base {
  int id;
};
struct Empty {};
struct Circle : Base {
  float radius;
};
struct Counted {
  Counted() = default;
  Counted(const Counted& other) : n(other.n) {}
  ~Counted() { n = 0; }
  int n = 1;
};
struct Holder {
  Counted inner;
};
struct Copied {
  Copied() = default;
  Copied(const Copied& other) : n(other.n) {}
  int n = 1;
  static int total;
};
int Copied::total = 0;

class Shape {
 public:
  Shape(int n, const char* name) : name_(name), n_(n) { mark(); }
  virtual ~Shape() { mark(); }
  virtual double area(double factor) const { return mark(), factor * n_; }
  static int count(bool all) { return mark(), all ? 2 : 1; }
  int times(Kind kind, int Shape::*member) {
    return mark(), kind == Kind::Round ? 0 : this->*member;
  }
  const char* name_;
  int n_;
};

struct Side {
  virtual ~Side() = default;
  int side = 0;
};
struct Virtual : virtual Side {
  explicit Virtual(int n) {
    mark();
    side = n;
  }
};
struct Below : Virtual {
  Below() : Side(), Virtual(5) {}
};

Kind kinds(Kind a, Plain b) { return mark(), b == kMany ? Kind::Square : a; }
int references(const int& a, std::string&& b, Shape& c) {
  return mark(), a + static_cast<int>(b.size()) + c.n_;
}
Circle derived(Circle a) { return mark(), a; }
int empty(Empty, int b) { return mark(), b; }
Counted counted(Counted a, int b) {
  mark();
  a.n += b;
  return a;
}
int held(int a, Holder b, int c) { return mark(), a + b.inner.n + c; }
int copied(Copied a, int b) { return mark(), a.n + b; }
std::string strings(std::string a, int b) { return mark(), a + std::to_string(b); }
std::vector<int> vectors(int a, double b) {
  return mark(), std::vector<int>(static_cast<size_t>(a + b));
}
int nothing(decltype(nullptr) a, char8_t b, char16_t c, const char8_t* d) {
  return mark(), (a == nullptr) + b + c + d[0];
}
template <typename T>
T twice(T a) {
  return mark(), a + a;
}

}  // namespace shapes

int main() {
  using namespace shapes;
  int n = 3;
  Shape shape(4, "four");
  shape.area(2.5);
  Shape::count(true);
  shape.times(Kind::Square, &Shape::n_);
  kinds(Kind::Round, kMany);
  kinds(static_cast<Kind>(9), kFew);
  references(n, std::string("abc"), shape);
  Circle circle;
  circle.id = 6;
  circle.radius = 0.5f;
  derived(circle);
  empty({}, 8);
  counted({}, 9);
  held(1, {}, 2);
  copied({}, 10);
  strings("s", 11);
  vectors(1, 2.5);
  nothing(nullptr, u8'c', u'd', u8"eight");
  twice(1.25);
  twice<unsigned short>(65535 / 2);
  [](int a, char b) {
    mark();
    return a + b;
  }(12, 'l');
  Virtual whole(13);
  Below below;
}
