"""Names: which function a reference gets, whether or not it is wrapped; and programs that are started
through something. Libraries and programs are made here, because versions, hash tables and weak
references are what the tests are about."""
import os
import re
import subprocess
import sys
import time

import harness
from harness import Case, need

LOADER = "/lib64/ld-linux-x86-64.so.2"
ENGINES = (["-E", "ptrace"], ["-E", "inproc"])


class Names(Case):
    def build(self, name, source, *options):
        suffix = "cpp" if name.endswith("++") else "c"
        path = self.write(f"{name}.{suffix}", source)
        out = self.path(name)
        compiler = "g++" if suffix == "cpp" else "gcc"
        subprocess.run([compiler, "-g", "-o", out, path, *options], check=True, cwd=self.dir)
        return out

    def library(self, name, source, *options):
        return self.build(name, source, "-shared", "-fPIC", *options)

    def linked(self, name, source, library, *options):
        return self.build(name, source, self.path(library), f"-Wl,-rpath,{self.dir}", *options)

    def as_native(self, argv, *lists, options=(), env=None):
        """Output and status under each list of functions and engine are those of a native run."""
        native = self.run_plain(argv, env=env or self.env)
        for functions in lists:
            for engine in ENGINES:
                with self.subTest(functions=functions, engine=engine[1]):
                    traced = self.run_plain(self.command(argv, *engine, "-F", functions, *options),
                                            env=env or self.env)
                    self.assertEqual((native.status, native.out, native.err),
                                     (traced.status, traced.out, traced.err))
        return native

    def command(self, argv, *options):
        return [self.tool, "-o", self.path("trace"), *options, "--", *argv]

    def trace(self, argv, *options, env=None, status=0):
        result = self.run_plain(self.command(argv, *options), env=env or self.env)
        self.assertEqual(result.status, status, result)
        with open(self.path("trace"), encoding="utf-8") as file:
            return file.read(), result.err.decode()


