/* MANY(X): X(many_0000) to X(many_9999). */
#define MANY_1(X, n) X(n##0) X(n##1) X(n##2) X(n##3) X(n##4) X(n##5) X(n##6) X(n##7) X(n##8) X(n##9)
#define MANY_2(X, n)                                                                              \
  MANY_1(X, n##0)                                                                                 \
  MANY_1(X, n##1) MANY_1(X, n##2) MANY_1(X, n##3) MANY_1(X, n##4) MANY_1(X, n##5) MANY_1(X, n##6) \
      MANY_1(X, n##7) MANY_1(X, n##8) MANY_1(X, n##9)
#define MANY_3(X, n)                                                                              \
  MANY_2(X, n##0)                                                                                 \
  MANY_2(X, n##1) MANY_2(X, n##2) MANY_2(X, n##3) MANY_2(X, n##4) MANY_2(X, n##5) MANY_2(X, n##6) \
      MANY_2(X, n##7) MANY_2(X, n##8) MANY_2(X, n##9)
#define MANY(X)                                                                             \
  MANY_3(X, many_0)                                                                         \
  MANY_3(X, many_1) MANY_3(X, many_2) MANY_3(X, many_3) MANY_3(X, many_4) MANY_3(X, many_5) \
      MANY_3(X, many_6) MANY_3(X, many_7) MANY_3(X, many_8) MANY_3(X, many_9)
