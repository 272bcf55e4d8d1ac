"""How functions are named to -B, and how their names are shown, in every language. The programs are
in C with the symbols that other compilers make, so that no other compiler is needed."""
import re
import subprocess

import harness
from harness import Case, need

# What the author wrote, the symbol, and other ways of naming it.
FUNCTIONS = {
    "r::parse": ("_ZN1r5parse17h086b0cfd890a8ea9E", ["parse", "r::parse::h086b0cfd890a8ea9"]),
    "<r::Foo<T> as r::Sp>::speak": ("_ZN41_$LT$r..Foo$LT$T$GT$$u20$as$u20$r..Sp$GT$5speak17hbb3e8c69524b37b5E",
                                    ["r::Foo::speak", "Sp::speak"]),
    "rust_names::work": ("_RNvCsbt0fQicOZbh_10rust_names4work", ["work"]),
    "<rust_names::Foo<u32> as rust_names::Sp>::tell": (
        "_RNvXCsbt0fQicOZbh_10rust_namesINtB2_3FoomENtB2_2Sp4tellB2_", ["rust_names::Foo::tell", "Sp::tell"]),
    "m::step": ("__m_MOD_step", ["step", "__m_MOD_step"]),
    "main.(*T).Method": ("main.(*T).Method", ["T.Method", "main.T.Method", "Method"]),
    "app.count": ("_D3app5countFiZi", ["count", "app.count(int)"]),
    "Main.fold": ("camlMain__fold_267", ["fold", "Main.fold"]),
}


def source():
    """Each function is called once by main and makes one getppid."""
    lines = ["#include <sys/syscall.h>", "#include <unistd.h>"]
    calls = []
    for number, (symbol, _) in enumerate(FUNCTIONS.values()):
        lines.append(f'int f{number}(void) __asm__("\\"{symbol}\\"");')  # the assembler takes any name in quotes
        lines.append(f"__attribute__((noinline)) int f{number}(void) {{ return (int)syscall(SYS_getppid); }}")
        calls.append(f"f{number}() > 0")
    return "\n".join(lines) + f"\nint main(void) {{ return !({' && '.join(calls)}); }}\n"


class Built(Case):
    def build(self, name, text, *options, compiler="gcc"):
        path = self.write(f"{name}.{'cpp' if compiler == 'g++' else 'c'}", text)
        subprocess.run([compiler, "-g", "-o", self.path(name), path, *options], check=True, cwd=self.dir)
        return self.path(name)

    def trace(self, argv, *options):
        result = self.run_plain([self.tool, "-o", self.path("trace"), *options, "--", *argv])
        self.assertEqual(result.status, 0, result)
        with open(self.path("trace"), encoding="utf-8") as file:
            return file.read()

    def refused(self, argv, *options):
        """The one line that says why."""
        result = self.run_plain([self.tool, *options, *argv])
        self.assertEqual(result.status, 125, result)
        lines = result.err.decode().splitlines()
        self.assertEqual(len(lines), 1, result)
        self.assertTrue(lines[0].startswith("wc-preload: breakpoint '"), lines)
        return lines[0]


@need("gcc")
class Languages(Built):
    def setUp(self):
        super().setUp()
        self.program = self.build("languages", source(), "-O1")

    def test_every_spelling_finds_the_function_and_one_is_shown(self):
        for shown, (symbol, others) in FUNCTIONS.items():
            for name in [shown, symbol, *others]:
                with self.subTest(name=name):
                    text = self.trace([self.program], "-B", name)
                    # With debug information: a function without arguments and result.
                    self.assertEqual([line.split("() = ")[0] for line in text.splitlines() if "<main" in line],
                                     [shown])
                    self.assertIn("getppid()", text)

    def test_the_same_spelling_in_stacks_and_folded(self):
        stacks = self.trace([self.program], "--scope=process", "-k")
        folded = self.trace([self.program], "-b", "folded", "-B", ",".join(n for n in FUNCTIONS if " " not in n))
        frames = self.trace([self.program], "-b", "folded", "--scope=process")
        in_stacks = {line[line.index("(") + 1:line.rindex("+0x")] for line in stacks.splitlines()
                     if line.startswith(" > ") and "/languages(" in line}
        in_frames = {name for line in frames.splitlines() for name in line.split(";")}
        for shown in FUNCTIONS:
            self.assertIn(f"{shown}(int)" if shown.startswith("app.") else shown, in_stacks)  # D has parameters
            self.assertIn(shown, in_frames)
            if " " not in shown:
                self.assertIn(f"main;{shown};getppid 1", folded)

    def test_did_you_mean(self):
        slips = {"r::prase": "r::parse", "prase": "parse", "Foo::spaek": "Foo::speak", "m::setp": "m::step",
                 "T.Methdo": "T.Method", "app.cuont": "app.count", "Main.flod": "Main.fold",
                 "rust_names::wrok": "rust_names::work"}
        for slip, meant in slips.items():
            with self.subTest(slip=slip):
                self.assertIn(f"did you mean '{meant}'", self.refused([self.program], "-B", slip))