@need("gcc", "g++")
class Versions(Names):
    def test_function_that_has_a_hidden_version_only(self):
        program = self.build("yield", """
            __asm__(".symver my_yield,pthread_yield@GLIBC_2.2.5"); int my_yield(void);
            int main(void) { return my_yield(); }""")
        self.as_native([program], "@all", "*", "pthread_yield")
        text, _ = self.trace([program], "-F", "pthread_yield")
        self.assertIn("sched_yield()", text)

    def test_reference_without_a_version(self):
        self.library("libl.so", """
            extern int pthread_atfork(void (*)(void), void (*)(void), void (*)(void)) __attribute__((weak));
            extern char *realpath(const char *, char *) __attribute__((weak));
            static void f(void) {}
            int lib(void) { return pthread_atfork ? pthread_atfork(f, f, f) : 42; }
            /* The oldest realpath refuses a null buffer. */
            int old(void) { return realpath("/", 0) == 0; }""", "-nostdlib")
        program = self.linked("main", """
            #include <stdio.h>
            int lib(void), old(void);
            int main(void) { printf("%d %d\\n", lib(), old()); return 0; }""", "libl.so")
        native = self.as_native([program], "@all", "pthread_atfork,realpath", "*")
        self.assertEqual(native.out, b"0 1\n")
        text, _ = self.trace([program], "-a", "-F", "pthread_atfork,realpath")
        self.assertRegex(text, r'(?m)^realpath\("/", NULL\) = NULL EINVAL')
        self.assertRegex(text, r"(?m)^pthread_atfork\(.*= 0")

    def test_exceptions_and_constructors_of_libgcc(self):
        program = self.build("throw++", """
            #include <string>
            int main() { try { throw std::string("x"); } catch (std::string&) { return 3; } }""")
        self.as_native([program], "*", "*@libgcc_s.so.1", "*@libstdc++.so.6", "@all,*@libgcc_s.so.1")

    def test_each_version_of_a_library_of_ones_own(self):
        self.write("v.map", "V_1 { global: f; local: f_1; f_2; f_3; };\nV_2 { global: f; } V_1;\n"
                            "V_3 { global: f; only; } V_2;\n")
        self.library("libv.so", """
            int f_1(void) { return 1; } int f_2(void) { return 2; } int f_3(void) { return 3; }
            int only_3(void) { return 33; }
            __asm__(".symver f_1,f@V_1"); __asm__(".symver f_2,f@V_2"); __asm__(".symver f_3,f@@V_3");
            __asm__(".symver only_3,only@V_3");""", f"-Wl,--version-script={self.path('v.map')}")
        program = self.linked("main", """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <stdio.h>
            int one(void), two(void), f(void), hidden(void);
            __asm__(".symver one,f@V_1"); __asm__(".symver two,f@V_2"); __asm__(".symver hidden,only@V_3");
            int main(void) {
              int (*newest)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "f");
              int (*second)(void) = (int (*)(void))dlvsym(RTLD_DEFAULT, "f", "V_2");
              printf("%d %d %d %d, %d %d, %d %d\\n", one(), two(), f(), hidden(), newest(), second(),
                     dlsym(RTLD_DEFAULT, "only") != 0, dlvsym(RTLD_DEFAULT, "f", "V_4") != 0);
              return 0;
            }""", "libv.so")
        native = self.as_native([program], "f@libv.so,only@libv.so", "*@libv.so", "*", "@all")
        self.assertEqual(native.out, b"1 2 3 33, 3 2, 0 0\n")
        text, _ = self.trace([program], "-a", "-F", "f@libv.so,only@libv.so")
        self.assertEqual(len(re.findall(r"^f\(", text, re.M)), 5, text)
        self.assertEqual(len(re.findall(r"^only\(", text, re.M)), 1, text)

    def test_two_libraries_with_a_name_each_in_its_version(self):
        for letter in "ab":
            self.write(f"{letter}.map", f"{letter.upper()}_1 {{ global: f; }};\n")
            self.library(f"lib{letter}.so", f"int f(void) {{ return '{letter}'; }}",
                         f"-Wl,--version-script={self.path(letter + '.map')}")
            self.library(f"libuse{letter}.so", f"int f(void); int use_{letter}(void) {{ return f(); }}",
                         self.path(f"lib{letter}.so"), f"-Wl,-rpath,{self.dir}")
        program = self.linked("main", """
            #include <stdio.h>
            int use_a(void), use_b(void);
            int main(void) { printf("%c%c\\n", use_a(), use_b()); return 0; }""", "libusea.so",
                              self.path("libuseb.so"))
        native = self.as_native([program], "f", "*", "f@liba.so", "f@libb.so")
        self.assertEqual(native.out, b"ab\n")
        for functions, count in (("f", 2), ("f@liba.so", 1), ("f@libb.so", 1)):
            text, _ = self.trace([program], "-a", "-F", functions)
            self.assertEqual(len(re.findall(r"^f\(", text, re.M)), count, functions + ": " + text)

    def test_library_with_the_old_hash_table_only(self):
        for style in ("sysv", "both", "gnu"):
            self.library("libh.so", "int h1(int x) { return x + 1; } int h2(int x) { return x + 2; }",
                         f"-Wl,--hash-style={style}")
            program = self.linked("main", "int h1(int), h2(int); int main(void) { return h1(1) + h2(2); }",
                                  "libh.so")
            native = self.as_native([program], "h1@libh.so", "*", "@all")
            self.assertEqual(native.status, 6)
            text, _ = self.trace([program], "-a", "-F", "h?@libh.so", status=6)
            self.assertRegex(text, r"(?m)^h1\((.*\n)+h2\(", style)

    def test_variable_in_front_of_a_function(self):
        self.library("libvar.so", "int thing = 7;")
        self.library("libfun.so", "int thing(void) { return 1; }")
        program = self.linked("main", "extern int thing; int main(void) { return thing; }",
                              "libvar.so", "-Wl,--no-as-needed", self.path("libfun.so"), "-fPIC")
        self.assertEqual(self.as_native([program], "*", "*thing@libfun.so,open").status, 7)
        result = self.run_plain(self.command([program], "-F", "thing@libfun.so"))
        self.assertEqual(result.status, 7)
        self.assertIn(b"another library has the name in front of it; -B thing@libfun.so", result.err)

    def test_library_that_takes_the_place_of_libcs_functions(self):
        """Its own calling convention, libc's name: what it does must be what happens."""
        self.library("libown.so", """
            #include <stdarg.h>
            #include <unistd.h>
            void warn(const char *text, ...) { (void)!write(2, text, 4); }
            int puts(const char *text) { (void)!write(1, "own\\n", 4); return (int)text[0]; }""")
        program = self.linked("main", """
            void warn(const char *, ...); int puts(const char *);
            int main(void) { warn("ours\\n", 1); return puts("x") == 'x' ? 0 : 1; }""", "libown.so",
                              "-fno-builtin")
        native = self.as_native([program], "@all", "warn,puts", "@stdio")
        self.assertEqual((native.out, native.err), (b"own\n", b"ours"))
        text, _ = self.trace([program], "-F", "@stdio")
        self.assertIn('puts("x")', text)


