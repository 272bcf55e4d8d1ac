"""Back end lua: what scripts get is what JSON has; verdicts; examples; scripts that fail, by mistake or in bad faith."""
import json
import os
import re

import harness
from harness import Case, ROOT, main, only_under, program, read_json

EXAMPLES = f"{ROOT}/examples/lua"
# Each event as a line of JSON with sorted keys, with what Lua has otherwise than JSON marked.
DUMP = r"""
local function text(bytes)
  return '"' .. bytes:gsub('[%c"\\\x80-\xff]', function(c) return string.format("\\u%04x", c:byte()) end) .. '"'
end
local function dump(v)
  if type(v) == "string" then return text(v) end
  if type(v) ~= "table" then return tostring(v) end
  local parts = {}
  if v.n then
    for i = 1, v.n do parts[i] = v[i] == nil and "null" or dump(v[i]) end
    return "[" .. table.concat(parts, ",") .. "]"
  elseif #v > 0 then
    for i, one in ipairs(v) do parts[i] = dump(one) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, value in pairs(v) do parts[#parts + 1] = text(key) .. ":" .. dump(value) end
  return "{" .. table.concat(parts, ",") .. "}"
end
local function show(e) write(dump(e) .. "\n") end
call, ret, syscall_exit, process, object, lost = show, show, show, show, show, show
"""
COMMAND = ["sh", "-c", "ls /etc /nonexistent; sort /etc/passwd; sh -c 'kill -USR1 $$'; printf '\\1\\377\\n'"]
ADDRESSES = {"base", "address", "object_offset"}


