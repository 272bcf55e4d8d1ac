"""Arguments and results of the program's own functions, by its debug information."""
import os
import re

import harness
from harness import Case, need, program

PROGRAMS = os.path.join(harness.HERE, "programs")
WORD = r"0x[0-9a-f]+"

# What main in typed_values.c calls, in its order; `@` is any address.
VALUES = r'''
integers(-1, 255, -2, 65535, -3, 4294967295) = 65783
longs(-4, 18446744073709551615, -5, 6) = 18446744073709551612
fixed(-8, 200, -16, 60000, -32, 4000000000) = 4000060144
on_the_stack(1, 2, 3, 4, 5, 6, -7, 'h', 2.5, 0.5) = 120
many_doubles(0.1, 0.2, 3, 4, 5, 6, 7, 8, 9.5, -10.25) = 32.550000002980234
single(1.5) = 3
extended(1, 2.5, 0.5) = 4
character('a', '\n', '\377') = 'a'
boolean(true, false) = false
boolean(true, true) = true
text("a\tb", "zzz", "c", NULL) = "a\tb"
long_text("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"...) = "!zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"...
wide(L"w\303\251") = L"w\303\251"
pointers(NULL, NULL, NULL, NULL, NULL, NULL) = NULL
pointers(0x10, 0x20, 0x30, 0x40, 0x50, 0x60) = 0x60
enumeration(GREEN, HIGH, ON, 99) = BLUE
small({x=1, y=-2}, {a=1.5, b=2.5}) = {x=-2, y=2}
two_classes({weight=0.25, count=3}, 4) = {weight=0.25, count=7}
in_memory(1, @, 5) = @
arrays({name="tail", n=9}) = {name="tail", n=9}
bit_fields({low=5, high=-3, c=BLUE}) = -3
unaligned(@, 7) = 13
unions({i=3, f=4e-45}) = {i=3, f=4e-45}
does_not_fit(1, 2, 3, 4, 5, {weight=1.5, count=6}, @, 7) = 27
returns_extended(@) = {x=1.25}
complexes({1, 2}, {3, -4}) = {4, -2}
wides(-1, 1267650600228229401496703205376, 3) = 1267650600228229401496703205378
vectors({1, 2, 3, 4}, 2) = {2, 4, 6, 8}
variadic(1, "%d\n", ...) = 3
old_style(1, "o") = 112
nothing() = <void>
scalar_pair(1, 2, 3) = 6
'''

OBJECTS = r'''
shapes::Shape::Shape(@, 4, "four") = <void>
shapes::Shape::area(@, 2.5) = 10
shapes::Shape::count(true) = 2
shapes::Shape::times(@, Square, 16) = 4
shapes::kinds(Round, kMany) = Square
shapes::kinds(9, kFew) = 9
shapes::references(@, @, @) = 10
shapes::derived({{id=6}, radius=0.5}) = {{id=6}, radius=0.5}
shapes::empty({}, 8) = 8
shapes::counted(@, 9) = @
shapes::held(1, @, 2) = 4
shapes::copied(@, 10) = 11
shapes::strings(@, 11) = @
shapes::vectors(1, 2.5) = @
shapes::nothing(NULL, 'c', 'd', "eight") = 301
shapes::twice<double>(1.25) = 2.5
shapes::twice<unsigned short>(32767) = 65534
main::{lambda(int, char)#1}::operator()(@, 12, 'l') = 120
shapes::Virtual::Virtual(@, 13) = <void>
shapes::Below::Below(@) = <void>
shapes::Virtual::Virtual(@, @, 5) = <void>
shapes::Shape::~Shape(@) = <void>
'''


def wanted(text):
    return [line for line in text.splitlines() if line]


def fits(line, expected):
    return re.fullmatch(re.escape(expected).replace("@", WORD), line) is not None