@need("gcc")
class Late(Names):
    """NAME@LIBRARY of a library that dlopen brings."""

    def setUp(self):
        super().setUp()
        self.library("liblate.so", '#include <unistd.h>\nint late(int x) { (void)!access("/late", 0); '
                                   "return x + 1; }")
        self.library("plugin.so", "int late(int); int plugin(int x) { return late(x); }",
                     self.path("liblate.so"), f"-Wl,-rpath,{self.dir}")
        self.env["LD_LIBRARY_PATH"] = self.dir
        self.program = self.build("asks", """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <stdio.h>
            extern int late(int) __attribute__((weak));
            int main(int argc, char **argv) {
              printf("weak %d, default %d\\n", late != 0, dlsym(RTLD_DEFAULT, "late") != 0);
              for (int i = 1; i < argc; i++) {
                void *plugin = dlopen(argv[i], RTLD_NOW);
                if (plugin == 0) return printf("%s\\n", dlerror());
                printf("%d\\n", ((int (*)(int))dlsym(plugin, "plugin"))(i));
                dlclose(plugin);
                printf("default %d\\n", dlsym(RTLD_DEFAULT, "late") != 0);
              }
              return 0;
            }""", "-Wl,-z,dynamic-undefined-weak", "-fPIC")

    def test_name_does_not_exist_before_its_library(self):
        native = self.as_native([self.program], "late@liblate.so", "*@liblate.so")
        self.assertEqual(native.out, b"weak 0, default 0\n")

    def test_calls_of_a_plugin_are_seen_each_time_it_is_loaded(self):
        plugin = self.path("plugin.so")
        argv = [self.program, *[plugin] * 3]
        self.as_native(argv, "late@liblate.so")
        text, _ = self.trace(argv, "-F", "late@liblate.so")
        self.assertEqual(len(re.findall(r'access\("/late"', text)), 3, text)

    def test_library_that_asks_at_the_start(self):
        """ld.so would bind its weak reference before the stub library can answer."""
        self.library("libasks.so", """
            extern int late(int) __attribute__((weak)); int has_late(void) { return late != 0; }""")
        program = self.linked("main", "int has_late(void); int main(void) { return has_late(); }",
                              "libasks.so")
        result = self.run_plain(self.command([program], "-F", "late@liblate.so"))
        self.assertEqual(result.status, 0, result)
        self.assertIn(b"late@liblate.so is not wrapped", result.err)
        self.assertIn(b"-B late@liblate.so", result.err)

    def test_churn_of_dlopen_beside_first_calls(self):
        program = self.build("churn", """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <pthread.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <string.h>
            #include <unistd.h>
            static volatile int done;
            static char *plugin_path;
            static void *churn(void *name) {
              while (!done) {
                void *one = dlopen(name, RTLD_NOW);
                if (one == 0) abort();
                ((int (*)(int))dlsym(one, "plugin"))(1);
                dlclose(one);
              }
              return 0;
            }
            static void *ask(void *unused) {
              for (int i = 0; i < 2000; i++) dlsym(RTLD_DEFAULT, "late");
              return unused;
            }
            int main(int argc, char **argv) {
              pthread_t churning, asking;
              plugin_path = argv[argc - 1];
              pthread_create(&churning, 0, churn, plugin_path);
              pthread_create(&asking, 0, ask, 0);
              usleep(20000);
              /* First calls, while the link map changes. */
              char text[64];
              snprintf(text, sizeof text, "%d", getpid());
              setenv("A", text, 1); unsetenv("A"); access("/", 0); strtol("1", 0, 10); getppid();
              free(strdup(text)); putenv("B=1"); abs(1); getuid(); geteuid(); getgid(); getegid();
              pthread_join(asking, 0);
              done = 1;
              pthread_join(churning, 0);
              puts("whole");
              return 0;
            }""", "-pthread", "-rdynamic")
        self.as_native([program, self.path("plugin.so")], "@all,late@liblate.so", "@all", "*")

    def test_pointers_from_a_librarys_own_handle(self):
        program = self.build("handles", r"""
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <fcntl.h>
            #include <stdio.h>
            #include <unistd.h>
            int main(int argc, char **argv) {
              void *libc = dlopen("libc.so.6", RTLD_LAZY);
              int (*found)(const char *, int) = (int (*)(const char *, int))dlsym(libc, "access");
              int (*print)(const char *, ...) = (int (*)(const char *, ...))dlsym(libc, "printf");
              void *versioned = dlvsym(libc, "access", "GLIBC_2.2.5");
              print("%d %d %d\n", found("/by-handle", 0), found == access, versioned == (void *)access);
              for (int i = 0; i < 2; i++) {
                void *plugin = dlopen(argv[1], RTLD_NOW);
                print("%d\n", ((int (*)(int))dlsym(plugin, "late"))(i));
                dlclose(plugin);
              }
              return 0 * argc;
            }""")
        argv = [program, self.path("plugin.so")]
        native = self.as_native(argv, "@default", "@all", "@all,late@liblate.so")
        self.assertEqual(native.out, b"-1 1 1\n1\n2\n")
        for functions in ("@default", "access,dlsym"):
            text, _ = self.trace(argv, "-F", functions)
            self.assertRegex(text, r'(?m)^(\[pid \d+\] )?access\("/by-handle"', functions)
        text, _ = self.trace(argv, "-a", "-F", "late@liblate.so,dlsym")
        self.assertEqual(len(re.findall(r"^late\(", text, re.M)), 2, text)

    def test_preloaded_library_is_said_to_stand_in_front(self):
        env = dict(self.env, LD_PRELOAD=self.path("liblate.so"))
        result = self.run_plain(self.command(["/bin/true"], "-F", "late@liblate.so"), env=env)
        self.assertEqual(result.status, 0, result)
        self.assertIn(b"-B late@liblate.so sees them", result.err)


