"""sqlite, perfetto, speedscope, html: what they write is what JSON of the same run says, and other programs can read it."""
import collections
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import time

import browser
import harness
from harness import Case, GATE, HERE, ROOT, main, need, only_under, program, read_json

COMMAND = ["sh", "-c", "ls /etc /nonexistent; sort /etc/passwd; cat /etc/group | wc -l"]


def cell(selector, row, column):
    return f"document.querySelector('{selector} tbody').rows[{row}].cells[{column}].textContent"


class Outputs(Case):
    def record(self, name, argv=COMMAND, *options, limit=60):
        """The back end's file and the events of the same run."""
        path, trace = self.path(f"run.{name}"), self.path("trace.json")
        run = self.run_tool(argv, "-b", f"{name}:output={path}", "-b", f"json:output={trace}", *options, limit=limit)
        self.assertNotIn(b"wc-preload", run.err)
        return path, read_json(trace)

    def of(self, events, kind):
        return [event for event in events if event["type"] == kind]


class Sqlite(Outputs):
    def test_the_database_is_the_run(self):
        path, events = self.record("sqlite")
        self.assertFalse(os.path.exists(path + "-journal"))
        base = sqlite3.connect(path)
        ask = lambda sql: base.execute(sql).fetchall()
        self.assertEqual(ask("PRAGMA foreign_key_check"), [])
        self.assertEqual(ask("PRAGMA integrity_check"), [("ok",)])
        calls, syscalls = self.of(events, "call"), self.of(events, "syscall")
        self.assertEqual(ask("SELECT ts, dur, name, text, error, path, call FROM syscall ORDER BY id"),
                         [(e["ts"], e["dur"], e["name"], e["text"], e.get("error"), e.get("path"), e.get("call")) for e in syscalls])
        self.assertEqual(ask("SELECT c.id, ts, parent, name, library, depth FROM call c JOIN function f ON f.id = function ORDER BY c.id"),
                         sorted((e["call"], e["ts"], e.get("parent"), e["function"], e["library"], e["depth"]) for e in calls))
        self.assertEqual(dict(ask("SELECT id, dur FROM call WHERE dur IS NOT NULL")),
                         {e["call"]: e["dur"] for e in self.of(events, "return")})
        starts = [e for e in self.of(events, "process") if e["event"] in ("start", "exec")]
        self.assertEqual(collections.Counter(row[0] for row in ask("SELECT program FROM process WHERE program NOT LIKE '%sh' AND program NOT LIKE '%dash'")),
                         collections.Counter(e["path"] for e in starts if not e["path"].endswith(("sh", "dash"))))
        self.assertEqual(ask("SELECT count(*) FROM arg WHERE syscall IS NOT NULL"), [(sum(len(e["args"]) for e in syscalls),)])
        self.assertEqual(ask("SELECT is_complete, json_extract(argv, '$[0]') FROM run"), [(1, "sh")])
        for view in ("by_function", "by_syscall", "by_path", "slowest", "errors"):
            self.assertTrue(ask(f"SELECT * FROM {view}"), view)
        self.assertEqual(ask("SELECT sum(count), sum(errors) FROM by_syscall"), [(len(syscalls), sum("error" in e for e in syscalls))])

    @only_under("dispatch")
    def test_the_queries_of_the_page(self):
        with open(f"{ROOT}/docs/sqlite.md") as file:
            queries = re.findall(r"(?ms)^```sql\n(.*?)^```", file.read())
        self.assertEqual(len(queries), 10)
        # malloc: other functions call it.
        path, _ = self.record("sqlite", [*COMMAND[:2], COMMAND[2] + "; python3 -c 'import json; open(\"/dev/null\", \"w\").write(\"x\")'"], "-F", "@default,malloc")
        base = sqlite3.connect(path)
        for query in queries:
            rows = base.execute(query).fetchall()
            self.assertTrue(rows, query)
        missing = dict((row[0], row[2]) for row in base.execute(queries[2]))
        self.assertGreaterEqual(missing["/nonexistent"], 1)
        opened = [row for row in base.execute(queries[1]) if row[0] == "/etc/passwd"]
        self.assertEqual([row[1] for row in opened], ["open"])

    @only_under("dispatch", "inproc")
    def test_a_killed_tracer_leaves_a_file_that_opens(self):
        for moment in (0.3, 0.6, 1.0, 1.5):
            path = self.path("killed.db")
            running = self.start(self.tool_argv(["sh", "-c", "while :; do ls / >/dev/null; done"], "-b", f"sqlite:output={path}"))
            harness.wait_until(lambda: os.path.exists(path) and os.path.getsize(path) > 100_000, 30, "rows in the file")
            time.sleep(moment)
            os.kill(running.pid, signal.SIGKILL)  # it is the tracer: the launcher has become it
            running.popen.wait()
            harness.processes.kill_all(os.getpid())
            base = sqlite3.connect(path)
            self.assertEqual(base.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(base.execute("PRAGMA foreign_key_check").fetchall(), [])
            self.assertEqual(base.execute("SELECT is_complete FROM run").fetchall(), [(0,)])
            self.assertGreater(base.execute("SELECT count(*) FROM syscall").fetchone()[0], 50)
            base.close()
            os.unlink(path)
            self.background.remove(running)
            running.close()

    @only_under("inproc")
    def test_a_million_calls(self):
        path = self.path("million.db")
        run = self.run_tool([program("ring_burst"), "1000000", "1"], "-b", f"sqlite:output={path},args=off", "-F", "lseek", limit=120)
        self.assertEqual(run.status, 0, run)
        base = sqlite3.connect(path)
        self.assertEqual(base.execute("SELECT count(*), sum(dur IS NULL) FROM call").fetchall(), [(1_000_000, 0)])
        self.assertEqual(base.execute("SELECT count(*) FROM syscall WHERE name = 'lseek'").fetchall(), [(1_000_000,)])
        waits = base.execute("SELECT waits FROM run").fetchone()[0]
        self.assertEqual(b"the tracer waited" in run.err, waits > 0, run)

    @only_under("dispatch")
    def test_what_is_refused(self):
        def refused(*options):
            run = self.run_plain([self.tool, *options, "--", "true"])
            self.assertEqual((run.status, run.err.count(b"\n")), (125, 1), run)
            return run.err
        self.assertIn(b"sqlite:output=FILE", refused("-b", "sqlite"))
        self.assertIn(b"on or off", refused("-b", f"sqlite:output={self.path('x')},args=some"))
        self.assertIn(b"cannot write", refused("-b", "sqlite:output=/dev/full"))
        old = self.write("old", "this is no database, but a text of some length" * 100)
        self.assertIn(b"not a database", refused("-A", "-b", f"sqlite:output={old}"))

    @only_under("dispatch")
    def test_a_file_for_each_process(self):
        path = self.path("each.db")
        run = self.run_tool(COMMAND, "-ff", "-b", f"sqlite:output={path}")
        self.assertEqual(run.status, 0, run)
        files = [name for name in os.listdir(self.dir) if re.fullmatch(r"each\.db\.\d+", name)]
        self.assertGreaterEqual(len(files), 4)
        for name in files:
            self.assertEqual(sqlite3.connect(self.path(name)).execute("SELECT is_complete FROM run").fetchall(), [(1,)])


class Perfetto(Outputs):
    @need("protoc")
    def test_slices_are_those_of_json(self):
        path, events = self.record("perfetto")
        with open(path, "rb") as file:
            decoded = subprocess.run(["protoc", f"--proto_path={HERE}", "--decode=perfetto_subset.Trace",
                                      f"{HERE}/perfetto_subset.proto"], stdin=file, capture_output=True, check=True)
        self.assertEqual(decoded.stderr, b"")
        text = decoded.stdout.decode()
        # A field that the schema does not have is printed by its number.
        self.assertEqual(re.findall(r"(?m)^\s*\d+[:{ ].*$", text), [])
        names, begun, ended = {}, collections.Counter(), 0
        for packet in re.split(r"(?m)^packet \{$", text)[1:]:
            for iid, name in re.findall(r'event_names \{\s*iid: (\d+)\s*name: "(.*)"', packet):
                names[iid] = name
            if "TYPE_SLICE_BEGIN" in packet:
                begun[names[re.search(r"(?m)^    name_iid: (\d+)", packet)[1]]] += 1
            ended += "TYPE_SLICE_END" in packet
        calls, syscalls = self.of(events, "call"), self.of(events, "syscall")
        self.assertEqual(begun, collections.Counter([e["function"] for e in calls] + [e["name"] for e in syscalls]))
        self.assertEqual(ended, sum(begun.values()))

    @only_under("dispatch")
    def test_not_to_a_terminal(self):
        parent, child = pty.openpty()
        for name in (b"perfetto", b"speedscope", b"html"):
            run = self.run_plain([self.tool, "-b", name, "--", "true"], stderr=child)
            self.assertEqual(run.status, 125)
            self.assertIn(name + b":output=FILE", os.read(parent, 1000))
        os.close(child)
        os.close(parent)


class Speedscope(Outputs):
    def test_profiles_are_those_of_json(self):
        path, events = self.record("speedscope")
        with open(path) as file:
            profile = json.load(file)
        frames = [frame["name"] for frame in profile["shared"]["frames"]]
        opened = collections.Counter(frames[e["frame"]] for p in profile["profiles"] if p["type"] == "evented"
                                     for e in p["events"] if e["type"] == "O")
        calls, syscalls = self.of(events, "call"), self.of(events, "syscall")
        self.assertEqual(opened, collections.Counter([e["function"] for e in calls] + [e["name"] for e in syscalls]))
        by_number = profile["profiles"][-1]
        self.assertEqual(sum(by_number["weights"]), len(syscalls))
        names = collections.Counter()
        for stack, weight in zip(by_number["samples"], by_number["weights"]):
            names[frames[stack[-1]]] += weight
        self.assertEqual(names, collections.Counter(e["name"] for e in syscalls))


class Html(Outputs):
    def setUp(self):
        super().setUp()
        if browser.find() is None:
            self.skipTest("not installed: chromium")

    def page(self, *args, **more):
        path, events = self.record("html", *args)
        page = browser.Browser(self.dir)
        self.addCleanup(page.close)
        return path, events, page

    def tearDown(self):
        self.doCleanups()
        super().tearDown()

    @only_under("dispatch", "inproc")
    def test_tables_sort_and_filter(self):
        path, events, page = self.page()
        page.open(path)
        syscalls = self.of(events, "syscall")
        totals = page.run("Object.fromEntries([...document.querySelectorAll('#totals div')].map((d) => [d.firstChild.textContent, d.lastChild.textContent]))")
        self.assertEqual(totals["system calls"].replace(",", ""), str(len(syscalls)))
        self.assertEqual(totals["errors"].replace(",", ""), str(sum("error" in e for e in syscalls)))
        number = collections.Counter(e["name"] for e in syscalls)
        rows = lambda: page.run("[...document.querySelector('#syscalls tbody').rows].map((r) => [r.cells[0].textContent, r.cells[1].textContent])")
        self.assertEqual({name: int(times.replace(",", "")) for name, times in rows()}, dict(number))
        page.click("#syscalls th:nth-child(2) button")
        times = [int(row[1].replace(",", "")) for row in rows()]
        self.assertEqual(times, sorted(times, reverse=True))
        page.click("#syscalls th:nth-child(2) button")
        self.assertEqual([int(row[1].replace(",", "")) for row in rows()], sorted(times))
        page.click("#syscalls th:nth-child(1) button")
        self.assertEqual([row[0] for row in rows()], sorted(number))
        page.type("#syscalls-filter", "open")
        self.assertEqual({row[0] for row in rows()}, {name for name in number if "open" in name})
        page.type("#errors-filter", "/nonexistent")
        self.assertEqual(page.run(cell("#errors", 0, 2)), "ENOENT")
        self.assertEqual(page.complaints(), [])

    @only_under("dispatch")
    def test_charts_zoom_and_search(self):
        path, events, page = self.page()
        page.open(path)
        whole = page.run("document.querySelector('#time-range').textContent")
        page.click("#time-in")
        zoomed = page.run("document.querySelector('#time-range').textContent")
        self.assertNotEqual(whole, zoomed)
        page.click("#time-reset")
        self.assertEqual(page.run("document.querySelector('#time-range').textContent"), whole)
        page.type("#flame-search", "openat")
        self.assertRegex(page.run("document.querySelector('#flame-found').textContent"), r"^[1-9]\d* found$")
        rows = page.run("flame.boxes.length")
        x = page.run("((box) => (box.left + box.width / 2) / document.querySelector('#flame-canvas').clientWidth)"
                     "(flame.boxes.at(-1).reduce((a, b) => (a.width > b.width ? a : b)))")
        page.click("#flame-canvas", x=x, y=0.99)  # what is at the bottom alone has fewer rows
        self.assertLess(page.run("flame.boxes.length"), rows)
        page.click("#flame-reset")
        self.assertEqual(page.run("flame.boxes.length"), rows)
        page.run("document.querySelector('input[value=count]').click()")
        self.assertEqual(page.run("flame.root.calls"), len(self.of(events, "syscall")))
        page.call("Input.dispatchMouseEvent", type="mouseWheel", x=10, y=10, deltaX=0, deltaY=-100)
        self.assertEqual(page.complaints(), [])

    @only_under("dispatch")
    def test_narrow_wide_light_and_dark(self):
        path, _, page = self.page()
        backs = set()
        for width in (400, 1200):
            for dark in (False, True):
                page.open(path, width=width, dark=dark)
                self.assertLessEqual(page.run("document.documentElement.scrollWidth"), width)
                backs.add(page.run("getComputedStyle(document.body).backgroundColor"))
        self.assertEqual(len(backs), 2)
        self.assertEqual(page.complaints(), [])

    @only_under("inproc")
    def test_a_million_events(self):
        path = self.path("million.html")
        run = self.run_tool([program("ring_burst"), "500000", "1"], "-b", f"html:output={path}", "-F", "lseek,open,close,fopen", limit=120)
        self.assertEqual(run.status, 0, run)
        self.assertLessEqual(os.path.getsize(path), 20_000_000)
        page = browser.Browser(self.dir)
        self.addCleanup(page.close)
        seconds = page.open(path)
        print(f"a million events: {os.path.getsize(path)} bytes, open after {seconds:.1f} s")
        self.assertLess(seconds, 3 * harness.SLOWNESS * 3)
        self.assertEqual(page.run("data.syscalls.find((row) => row[0] === 'lseek')[1]"), 500_000)
        self.assertEqual(page.complaints(), [])

    @only_under("dispatch")
    def test_injected_faults_and_hostile_names(self):
        evil = self.path("</script><img src=x onerror=alert(1)>")
        path, events, page = self.page(["cat", evil], "--inject", "openat@open:error=EIO:if=path=*img*")
        page.open(path)
        self.assertIn("error=EIO", page.run(cell("#injected", 0, 2)))
        self.assertIn("onerror", page.run(cell("#injected", 0, 3)))
        self.assertEqual(page.run("document.images.length"), 0)
        self.assertEqual(page.complaints(), [])


if __name__ == "__main__":
    main()