class TypedValues(Case):
    def calls(self, binary, functions, *options):
        trace = self.path("trace.txt")
        native = self.run_plain([binary])
        result = self.run_tool([binary], "-B", functions, "-o", trace, *options)
        self.assertEqual((result.status, result.out), (native.status, native.out), result)
        with open(trace, encoding="latin-1") as file:
            lines = file.read().splitlines()
        calls = [line.strip() for line in lines if not re.match(r" *write\(|\+\+\+", line)]
        return [re.sub(r"  +<\S.*\+0x[0-9a-f]+ (at|in) .*>$", "", line) for line in calls]

    def check(self, lines, expected):
        for line, one in zip(lines, wanted(expected)):
            self.assertTrue(fits(line, one), f"{line!r} is not {one!r}")
        self.assertEqual(len(lines), len(wanted(expected)), lines)

    def compiled(self, name, *flags):
        path = self.path(name.replace(".", "_"))
        compiler = "g++" if name.endswith("cpp") else "gcc"
        made = self.run_plain([compiler, "-w", "-fno-builtin", "-o", path, os.path.join(PROGRAMS, name), *flags],
                              limit=60)
        self.assertEqual(made.status, 0, made)
        return path

    C_FUNCTIONS = "typed_values.c:*,!main,!mark,!callback"

    def test_every_kind_of_c(self):
        self.check(self.calls(program("typed_values"), self.C_FUNCTIONS), VALUES)

    def test_what_cpp_adds(self):
        self.check(self.calls(program("typed_objects"), "shapes::*,main::*"), OBJECTS)

    def test_forms_of_debug_information(self):
        for flags in (["-gdwarf-4"], ["-gdwarf-5", "-gz"], ["-g", "-fdebug-types-section"], ["-g", "-static"]):
            with self.subTest(flags):
                binary = self.compiled("typed_values.c", *flags)
                self.check(self.calls(binary, self.C_FUNCTIONS), VALUES)

    def test_separate_debug_file(self):
        binary = self.compiled("typed_values.c", "-g")
        self.run_plain(["objcopy", "--only-keep-debug", binary, binary + ".debug"])
        self.run_plain(["objcopy", "--strip-all", "--add-gnu-debuglink=" + binary + ".debug", binary])
        self.check(self.calls(binary, self.C_FUNCTIONS), VALUES)

    def test_optimised(self):
        """Functions that the compiler has changed are told apart from those that it has kept."""
        source = self.write("clones.c", "#include <unistd.h>\n"
                            "__attribute__((noinline)) static int kept(int a, int b, const char *c) {\n"
                            "  (void)!write(-1, c, 0); return a + b; }\n"
                            "__attribute__((noipa)) int whole(int a, const char *b) { (void)!write(-1, b, 0); return a; }\n"
                            "int main(int n, char **v) { return kept(n, 5, v[0]) - kept(n + 1, 5, v[0]) + 1 - "
                            "whole(n, \"s\") + n; }\n")
        path = self.path("clones")
        self.assertEqual(self.run_plain(["gcc", "-g", "-O2", "-o", path, source]).status, 0)
        lines = self.calls(path, "clones.c:*,!main")
        self.assertEqual(len(lines), 3, lines)
        self.assertEqual(lines[2], 'whole(1, "s") = 1')
        # By the name of the clone, constants that were taken out of its parameters are not missed.
        self.assertTrue(fits(lines[0], "kept(1, 5, \"%s\") = 6" % path[:32]) or lines[0].count(", ") == 5, lines)

    @need("clang")
    def test_dropped_by_clang(self):
        """Without a clone, and without a word: by where the debug information has what is left."""
        source = self.write("drops.c", "#include <unistd.h>\n"
                            "__attribute__((noinline)) static int first(int no, int a, const char *s) {\n"
                            "  (void)!write(-1, s, 0); return a * 3; }\n"
                            "__attribute__((noinline)) static int last(int a, const char *s, int no) {\n"
                            "  (void)!write(-1, s, 0); return a * 5; }\n"
                            "__attribute__((noinline)) int kept(int a, const char *s) {\n"
                            "  (void)!write(-1, s, 0); return a * 7; }\n"
                            "int main(int n, char **v) { return (first(7, n, v[0]) + last(n, \"s\", 8) + "
                            "last(n, \"t\", 9) + kept(n, \"k\")) & 1; }\n")
        path = self.path("drops")
        self.assertEqual(self.run_plain(["clang", "-g", "-O2", "-o", path, source], limit=60).status, 0)
        lines = self.calls(path, "drops.c:*,!main")
        self.assertRegex(lines[0], rf"^first\((0|{WORD})(, (0|{WORD})){{5}}\) = 0x3$")
        self.assertEqual(lines[1:], ['last(1, "s", ?) = 5', 'last(1, "t", ?) = 5', 'kept(1, "k") = 7'])

    @need("rustc")
    def test_rust(self):
        """Single values; a function that takes one of several parts has words."""
        source = self.write("values.rs", "use std::io::Write;\nfn mark() { let _ = std::io::stdout().write(b\"m\"); "
                            "let _ = std::io::stdout().flush(); }\n"
                            "enum Kind { Round = 1, Square = 200 }\n"
                            "#[inline(never)] fn scalars(a: i32, b: u8, c: f64, d: bool, e: char, f: f32, g: *const i32, "
                            "h: Kind) -> f64 { mark(); a as f64 + b as f64 + c + f as f64 + e as u32 as f64 + "
                            "d as u8 as f64 + g.is_null() as u8 as f64 + h as u8 as f64 }\n"
                            "#[inline(never)] fn parts(a: &str, n: usize) -> usize { mark(); a.len() + n }\n"
                            "fn main() { scalars(-1, 200, 2.5, true, 'x', 0.5, std::ptr::null(), Kind::Square);\n"
                            "  let _ = Kind::Round; parts(\"abc\", 4); }\n")
        path = self.path("values")
        users = dict(self.env, HOME=os.environ.get("HOME", ""))  # where rustup keeps its compilers
        made = self.run_plain(["rustc", "-g", "-o", path, source], limit=60, env=users)
        self.assertEqual(made.status, 0, made)
        lines = self.calls(path, "values::scalars,values::parts")
        self.assertEqual(lines[0], "values::scalars(-1, 200, 2.5, true, 'x', 0.5, NULL, Square) = 524")
        self.assertRegex(lines[1], rf"parts\({WORD}, 0x3, 0x4(, (0|{WORD})){{3}}\) = 0x7$")

    def test_without_debug_information_words(self):
        binary = self.compiled("typed_values.c")
        line = self.calls(binary, "integers")[0]
        self.assertRegex(line, rf"^integers\((0|{WORD})(, (0|{WORD})){{5}}\) = {WORD}$")

    def test_json(self):
        binary = program("typed_values")
        _, events = self.events([binary], "-B", "many_doubles,text,boolean,enumeration,pointers,nothing,small,longs")
        calls = {e["call"]: e["function"] for e in events if e["type"] == "call"}
        args = [(e["function"], e["args"]) for e in events if e["type"] == "call"]
        rets = [(calls[e["call"]], e.get("ret")) for e in events if e["type"] == "return"]
        self.assertIn(("longs", [-4, 18446744073709551615, -5, 6]), args)
        self.assertIn(("boolean", [1, 0]), args)
        self.assertIn(("many_doubles", [0.1, 0.20000000298023224, 3, 4, 5, 6, 7, 8, 9.5, -10.25]), args)
        self.assertIn(("text", ["a\tb", "zzz", "c", "0x0"]), args)
        self.assertIn(("enumeration", [7, 200, 1, 99]), args)
        self.assertIn(("pointers", ["0x10", "0x20", "0x30", "0x40", "0x50", "0x60"]), args)
        self.assertIn(("small", ["{x=1, y=-2}", "{a=1.5, b=2.5}"]), args)
        self.assertIn(("enumeration", -2), rets)
        self.assertIn(("text", "a\tb"), rets)
        self.assertIn(("nothing", None), rets)

    @need("gdb")
    def test_as_gdb_has_it(self):
        """The same integers and floats, read by somebody else."""
        binary = self.compiled("typed_values.c", "-g")
        names = ["integers", "longs", "fixed", "on_the_stack", "many_doubles"]
        commands = [word for name in names for word in ("-ex", "break " + name)]
        commands += ["-ex", "run"] + [word for _ in names for word in ("-ex", "info args", "-ex", "continue")]
        told = self.run_plain(["gdb", "-q", "-batch", "-nx", *commands, binary], limit=60).out.decode()
        values = [float(one) for one in re.findall(r"(?m)^\w+ = (-?[\d.]+)", told)]
        own = [re.sub(r"'(.)'", lambda m: str(ord(m[1])), line) for line in self.calls(binary, ",".join(names))]
        ours = [float(one) for line in own for one in re.search(r"\((.*)\)", line)[1].split(", ")]
        self.assertEqual(len(values), len(ours), told)
        for one, other in zip(values, ours):
            self.assertAlmostEqual(one, other, places=6)


if __name__ == "__main__":
    harness.main()