@need("gcc")
class Sanitizers(Names):
    SOURCE = """
        #include <pthread.h>
        #include <stdio.h>
        #include <unistd.h>
        static void *thread(void *x) { return x; }
        int main(void) {
          char b[100];
          FILE *f = fopen("/etc/hosts", "r");
          fgets(b, 100, f);
          fclose(f);
          pthread_t t;
          pthread_create(&t, 0, thread, 0);
          pthread_join(t, 0);
          printf("%d\\n", access("/", F_OK));
          return 0;
        }"""

    def check(self, name, *options):
        try:
            program = self.build(name, self.SOURCE, *options)
        except subprocess.CalledProcessError:
            self.skipTest(f"cannot build with {options}")
        # LeakSanitizer is a tracer itself (docs/limitations.md).
        env = dict(self.env, ASAN_OPTIONS="detect_leaks=0")
        if self.run_plain([program], env=env).status != 0:
            self.skipTest("does not run natively here")
        self.as_native([program], "@default", "@all", env=env)
        for functions in ("@default", "fopen"):
            text, _ = self.trace([program], "-F", functions, env=env)
            self.assertRegex(text, r'fopen\("/etc/hosts", "r"\) = .*\n( .*\n)* +openat\(AT_FDCWD, '
                                   r'"/etc/hosts"')

    def test_address_sanitizer(self):
        self.check("address", "-fsanitize=address")

    def test_thread_sanitizer(self):
        self.check("thread", "-fsanitize=thread")

    def test_undefined_behaviour_sanitizer(self):
        self.check("undefined", "-fsanitize=undefined")