def as_lua(value, key=None):
    """What JSON says, with addresses as the integers that they are."""
    if isinstance(value, dict):
        return {name: as_lua(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [as_lua(one, key) for one in value]
    if isinstance(value, str) and (key in ADDRESSES or key in ("args", "ret")) and re.fullmatch("0x[0-9a-f]+", value):
        number = int(value, 16)
        return number - (1 << 64) if number >= 1 << 63 else number
    return value


class Lua(Case):
    def script(self, text, name="script.lua"):
        return self.write(name, text)

    def lua(self, text, argv=("ls", "/"), *options, spec="", **more):
        """Runs with a script; what it has written comes as `written`."""
        path, output = self.script(text), self.path("written")
        run = self.run_tool(list(argv), "-b", f"{path}:output={output}{spec}", *options, **more)
        with open(output, "rb") as file:
            self.written = file.read()
        return run

    def refused(self, spec, *options):
        run = self.run_tool(["sh", "-c", "echo ran"], "-b", spec, *options)
        self.assertEqual((run.status, run.out, run.err.count(b"\n")), (125, b"", 1), run)
        return run.err.decode()


class Events(Lua):
    def check(self, *options):
        script, trace, output = self.script(DUMP), self.path("trace"), self.path("written")
        self.run_tool(COMMAND, "-b", f"json:output={trace}", "-b", f"lua:script={script},output={output}", *options)
        expected = [as_lua(e) for e in read_json(trace) if e["type"] not in ("run",)]
        with open(output, encoding="latin-1") as file:
            found = [json.loads(line) for line in file]
        self.assertGreater(len(expected), 15)
        for one, other in zip(found, expected):
            self.assertEqual(one, other)
        self.assertEqual(len(found), len(expected))
        return expected

    def test_every_event_is_the_one_of_json(self):
        events = self.check()
        self.assertEqual({e["type"] for e in events}, {"call", "syscall", "return", "process"})

    @only_under("dispatch")
    def test_with_stacks_objects_rules_and_samples(self):
        events = self.check("-F", "@default", "-k", "--objects", "--inject", "newfstatat:error=EMFILE")
        for what in (lambda e: e["type"] == "object", lambda e: "stack" in e, lambda e: "injected" in e):
            self.assertTrue(any(what(e) for e in events))
        self.assertTrue(any("weight" in e for e in self.check("--every", "2")))

    def test_totals_count_all_calls(self):
        self.lua("local n = 0\nfunction totals(e) if e['function'] == 'malloc' then n = n + e.calls end end\n"
                 "function close() write(n) end", ["ls", "/"], "-F", "malloc")
        self.assertGreater(int(self.written), 50)

    def test_options_reach_the_script(self):
        self.lua("local keys = {}\nfunction open(o) for k, v in pairs(o) do keys[#keys + 1] = k .. '=' .. v end\n"
                 "table.sort(keys) write(table.concat(keys, ' ')) end", ["true"], spec=",b=2,a=x=y,memory=8,instructions=100000")
        self.assertEqual(self.written, b"a=x=y b=2")

    def test_bytes_stay_bytes(self):
        self.lua("function syscall_exit(e) if e.path then write(e.path) end end",
                 ["stat", b"/\xff\xc3\x28\x1b"], "-F", "statx")
        self.assertIn(b"/\xff\xc3\x28\x1b", self.written)
        self.lua("write('a\\0b\\xff')", ["true"])
        self.assertEqual(self.written, b"a\0b\xff")

    def test_an_event_may_be_kept(self):
        self.lua("local kept = {}\nfunction call(e) kept[e.call] = e end\n"
                 "function ret(e) local c = kept[e.call] if c then write(c['function'], ' ', c.args.n, '\\n') end end",
                 ["sh", "-c", "read line </etc/passwd"], "-F", "read")
        self.assertEqual(set(self.written.split(b"\n")), {b"read 3", b""})

    @only_under("dispatch")
    def test_the_program_inherits_no_file_of_the_script(self):
        fds = self.run_tool(["ls", "/proc/self/fd"], "-b", "none").out
        run = self.lua("local file = assert(io.open('/etc/passwd'))\nfunction close() write(file:read('l')) end", ["ls", "/proc/self/fd"])
        self.assertEqual(run.out, fds)
        self.assertIn(b":", self.written)

    @only_under("dispatch")
    def test_a_key_that_is_computed(self):
        run = self.lua("function syscall_exit(e) local k = 'fd' .. '_path' write(e[k]) end")
        self.assertEqual(run.status, 125)
        self.assertRegex(run.err.decode(), r"script\.lua:1: the script reads the key 'fd_path' without having its name")

    @only_under("dispatch")
    def test_a_file_for_each_process(self):
        path = self.script("local n = 0\nfunction syscall_exit(e) n = n + 1 end\nfunction close() write(n) end")
        run = self.run_tool(["sh", "-c", "ls /; ls /"], "-ff", "-b", f"{path}:output={self.path('each')}")
        self.assertEqual(run.status, 0, run)
        files = [name for name in os.listdir(self.dir) if re.fullmatch(r"each\.\d+", name)]
        self.assertEqual(len(files), 3)
        for name in files:
            with open(self.path(name)) as file:
                self.assertGreater(int(file.read()), 0)

    @only_under("dispatch")
    def test_added_while_the_program_runs(self):
        socket, path = self.path("control"), self.script("local n = 0\nfunction syscall_exit(e) n = n + 1 end\nfunction close() write(n) end")
        running = self.start(self.tool_argv(["sh", "-c", "while :; do echo x; done"], "-b", "none", "--control", socket))
        harness.wait_until(lambda: os.path.exists(socket), 20, "the control socket")
        ask = lambda *words: self.run_plain([os.path.join(harness.BUILD, "bin/wc-ctl"), socket, *words])
        self.assertEqual(ask("backend", "add", f"{path}:output={self.path('late')}").status, 0)
        harness.time.sleep(0.5)
        self.assertEqual(ask("backend", "remove", "1").status, 0)
        with open(self.path("late")) as file:
            self.assertGreater(int(file.read()), 0)
        refused = ask("backend", "add", self.script("function (", "bad.lua"))
        self.assertEqual(refused.status, 1)
        self.assertIn(b"bad.lua:1:", refused.err)
        os.kill(running.pid, harness.signal.SIGKILL)


    @only_under("dispatch", "inproc")
    def test_what_there_is_so_far(self):
        path = self.script("local n = 0\nfunction syscall_exit(e) n = n + 1 end\nfunction snapshot(now) write('so far ', n, '\\n') end")
        output = self.path("written")
        running = self.start(self.tool_argv(["sh", "-c", "while :; do echo x; sleep 0.1; done"], "-b", f"{path}:output={output}"))
        running.wait_for_output(b"x\nx\n")
        os.kill(running.pid, harness.signal.SIGUSR1)  # it is the tracer: the launcher has become it
        def written():
            with open(output) as file:
                return file.read()
        harness.wait_until(written, 20, "the script's answer")
        self.assertRegex(written(), r"^so far [1-9]\d*\n$")
        running.popen.terminate()


class Verdicts(Lua):
    def judged(self, body, *options):
        return self.lua("function syscall_enter(e) " + body + " end", [program("tampered_functions")], *options)

    @only_under("dispatch", "trap", "socket")
    def test_each_verdict(self):
        puts, write = "if e.name == 'write' and e['function'] == 'puts' then ", "if e.name == 'write' and e['function'] == 'write' then "
        self.assertIn(b"puts -1 No space left on device\n", self.judged(puts + "return 'fail', 28 end").out)
        self.assertIn(b"puts -1 No space left on device\n", self.judged(puts + "return 'fail', 'ENOSPC' end").out)
        self.assertIn(b"write 2 ok\n", self.judged(write + "return 'return', 2 end").out)
        read = "if e.name == 'read' and e['function'] == 'read' then "
        self.assertIn(b"read 3 abc\n", self.judged(read + "return 'change', { [3] = 3 } end").out)
        self.assertEqual(self.judged(puts + "return 'kill' end").status, -harness.signal.SIGKILL)
        run = self.judged("if e.name == 'newfstatat' and e['function'] == 'fgets' then return 'stop_scope' end",
                          "-F", "fgets", "-b", f"json:output={self.path('json')}")
        self.assertEqual(run.status, 0, run)
        self.assertEqual([e["name"] for e in read_json(self.path("json")) if e["type"] == "syscall"], ["newfstatat"])

    @only_under("dispatch")
    def test_what_is_no_verdict(self):
        for word, why in (("'deny'", 'returned deny, which is no verdict'), ("7", "returned 7, which is no verdict"),
                          ("'fail'", "without an errno"), ("'fail', 'EWHAT'", "'EWHAT', which is no errno"),
                          ("'fail', 5000", "without an errno"), ("'return', 'x'", "a value that is no integer, but a string"),
                          ("'change', 3", "without a table"), ("'change', { 'x' }", "an argument that is no integer")):
            with self.subTest(word):
                run = self.judged(f"return {word}")
                self.assertIn(b"write 6 ok\n", run.out, "nothing happens to the program")
                self.assertEqual((run.status, run.err.count(b"\n")), (125, 1), run)
                self.assertIn(why, run.err.decode())

    @only_under("inproc")
    def test_engine_inproc_refuses(self):
        path = self.script("function syscall_enter(e) end")
        self.assertIn("which engine inproc cannot do: use -E ptrace", self.refused(path, "-E", "inproc"))


@only_under("dispatch")
class Mistakes(Lua):
    def fails(self, text, *options, spec=""):
        """The program and the other back end are as without the script; one line says what was wrong."""
        path, trace = self.script(text), self.path("trace")
        run = self.run_tool(["sh", "-c", "ls /; echo end"], "-b", path + spec, "-b", f"json:output={trace}", *options, limit=30)
        self.assertIn(b"end\n", run.out)
        self.last = run.err.decode("latin-1")
        self.assertEqual(read_json(trace)[-1].get("event"), "exit")
        lines = [line for line in run.err.decode("latin-1").splitlines() if line.startswith("wc-preload:")]
        self.assertEqual((run.status, len(lines)), (125, 1), run)
        return lines[0]

    def test_errors_of_callbacks(self):
        self.assertIn("script.lua:2: attempt to index a nil value", self.fails("function syscall_exit(e)\n local x = e.nope.x end"))
        self.assertIn("script.lua:1: mine", self.fails("function call(e) error('mine') end"))
        self.assertIn("script.lua:1: no place", self.fails("function call(e) error('no place', 0) end"))
        self.assertIn("script.lua:2: late", self.fails("function close()\nerror('late') end"))
        self.fails("function call(e) error('x') end function close() write('NOT CLOSED') end")
        self.assertNotIn("NOT CLOSED", self.last)
        self.assertIn("script.lua:1: in flush", self.fails("function flush(now) error('in flush') end"))
        self.assertIn("script.lua:1: attempt to yield", self.fails("function call(e) coroutine.yield(1) end"))

    def test_error_objects(self):
        self.assertIn("script.lua:1: the error is a table, not a text", self.fails("function call(e) error({code = 1}) end"))
        self.assertIn("script.lua:1: in words", self.fails("function call(e) error(setmetatable({}, {__tostring = function() return 'in words' end})) end"))
        self.fails("function call(e) error(setmetatable({}, {__tostring = function() error('again') end})) end")
        self.assertIn("script.lua:1: the error is a nil", self.fails("function call(e) error() end"))
        line = self.fails("function call(e) error('a\\nb\\0c\\27[2J\\xff') end")
        self.assertIn(r"a\nb\0c\33[2J\377", line)
        self.assertLess(len(self.fails("function call(e) error(('x'):rep(100000)) end")), 600)

    def test_endless_loops(self):
        said = "more instructions than a callback may use"
        self.assertIn("script.lua:1: " + said, self.fails("function call(e) while true do end end"))
        self.assertIn(said, self.fails("function call(e) while true do pcall(function() while true do end end) end end"))
        self.assertIn(said, self.fails("function call(e) while true do coroutine.wrap(function() for i = 1, 300 do end end)() end end"))
        self.assertIn(said, self.fails("local function f() while true do pcall(f) end end function call(e) f() end"))
        self.assertIn(said, self.fails("function close() while true do end end", spec=":instructions=100000"))
        for body in ("xpcall(error, function() while true do end end)",
                     "pcall(function() local x <close> = setmetatable({}, {__close = function() while true do end end}) error('x') end) while true do end",
                     "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) while true do pcall(function() return t[1] end) end",
                     "coroutine.wrap(function() local x <close> = setmetatable({}, {__close = function() while true do end end}) while true do end end)()",
                     "string.gsub(('x'):rep(1000000), 'x', function() for i = 1, 100 do end end)",
                     "table.sort({3, 1, 2}, function() while true do end end)"):
            with self.subTest(body):
                self.fails(f"function call(e) {body} while true do end end", spec=":instructions=1000000")

    def test_memory_bombs(self):
        said = "more memory than the 16 MiB"
        spec = ":memory=16"
        self.assertIn("script.lua:2: " + said, self.fails("function call(e) local t = {}\nwhile true do t[#t + 1] = {} end end", spec=spec))
        self.assertIn(said, self.fails("function call(e) local s = 'x' while true do s = s .. s end end", spec=spec))
        self.assertIn("no room", self.fails("function call(e) string.rep('x', 1 << 40) end", spec=spec))
        self.assertIn("more elements", self.fails("function call(e) table.move({}, 1, 1 << 60, 2) end", spec=spec))
        self.assertIn(said, self.fails("kept = {} function call(e) for i = 1, 1e6 do kept[#kept + 1] = e end end", spec=spec))
        self.fails("local function f() return f() + 1 end function call(e) f() end", spec=spec)

    def test_what_scripts_cannot_do(self):
        for code in ("os.exit(3)", "os.execute('true')", "io.popen('true')", "require 'x'", "dofile()", "io.read()",
                     "setmetatable({}, {__gc = function() end})", "debug.sethook()", "os.remove('x')", "getmetatable(e).__gc = print",
                     "getmetatable(io.open('/dev/null')).__gc = print"):
            with self.subTest(code):
                self.assertIn("script.lua:1: ", self.fails(f"function call(e) {code} end"))
        self.assertIn("binary", self.fails("function call(e) assert(load(string.dump(function() end))) end"))

    def test_files_that_are_no_scripts(self):
        self.assertIn("No such file", self.refused("./missing.lua"))
        self.assertIn("No such file", self.refused("lua:script=missing"))
        os.mkdir(self.path("folder.lua"))
        self.assertIn("Is a directory", self.refused(self.path("folder.lua")))
        os.mkfifo(self.path("fifo.lua"))
        self.assertIn("no regular file", self.refused(self.path("fifo.lua")))
        self.assertIn("binary", self.refused(self.script("\x1bLua")))
        if os.geteuid() == 0:
            path = self.script("x = 1", "secret.lua")
            os.chmod(path, 0)
            os.chmod(self.dir, 0o755)
            run = self.run_plain(self.as_nobody(self.tool, "-b", path, "--", "true"))
            self.assertIn(b"Permission denied", run.err)
        self.assertIn("needs a script", self.refused("lua"))
        self.assertIn("script.lua:2: ", self.refused(self.script("x = 1\nfunction (")))
        self.assertIn("script.lua:1: at once", self.refused(self.script("error('at once')")))
        self.assertIn("script.lua:1: more instructions", self.refused(self.script("while true do end") + ":instructions=1000"))
        self.assertIn("more text than can be kept", self.refused(self.script("while true do write(('x'):rep(100000)) end")))
        self.assertIn("`call` is no function", self.refused(self.script("call = 3")))
        self.assertIn("script.lua:1: bad option", self.refused(self.script("function open(o) error('bad option') end")))
        self.assertIn("option 'memory'", self.refused(self.script("") + ":memory=0"))
        self.assertIn("option 'instructions'", self.refused(self.script("") + ":instructions=many"))


@only_under("dispatch")
class Examples(Lua):
    def example(self, name, argv, *options, spec="", status=0):
        output = self.path("written")
        run = self.run_tool(argv, "-b", f"{EXAMPLES}/{name}.lua:output={output}{spec}", *options)
        self.assertEqual(run.status, status, run)
        with open(output) as file:
            return file.read()

    def test_latency_by_path(self):
        text = self.example("latency_by_path", ["sort", "/etc/passwd"], spec=",top=3")
        lines = text.splitlines()
        self.assertEqual(lines[0].split(), ["calls", "total", "us", "slowest", "us", "path"])
        self.assertLessEqual(len(lines), 5)
        whole = self.example("latency_by_path", ["sort", "/etc/passwd"], spec=",top=1000")
        row = next(line.split() for line in whole.splitlines() if line.endswith(" /etc/passwd"))
        self.assertGreaterEqual(int(row[0]), 2)
        totals = [float(line.split()[1]) for line in whole.splitlines()[1:]]
        self.assertEqual(totals, sorted(totals, reverse=True))
        self.assertIn("takes a number", self.refused(f"{EXAMPLES}/latency_by_path.lua:top=x"))

    def test_first_failure(self):
        text = self.example("first_failure", [program("tampered_functions")], "--fault", "openat@fopen:error=EMFILE", spec=",error=EMFILE")
        lines = text.splitlines()
        self.assertRegex(lines[0], r"^first failure in fopen: openat\(.*/etc/hostname.* EMFILE")
        self.assertRegex(text, r"#\d+ +use_fopen in .*tampered_functions\.c:\d+")
        self.assertEqual(self.example("first_failure", ["true"], spec=",error=EXDEV"), "no call has failed with EXDEV\n")

    def test_deny(self):
        os.mkdir(self.path("kept"))
        kept, free = self.path("kept/file"), self.path("free")
        text = self.example("deny", ["sh", "-c", f"echo x > {kept}; echo y > {free}; mkdir {self.path('kept')}/d; cat {free}"], spec=f",below={self.path('kept')}")
        self.assertEqual(os.listdir(self.path("kept")), [])
        with open(free) as file:
            self.assertEqual(file.read(), "y\n")
        self.assertEqual(text.splitlines()[-1], "2 denied")
        self.assertIn("option below=FOLDER is needed", self.refused(f"{EXAMPLES}/deny.lua"))

    def test_count_by_caller(self):
        text = self.example("count_by_caller", [program("tampered_functions")], "-F", "open,fopen,close")
        counts = {line.split(None, 1)[1]: int(line.split()[0]) for line in text.splitlines()}
        place = next(key for key in counts if key.startswith("fopen from use_fopen"))
        self.assertRegex(place, r"\(.*tampered_functions\.c:\d+\)$")
        self.assertEqual(sum(n for key, n in counts.items() if key.startswith("open from write_once")), 2)

    def test_watch_fd(self):
        text = self.example("watch_fd", ["sh", "-c", "exec 5</etc/passwd; read x <&5; exec 5<&-; cat /etc/group"], spec=",path=/etc/passwd")
        self.assertIn("passwd", text)
        self.assertRegex(text, r"(?m)^ *\d+\.\d{6} \d+ read: read\(")
        self.assertNotIn("/etc/group", text)
        self.assertIn("close(", text)


if __name__ == "__main__":
    main()
