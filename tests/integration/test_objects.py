"""--objects: what ld.so maps and unmaps, and who asked for it."""
import os
import subprocess
import unittest

import harness
from harness import Case, need, program


def objects(events, event="load"):
    return [e for e in events if e["type"] == "object" and e["event"] == event]


def base_name(path):
    return os.path.basename(path or "")


def wanted(entry):
    """As `ldd` and DT_NEEDED have it."""
    return base_name(entry["path"]).split(".so")[0]


class Objects(Case):
    def run_objects(self, argv, *options, **more):
        return self.events(argv, "--objects", *options, **more)[1]

    def test_what_the_program_needs(self):
        loaded = objects(self.run_objects(["/bin/ls", "/"], functions="opendir"))
        found = {wanted(e): e for e in loaded}
        self.assertEqual((found["libselinux"]["how"], found["libselinux"]["by"]), ("needed", os.path.realpath("/bin/ls")))
        self.assertEqual(base_name(found["libpcre2-8"]["by"]), base_name(found["libselinux"]["path"]))
        listed = subprocess.run(["ldd", "/bin/ls"], capture_output=True, text=True, check=True).stdout
        real = {os.path.realpath(word) for line in listed.splitlines() for word in line.split() if word.startswith("/")}
        self.assertEqual({os.path.realpath(e["path"]) for e in loaded}, real)
        self.assertTrue(all(e["how"] == "needed" for e in loaded))

    def test_paths_bases_and_build_ids(self):
        _, events = self.events(["/bin/cat", "/proc/self/maps"], "--objects", functions="open")
        maps = self.run_plain(self.tool_argv(["/bin/cat", "/proc/self/maps"], "-b", "none", functions="open")).out
        for entry in objects(events):
            self.assertTrue(os.path.isabs(entry["path"]))
            self.assertIn(entry["path"].encode(), maps)
            self.assertEqual(int(entry["base"], 16) % 4096, 0)
            notes = subprocess.run(["readelf", "-n", entry["path"]], capture_output=True, text=True, check=True).stdout
            self.assertIn(entry["build_id"], notes)

    def test_dlopen_and_dlclose(self):
        events = self.run_objects([program("stacks")], functions="dlopen,dlclose")
        entry = next(e for e in objects(events) if e["how"] == "dlopen")
        self.assertEqual((wanted(entry), entry["by"]), ("libz", program("stacks")))
        self.assertEqual((entry["caller"]["symbol"], entry["caller"]["file"]), ("loads()", "stacks.cpp"))
        calls = {e["call"]: e for e in events if e["type"] == "call"}
        self.assertEqual(calls[entry["call"]]["function"], "dlopen")
        gone, = objects(events, "unload")
        self.assertEqual((gone["path"], gone["base"], gone["by"]), (entry["path"], entry["base"], program("stacks")))
        self.assertEqual(gone["caller"]["symbol"], "loads()")
        self.assertNotIn("how", gone)

    @harness.only_under("dispatch", "trap", "socket")
    def test_without_any_wrapped_function(self):
        events = self.run_objects([program("stacks")], "--scope=process", "-e", "write")
        self.assertEqual([wanted(e) for e in objects(events) if e["how"] == "dlopen"], ["libz"])

    def test_nothing_of_the_tool(self):
        for entry in objects(self.run_objects(["/bin/true"], functions="open")):
            self.assertNotIn("wc-", entry["path"])

    @need("cc")
    def test_dependencies_of_what_is_opened(self):
        """A library that comes with the one that was asked for names it; one that was there does not come again."""
        def build(name, source, *flags):
            path = self.write(name + ".c", source)
            subprocess.run(["cc", "-g", "-O0", "-o", self.path(name), path, *flags], check=True)
            return self.path(name)
        build("libinner.so", "int inner(void) { return 1; }\n", "-shared", "-fPIC")
        outer = build("libouter.so", "int inner(void); int outer(void) { return inner(); }\n", "-shared", "-fPIC",
                      "-L" + self.dir, "-linner", "-Wl,-rpath," + self.dir)
        # A library asks, not the program.
        build("libasks.so", "#include <dlfcn.h>\nint ask(const char *n) { void *h = dlopen(n, RTLD_NOW); "
                            "return h && dlclose(h) == 0; }\n", "-shared", "-fPIC")
        asks = build("asks", "int ask(const char *); int main(int c, char **v) { return !(ask(v[c - 1]) && ask(v[c - 1])); }\n",
                     "-L" + self.dir, "-lasks", "-Wl,-rpath," + self.dir)
        result, events = self.events([asks, outer], "--objects", functions="getppid")
        self.assertEqual(result.status, 0)
        own = [(wanted(e), e["how"], base_name(e["by"])) for e in objects(events) if self.dir in e["path"]]
        self.assertEqual(own, [("libasks", "needed", "asks")] +
                         [("libouter", "dlopen", "libasks.so"), ("libinner", "needed", "libouter.so")] * 2)
        self.assertEqual(sorted(wanted(e) for e in objects(events, "unload")), ["libinner", "libinner", "libouter",
                                                                                  "libouter"])
        self.assertEqual([e["caller"]["symbol"] for e in objects(events) if e["how"] == "dlopen"], ["ask"] * 2)

    @need("cc")
    def test_preloaded(self):
        source = self.write("own.c", "int own;\n")
        library = self.path("libown.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        loaded = objects(self.run_objects(["/bin/true"], functions="open", env=dict(self.env, LD_PRELOAD=library)))
        self.assertEqual([(e["path"], e["how"]) for e in loaded if e["how"] != "needed"], [(library, "preload")])

    def test_children_and_what_they_exec(self):
        events = self.run_objects(["sh", "-c", "/bin/true; exec /bin/echo"], functions="open")
        libc = [e["pid"] for e in objects(events) if wanted(e) == "libc"]
        self.assertEqual(len(libc), 3)
        self.assertEqual(len(set(libc)), 2)

    def test_running_process(self):
        """What is mapped now, then what changes."""
        ready, go = os.pipe(), os.pipe()
        running = self.start(["/usr/bin/python3", "-c", "import ctypes, os\n"
                              f"os.write({ready[1]}, b'r')\nos.read({go[0]}, 1)\nctypes.CDLL('libcrypt.so.1')\n"
                              f"os.read({go[0]}, 1)\n"], pass_fds=(ready[1], go[0]))
        os.read(ready[0], 1)
        trace = self.path("trace")
        tool = self.start([self.tool, "--objects", "-B", "getppid", "-b", "json", "-o", trace, "-p", str(running.pid)])

        def seen(name):
            return os.path.exists(trace) and any(wanted(e) == name for e in objects(harness.read_json(trace)))
        harness.wait_until(lambda: seen("libc"), 20, "what is mapped")
        before = objects(harness.read_json(trace))
        self.assertFalse([e for e in before if "caller" in e])
        os.write(go[1], b"g")
        harness.wait_until(lambda: any("caller" in e for e in objects(harness.read_json(trace))), 20, "libcrypt")
        os.write(go[1], b"g")
        self.finish(running)
        self.finish(tool)
        entry, = [e for e in objects(harness.read_json(trace)) if "caller" in e]
        self.assertEqual((wanted(entry), entry["how"]), ("libcrypt", "dlopen"))
        for end in (*ready, *go):
            os.close(end)

    def test_program_is_not_disturbed(self):
        self.compare([program("stacks")], options=["--objects"], functions="dlopen,write")

    def test_text(self):
        trace = self.path("trace.txt")
        self.run_tool([program("stacks")], "--objects", "-o", trace, functions="dlopen,dlclose")
        with open(trace, encoding="ascii") as file:
            lines = file.read()
        path = program("stacks")
        self.assertRegex(lines, rf"--- loaded /\S*libz\.so\S* at 0x[0-9a-f]+ \(dlopen by {path} "
                                r"<loads\(\)\+0x[0-9a-f]+ at stacks\.cpp:\d+>\) build-id [0-9a-f]+ ---")
        self.assertRegex(lines, rf"--- unloaded /\S*libz\.so\S* at 0x[0-9a-f]+ \(by {path} <loads")


if __name__ == "__main__":
    harness.main()