class Callers(Names):
    @need("gcc")
    def test_dlsym_and_dlopen_from_code_without_a_return_near_by(self):
        """Code that somebody has generated: the page of the call ends without a `ret`, and behind it
        is nothing."""
        program = self.build("generated", r"""
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <stdio.h>
            #include <string.h>
            #include <sys/mman.h>
            int main(void) {
              /* sub $8,%rsp; call *%rdx; add $8,%rsp; pop %rax; jmp *%rax */
              static const unsigned char with[] = {0x48, 0x83, 0xec, 8, 0xff, 0xd2, 0x48, 0x83, 0xc4, 8,
                                                   0x59, 0xff, 0xe1};
              unsigned char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              memset(page, 0x90, 4096);
              memcpy(page + 4096 - sizeof with, with, sizeof with);
              mprotect(page, 4096, PROT_READ | PROT_EXEC);
              munmap(page + 4096, 4096);
              void *(*call)(void *, const char *, void *) =
                  (void *(*)(void *, const char *, void *))(page + 4096 - sizeof with);
              printf("%d\n", call(RTLD_DEFAULT, "puts", (void *)dlsym) != 0);
              printf("%d\n", call((void *)"libm.so.6", (const char *)RTLD_NOW, (void *)dlopen) != 0);
              return 0;
            }""")
        self.as_native([program], "@loader", "@all")

    @need("gcc")
    def test_vdso_that_the_program_has_unmapped(self):
        program = self.build("unmap", r"""
            #include <stdio.h>
            #include <sys/auxv.h>
            #include <sys/mman.h>
            #include <unistd.h>
            int main(void) {
              char *vdso = (char *)getauxval(AT_SYSINFO_EHDR);
              if (munmap(vdso, 8192) != 0 && munmap(vdso, 4096) != 0) return 9;
              return access("/", F_OK) + (getppid() == 0);
            }""")
        self.as_native([program], "@all", "@default", "access,getppid")