@need("g++")
class CPlusPlus(Built):
    SOURCE = """
        #include <sys/syscall.h>
        #include <unistd.h>
        __attribute__((noinline)) void leafy(int) { syscall(SYS_getppid); }
        __attribute__((noinline)) void outer(const char *) { syscall(SYS_getppid); leafy(1); syscall(SYS_getppid); }
        int main() {
          auto inner = [](int n) __attribute__((noinline)) { return (int)syscall(SYS_getpid) + n; };
          outer("x");
          return inner(1) == 0;
        }"""

    def test_a_function_has_one_name_in_folded(self):
        program = self.build("towers", self.SOURCE, "-O1", compiler="g++")
        text = self.trace([program], "-b", "folded", "-B", "outer,leafy")
        towers = {line[line.index(";main;") + 1:] for line in text.splitlines() if "getppid" in line}
        self.assertEqual(towers, {"main;outer;getppid 2", "main;outer;leafy;getppid 1"})

    def test_parameters_as_typed_and_lambdas(self):
        program = self.build("towers", self.SOURCE, "-O1", compiler="g++")
        self.assertIn("outer(", self.trace([program], "-B", "outer(const char*)"))
        self.assertIn("getpid", self.trace([program], "-B", "main::{lambda(int)#1}::operator()"))
        self.assertIn("did you mean 'outer(char const*)'?", self.refused([program], "-B", "outer(int)"))


@need("gcc")
class ChosenAtRunTime(Built):
    """An IFUNC has no body of its own: named in full it is refused, as an unknown name is."""
    SOURCE = """
        #include <unistd.h>
        int one_fast(void) { return getppid() > 0; }
        static int (*choose(void))(void) { return one_fast; }
        int one(void) __attribute__((ifunc("choose")));
        int main(void) { pause(); return one() == 0; }"""

    def test_in_a_library(self):
        for name in ("memcpy@libc.so.6", "memcpy@libc", "memcpy"):
            line = self.refused(["/bin/true"], "-B", name)
            self.assertRegex(line, f"^wc-preload: breakpoint '{re.escape(name)}': it has several bodies")

    def test_beside_another_function(self):
        self.assertIn("'memcpy@libc.so.6'", self.refused(["/bin/true"], "-B", "fopen,memcpy@libc.so.6"))

    def test_in_the_program_and_in_one_that_runs(self):
        program = self.build("chosen", self.SOURCE)
        self.assertIn("breakpoint 'one': it has several bodies", self.refused([program], "-B", "one"))
        running = self.start([program])
        for name in ("one", "memcpy@libc.so.6"):
            self.assertIn(f"breakpoint '{name}': it has several bodies",
                          self.refused([], "-B", name, "-p", str(running.pid)))

    def test_a_glob_takes_what_it_can(self):
        result = self.run_plain([self.tool, "-B", "mem*@libc.so.6", "-b", "none", "/bin/true"])
        self.assertEqual((result.status, result.err), (0, b""), result)

    def test_unknown_name_of_a_library_is_met_with_a_near_one(self):
        self.assertIn("did you mean 'fopen'", self.refused(["/bin/true"], "-B", "fopne@libc.so.6"))


@need("cp")
class Escaped(Built):
    def test_folded_escapes_a_programs_name_once(self):
        path = self.dir.encode() + b"/n\xff\nl"
        subprocess.run([b"cp", b"/bin/true", path], check=True)
        text = self.trace([path], "-b", "folded", "--scope=process")
        self.assertIn("\nn\\377\\nl;", text)


if __name__ == "__main__":
    harness.main()
