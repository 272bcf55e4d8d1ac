"""Where Python code may stand: at each place the interpreter's own faulthandler prints its functions, by
write(2), and so does the tool for that very syscall. Standard output says which place it is; the file that
is the only argument gets what faulthandler printed."""
import asyncio
import atexit
import bisect
import codecs
import collections
import contextlib
import ctypes
import faulthandler
import functools
import gc
import os
import pickle
import re
import signal
import sqlite3
import sys
import threading
import unittest.mock
import weakref

OUTPUT = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)


def dump(place):
    os.write(OUTPUT, f"place {place}\n".encode())
    faulthandler.dump_traceback(OUTPUT, all_threads=False)
    return 0


def function():
    def inner(place):
        return dump(place)
    inner("function")


def recursion(depth=40):
    if depth == 0:
        return dump("recursion")
    return recursion(depth - 1)


class Thing:
    def __init__(self, place="initializer"):
        dump(place)

    @property
    def value(self):
        return dump("property")

    @staticmethod
    def static():
        dump("static method")

    def __enter__(self):
        dump("enter")

    def __exit__(self, *_):
        dump("exit")

    def __del__(self):
        if self.__class__ is Thing:
            dump("finalizer")

    def __eq__(self, other):
        dump("comparison")
        return True

    def __lt__(self, other):
        return dump("bisect") == 1


class Sub(Thing):
    dump("class body")

    def __init__(self):
        super().__init__("super")


def lines_of_one_call():
    dump(
        "call of several lines"
    ); (
        lambda:
            dump("lambda"))()


def generator():
    yield dump("generator")
    yield from (dump("generator expression") for _ in range(1))


def generators():
    list(generator())
    sum(x for x in generator())
    [dump("comprehension") for _ in range(1)]

    def receiver():
        got = yield
        dump(got)
        try:
            yield
        except ValueError:
            dump("thrown into")
        yield
    one = receiver()
    next(one)
    one.send("sent")
    one.throw(ValueError())


async def leaf(place):
    await asyncio.sleep(0)
    dump(place)


async def items():
    await asyncio.sleep(0)
    yield dump("async generator")


@contextlib.asynccontextmanager
async def manager():
    dump("async manager")
    yield


async def middle():
    await leaf("await")
    await asyncio.gather(leaf("task"), leaf("another task"))
    async for _ in items():
        pass
    async with manager():
        dump("inside of it")
    asyncio.get_running_loop().call_soon(dump, "loop callback")
    await asyncio.sleep(0)
    await asyncio.get_running_loop().run_in_executor(None, dump, "executor")


def exceptions():
    try:
        try:
            raise KeyError("x")
        except KeyError:
            dump("except")
            raise ValueError("y") from None
        finally:
            dump("finally")
    except ValueError as error:
        dump("outer except")
        error.with_traceback(None)
    with Thing(), contextlib.suppress(OSError):
        os.stat("/nowhere")
    with contextlib.ExitStack() as stack:
        stack.callback(dump, "exit stack")


def c_code():
    functools.reduce(lambda a, b: dump("reduce"), [1, 2])
    sorted([1], key=lambda one: dump("key"))
    list(map(lambda one: dump("map"), [1]))
    re.sub("a", lambda found: str(dump("substitution")), "a")
    bisect.bisect([Thing("made for bisect")], Thing("made for bisect"))
    Thing("made for comparison") == 1
    functools.lru_cache(lambda: dump("cache"))()
    functools.partial(dump, "partial")()
    collections.defaultdict(lambda: dump("missing"))[1]
    max([1, 2], key=functools.cmp_to_key(lambda a, b: dump("cmp")))


def callbacks():
    class Cycle:
        def __init__(self):
            self.self = self

        def __del__(self):
            dump("garbage")

        def __getattr__(self, name):
            return dump("attribute")

        def __reduce__(self):
            dump("pickling")
            return (dump, ("unpickling",))
    one = Cycle()
    one.other
    pickle.loads(pickle.dumps(one))
    reference = weakref.ref(one, lambda _: dump("weak reference"))
    del one
    gc.collect()
    database = sqlite3.connect(":memory:")
    database.create_function("f", 1, lambda _: dump("sqlite"))
    database.execute("select f(1)").fetchall()
    codecs.register_error("places", lambda error: (str(dump("codec")), error.end))
    b"\xff".decode("ascii", "places")
    return reference


def closed():
    def one():
        try:
            yield
        finally:
            dump("closed")
    running = one()
    next(running)
    running.close()


def ctypes_callbacks():
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    libc = ctypes.CDLL(None)
    numbers = (ctypes.c_int * 2)(2, 1)

    def order(_a, _b):
        if order.first:
            order.first = False
            functools.reduce(lambda a, b: dump("reduce in ctypes"), [1, 2])
        return dump("ctypes")
    order.first = True
    libc.qsort(numbers, 2, 4, compare(order))


def threads():
    def work(name):
        dump(name)
        recursion(5)
    several = [threading.Thread(target=work, args=(f"thread {i}",)) for i in range(3)]
    for one in several:
        one.start()
        one.join()
    timer = threading.Timer(0.01, dump, ("timer",))
    timer.start()
    timer.join()


def signals():
    signal.signal(signal.SIGUSR1, lambda *_: dump("signal"))
    os.kill(os.getpid(), signal.SIGUSR1)


def names():
    scope = {"dump": dump}
    exec(compile("def caf\u00e9():\n\n  dump('latin')\ncaf\u00e9()", "<string>", "exec"), scope)
    exec(compile("def \u65e5\u672c():\n  dump('wide')\n\u65e5\u672c()", "/tmp/\u65e5.py", "exec"), scope)
    exec(compile("def \U00020000():\n  dump('widest')\n\U00020000()", "/tmp/\U0001f600.py", "exec"), scope)
    exec(compile("\n" * 70000 + "dump('far down')", "far.py", "exec"), scope)
    exec("eval('dump(\"eval\")')", scope)


def traced():
    sys.settrace(lambda *_: None)
    dump("under settrace")
    sys.settrace(None)
    sys.setprofile(lambda *_: None)
    dump("under setprofile")
    sys.setprofile(None)


def fork():
    child = os.fork()
    if child == 0:
        dump("child")
        os._exit(0)
    os.waitpid(child, 0)


def mocked():
    with unittest.mock.patch("os.getcwd", lambda: dump("mock")):
        os.getcwd()


for run in (function, recursion, Thing, Thing.static, Sub, lines_of_one_call, generators, exceptions, c_code,
            callbacks, closed, ctypes_callbacks, threads, signals, names, traced, mocked):
    run()
Thing("made for a property").value
asyncio.run(middle())
fork()
atexit.register(dump, "at exit")