class Started(Names):
    """Programs that are started through something."""

    def test_program_of_the_loader_is_wrapped(self):
        for words in ([LOADER, "/bin/cat", "/etc/hostname"],
                      [LOADER, "--argv0", "other", "--library-path", "/lib/x86_64-linux-gnu",
                       "/bin/cat", "/etc/hostname"],
                      ["sh", "-c", f"{LOADER} /bin/cat /etc/hostname"],
                      ["env", "-i", LOADER, "--inhibit-cache", "/bin/cat", "/etc/hostname"]):
            native = self.run_plain(words)
            for engine in ENGINES:
                with self.subTest(words=words, engine=engine[1]):
                    text, err = self.trace(words, *engine)
                    self.assertIn('open("/etc/hostname", O_RDONLY)', text)
                    self.assertEqual(err, "")
        self.assertEqual(native.status, 0)

    @need("gcc")
    def test_library_path_of_the_loader(self):
        os.mkdir(self.path("lib"))
        self.library("lib/libp.so", '#include <unistd.h>\nint p(void) { return access("/p", 0) + 6; }',
                     "-Wl,-soname,libp.so")
        program = self.build("main", "int p(void); int main(void) { return p(); }",
                             self.path("lib/libp.so"))
        words = [LOADER, "--library-path", self.path("lib"), os.path.relpath(program, self.dir)]
        words[-1] = "./main"
        text, err = self.trace(words, "-F", "p@libp.so", status=5)
        self.assertIn("p(", text)
        self.assertEqual(err, "")
        result = self.run_plain(self.command(words, "-F", "pp@libp.so"))
        self.assertEqual(result.status, 125)
        self.assertIn(b"did you mean 'p'?", result.err)

    def test_what_the_loader_says_itself(self):
        for words in ([LOADER, "--list", "/bin/true"], [LOADER, "--verify", "/bin/true"],
                      [LOADER, "/nonexistent"], [LOADER, "--help"]):
            native = self.run_plain(words)
            traced = self.run_plain(self.command(words))
            self.assertEqual(traced.status, native.status)
            self.assertEqual(self.without_addresses(traced.out), self.without_addresses(native.out))
            self.assertEqual(traced.err, native.err)

    @staticmethod
    def without_addresses(text):
        return re.sub(rb"0x[0-9a-f]+", b"0x", text)

    @need("ldd")
    def test_ldd_lists_the_programs_libraries_only(self):
        for words in (["ldd", "/bin/ls"], ["sh", "-c", "LD_TRACE_LOADED_OBJECTS=1 /bin/ls"],
                      ["env", "-i", "LD_TRACE_LOADED_OBJECTS=", "/bin/ls"]):
            native = self.run_plain(words)
            for engine in ENGINES:
                traced = self.run_plain(self.command(words, *engine))
                self.assertEqual(self.without_addresses(traced.out),
                                 self.without_addresses(native.out), words)
                self.assertEqual((traced.status, traced.err), (native.status, native.err))
        self.assertIn(b"libc.so.6", native.out)

    def test_programs_that_are_not_wrapped_are_counted(self):
        static = harness.program("static_hello")
        _, err = self.trace(["sh", "-c", f"{static} > {self.path('out')}; {static} > /dev/null; true"])
        self.assertEqual(err, f"wc-preload: 2 programs were not wrapped: {static} (statically linked: "
                              "it has no library calls to wrap) x2\n")
        _, err = self.trace(["sh", "-c", f"{static}; true"], "--scope=process")
        self.assertEqual(err, "")

    @need("gcc")
    def test_program_that_landlock_keeps_from_the_runs_folder(self):
        program = self.build("confined", r"""
            #define _GNU_SOURCE
            #include <fcntl.h>
            #include <linux/landlock.h>
            #include <stdint.h>
            #include <sys/prctl.h>
            #include <sys/syscall.h>
            #include <unistd.h>
            int main(int argc, char **argv) {
              struct landlock_ruleset_attr rules = {.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE};
              int set = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
              if (set < 0) return 77;
              static const char *const readable[] = {"/usr", "/lib", "/lib64", "/etc", "/bin"};
              for (int i = 0; i < 5; i++) {
                struct landlock_path_beneath_attr one = {LANDLOCK_ACCESS_FS_READ_FILE,
                                                         open(readable[i], O_PATH)};
                syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &one, 0);
              }
              prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
              if (syscall(SYS_landlock_restrict_self, set, 0) != 0) return 77;
              return execv(argv[1], argv + 1);
            }""")
        argv = [program, "/bin/sh", "-c", "/bin/echo a; /bin/echo b"]
        native = self.run_plain(argv)
        if native.status == 77:
            self.skipTest("no Landlock here")
        for engine in ENGINES:
            result = self.run_plain(self.command(argv, *engine))
            self.assertEqual((result.status, result.out), (native.status, native.out))
            self.assertEqual(result.err.count(b"\n"), 1, result)
            self.assertRegex(result.err, rb"programs? w(as|ere) not wrapped: .*Landlock")
        # Without the policy, everything of a program with no_new_privs is wrapped.
        text, err = self.trace(["setpriv", "--no-new-privs", "cat", "/etc/hostname"])
        self.assertIn('open("/etc/hostname"', text)
        self.assertEqual(err, "")

    @need("gcc")
    def test_program_with_the_build_id_of_go(self):
        program = self.build("gopher", """
            #include <unistd.h>
            __attribute__((section(".note.go.buildid"), used)) static const struct {
              unsigned name, size, type; char go[4], id[4];
            } note = {4, 4, 4, "Go", "abc"};
            int main(void) { return access("/", F_OK); }""")
        text, err = self.trace([program])
        self.assertIn("access(", text)
        self.assertIn("is a Go program", err)
        self.assertIn("--scope=process", err)
        _, err = self.trace(["sh", "-c", f"{program}; true"])
        self.assertIn("1 program was not wrapped: ", err)
        self.assertIn("Go", err)
        _, err = self.trace([program], "--scope=process")
        self.assertEqual(err, "")


@need("gcc")
class Attached(Names):
    def setUp(self):
        super().setUp()
        self.source = '#include <unistd.h>\nint workf(int x) { access("/w", 0); usleep(1000); return x; }'
        self.library("libw.so", self.source)
        self.program = self.linked("loop", """
            #include <stdio.h>
            int workf(int);
            int main(void) { puts("ready"); fflush(stdout); for (;;) workf(1); }""", "libw.so")
        self.running = self.start([self.program])
        self.running.wait_for_output(b"ready")

    def attach(self, functions, seconds=1.5, prefix=()):
        tool = self.start([*prefix, self.tool, "--quiet=attach", "-o", self.path("trace"), "-F", functions, "-p",
                           str(self.running.pid)])
        if not tool.ends_within(seconds * harness.SLOWNESS):
            os.kill(tool.pid, 2)
        return self.finish(tool)

    def text(self):
        with open(self.path("trace"), encoding="utf-8") as file:
            return file.read()

    def test_slips_are_refused(self):
        for functions, hint in (("fopne", b"did you mean 'fopen'"),
                                ("workg@libw.so", b"did you mean 'workf'?"),
                                ("workf@libx.so", b"did you mean 'libw.so'?"),
                                ("fopen@libnope.so", b"no library 'libnope.so'"),
                                ("fopen,fopne", b"fopne"), ("strlen", b"chosen at run time")):
            result = self.attach(functions)
            self.assertEqual(result.status, 125, functions)
            self.assertIn(hint, result.err)
        self.assertIsNone(self.running.popen.poll())

    def test_function_of_a_library(self):
        self.assertEqual(self.attach("workf@libw.so").status, 0)
        self.assertIn("workf(", self.text())

    def test_library_that_was_replaced_on_disk(self):
        new = self.library("new.so", "int other(void) { return 1; }")
        os.rename(new, self.path("libw.so"))
        result = self.attach("workf@libw.so")
        self.assertEqual(result.status, 0, result)
        if b"was replaced" not in result.err:
            self.assertIn("workf(", self.text())

    def test_library_that_was_removed(self):
        os.unlink(self.path("libw.so"))
        result = self.attach("workf")
        self.assertEqual(result.status, 0, result)
        self.assertIn("workf(", self.text())


class Applications(Names):
    """All functions of all libraries at once."""

    def test_real_programs_under_every_function(self):
        scripts = [["cmake", "--version"], ["ninja", "--version"], ["gdb", "--version"],
                   ["git", "--version"], ["g++", "--version"], ["perl", "-e", "print 1+1"],
                   [sys.executable, "-c", "import json, zlib; print(zlib.crc32(b'x'))"],
                   ["ruby", "-e", "puts 1"], ["vim", "--version"], ["node", "-e", "console.log(1)"], ["php", "-r", "echo 1;"]]
        for words in scripts:
            if self.run_plain(["which", words[0]]).status != 0:
                continue
            native = self.run_plain(words)
            for functions in ("*", "@all"):
                with self.subTest(words=words, functions=functions):
                    traced = self.run_plain(self.command(words, "-F", functions), limit=60)
                    self.assertEqual((traced.status, traced.out), (native.status, native.out), traced)


if __name__ == "__main__":
    harness.main()
