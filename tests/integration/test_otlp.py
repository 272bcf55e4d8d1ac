"""Back end otlp: spans are what JSON says; a receiver that checks the specification; trouble with the receiver; sampling."""
import collections
import json
import os
import time

import harness
from collector import Collector, spans_of
from harness import Case, main, only_under, program, read_json

COMMAND = ["sh", "-c", "ls /etc /nonexistent; sort /etc/passwd; cat /etc/group | wc -l"]
PARENT = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
VARIABLES = ("TRACEPARENT", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS")


def attributes(span):
    return {one["key"]: next(iter(one["value"].values())) for one in span.get("attributes", [])}


class Otlp(Case):
    def setUp(self):
        super().setUp()
        self.collectors = []

    def tearDown(self):
        for collector in self.collectors:
            collector.close()
        super().tearDown()

    def collector(self, *answers):
        self.collectors.append(Collector(answers or ("ok",)))
        return self.collectors[-1]

    def run_with(self, spec, argv=COMMAND, *options, **variables):
        env = {key: value for key, value in os.environ.items() if key not in VARIABLES and not key.endswith("_proxy")}
        return self.run_tool(argv, "-b", spec, *options, env={**env, **variables}, limit=60)

    def file(self, argv=COMMAND, *options, spec="", **variables):
        """Spans of a run that has written them to a file, each with its resource, and the events of JSON."""
        path, trace = self.path("otlp"), self.path("trace")
        run = self.run_with(f"otlp:output={path}{spec}", argv, "-b", f"json:output={trace}", *options, **variables)
        self.assertNotIn(b"wc-preload", run.err)
        with open(path) as file:
            self.spans = [one for line in file for one in spans_of(json.loads(line))]
        return [e for e in read_json(trace)]

    def refused(self, *options, **variables):
        run = self.run_with(options[0], ["sh", "-c", "echo ran"], *options[1:], **variables)
        self.assertEqual((run.status, run.out, run.err.count(b"\n")), (125, b"", 1), run)
        return run.err.decode()


class Spans(Otlp):
    def check(self, events):
        calls = {e["call"]: e for e in events if e["type"] == "call"}
        ends = {e["call"]: e for e in events if e["type"] == "return"}
        syscalls = [e for e in events if e["type"] == "syscall"]
        with open(self.path("trace")) as file:
            offset = json.loads(file.readline())["realtime_offset"]
        by_id = {span["spanId"]: (resource, span) for resource, _, span in self.spans}
        self.assertEqual(len(by_id), len(self.spans), "ids are unique")
        self.assertEqual(len(self.spans), len(calls) + len(syscalls))
        close = lambda a, b: abs(int(a) - b - offset) < 50_000_000  # the clocks are read twice
        wanted = collections.Counter([(e["function"], e["pid"]) for e in calls.values()] + [(e["name"], e["pid"]) for e in syscalls])
        self.assertEqual(wanted, collections.Counter((span["name"], resource["process.pid"]) for resource, _, span in self.spans))
        durations = collections.Counter((e["name"], e["dur"], e.get("error")) for e in syscalls)
        durations += collections.Counter((calls[id]["function"], e["ts"] - calls[id]["ts"], None) for id, e in ends.items())
        found = collections.Counter()
        for resource, _, span in self.spans:
            if "wc.unfinished" not in attributes(span):
                found[span["name"], int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]), span["status"].get("message")] += 1
        self.assertEqual(found - durations, collections.Counter())
        for resource, _, span in self.spans:
            parent = by_id.get(span.get("parentSpanId"))
            if "wc.syscall.nr" in attributes(span):
                self.assertEqual(parent[0]["process.pid"], resource["process.pid"])
                self.assertGreaterEqual(int(span["startTimeUnixNano"]), int(parent[1]["startTimeUnixNano"]))
        first = min(e["ts"] for e in calls.values())
        self.assertTrue(close(min(int(span["startTimeUnixNano"]) for _, _, span in self.spans), first))

    def test_spans_are_calls_and_syscalls(self):
        self.check(self.file())
        self.assertEqual(len({span["traceId"] for _, _, span in self.spans}), 1)
        self.assertTrue(any("parentSpanId" not in span for _, _, span in self.spans))
        failed = [span for _, _, span in self.spans if span["status"].get("message") == "ENOENT"]
        self.assertTrue(failed)
        self.assertTrue(all(attributes(span)["error.type"] == "ENOENT" and span["status"]["code"] == 2 for span in failed))
        names = {resource.get("process.executable.name") for resource, _, _ in self.spans}
        self.assertLessEqual({"ls", "sort", "cat", "wc"}, names)

    def test_syscalls_as_events_and_as_attributes(self):
        events = self.file(spec=",syscalls=events")
        syscalls = collections.Counter(e["name"] for e in events if e["type"] == "syscall")
        self.assertEqual(syscalls, collections.Counter(event["name"] for _, _, span in self.spans for event in span.get("events", [])))
        events = self.file(spec=",syscalls=attributes")
        calls = sum(e["type"] == "call" for e in events)
        self.assertEqual(len(self.spans), calls)
        self.assertEqual(sum(int(attributes(span)["wc.syscalls.count"]) for _, _, span in self.spans),
                         sum(e["type"] == "syscall" for e in events))

    @only_under("dispatch")
    def test_a_span_has_no_more_events_than_elsewhere(self):
        self.file(["sh", "-c", "find / -maxdepth 3 >/dev/null 2>&1; true"], "-F", "fts_read,fts_open", spec=",syscalls=events")
        for _, _, span in self.spans:
            self.assertLessEqual(len(span.get("events", [])), 128)

    @only_under("dispatch")
    def test_traceparent_is_the_parent(self):
        self.file(TRACEPARENT="00-" + "-".join(PARENT) + "-01")
        self.assertEqual({span["traceId"] for _, _, span in self.spans}, {PARENT[0]})
        outer = [span for _, _, span in self.spans if span.get("parentSpanId") == PARENT[1]]
        self.assertGreater(len(outer), 10)
        self.assertTrue(all(span["flags"] & 0x300 == 0x300 for span in outer), "its parent is remote")
        self.file(spec=",trace=call", TRACEPARENT="00-" + "-".join(PARENT) + "-01")
        roots = [span for _, _, span in self.spans if "parentSpanId" not in span]
        self.assertGreater(len({span["traceId"] for span in roots}), 10)
        self.assertTrue(all([link["traceId"] for link in span["links"]] == [PARENT[0]] for span in roots))

    @only_under("dispatch")
    def test_a_traceparent_that_is_none(self):
        for text in ("01", "00-" + "0" * 32 + "-b7ad6b7169203331-01", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"):
            run = self.run_with(f"otlp:output={self.path('x')}", TRACEPARENT=text)
            self.assertIn(b"TRACEPARENT is not of the W3C's form", run.err)
        run = self.run_with(f"otlp:output={self.path('x')}", TRACEPARENT="00-" + "-".join(PARENT) + "-00")
        self.assertIn(b"not sampled: nothing is sent", run.err)
        self.assertEqual(os.path.getsize(self.path("x")), 0)

    @only_under("dispatch")
    def test_resource(self):
        self.file(OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=a%20b,host.name=other,service.name=no", OTEL_SERVICE_NAME="env")
        resource = self.spans[0][0]
        self.assertEqual((resource["deployment.environment.name"], resource["host.name"], resource["service.name"]), ("a b", "other", "env"))
        self.file(spec=",service=mine", OTEL_SERVICE_NAME="env")
        self.assertEqual({resource["service.name"] for resource, _, _ in self.spans}, {"mine"})
        self.assertEqual(self.spans[0][0]["host.name"], os.uname().nodename)

    @only_under("dispatch")
    def test_sampling_agrees_within_a_tree(self):
        """By the trace's id: the same trace is in or out whatever process or tool asks."""
        taken = {}
        for half in ("80000000000000", "7fffffffffffff", "ffffffffffffff", "00000000000000"):
            trace = "1" * 18 + half
            for _ in range(2):
                self.file(["sh", "-c", "ls /; sort /etc/passwd"], spec=",ratio=0.5", TRACEPARENT=f"00-{trace}-{PARENT[1]}-01")
                taken.setdefault(half, set()).add(len(self.spans) > 0)
                pids = {resource["process.pid"] for resource, _, _ in self.spans}
                self.assertIn(len(pids), (0, 2, 3), "all processes or none")
                self.assertTrue(all(span["traceState"] == "ot=th:8" for _, _, span in self.spans))
        self.assertEqual(taken, {"80000000000000": {True}, "ffffffffffffff": {True}, "7fffffffffffff": {False}, "00000000000000": {False}})

    @only_under("inproc")
    def test_each_call_is_sampled(self):
        self.file([program("ring_burst"), "20000", "1"], "-F", "lseek", spec=",trace=call,ratio=0.05")
        roots = [span for _, _, span in self.spans if "parentSpanId" not in span]
        self.assertTrue(700 < len(roots) < 1300, len(roots))
        by_id = {span["spanId"]: span for _, _, span in self.spans}
        for _, _, span in self.spans:
            if "parentSpanId" in span:
                self.assertEqual(span["traceId"], by_id[span["parentSpanId"]]["traceId"], "what is in a call shares its fate")


@only_under("dispatch")
class Sending(Otlp):
    def send(self, collector, *options, spec="", **variables):
        started = time.monotonic()
        run = self.run_with(f"otlp:endpoint={collector.url}{spec}", COMMAND, *options, **variables)
        self.took = time.monotonic() - started
        self.assertEqual(collector.faults, [])
        self.assertEqual(run.status, 0, run)
        return run

    def said(self, run):
        return [line for line in run.err.decode().splitlines() if line.startswith("wc-preload:")]

    def test_all_spans_arrive(self):
        for compression in ("gzip", "none"):
            collector = self.collector()
            run = self.send(collector, "-b", f"json:output={self.path('trace')}", spec=f",batch=50,compression={compression}")
            expected = sum(e["type"] in ("call", "syscall") for e in read_json(self.path("trace")))
            self.assertEqual(len(collector.taken), expected)
            self.assertGreaterEqual(len(collector.requests), expected // 50)
            self.assertLessEqual(max(one["spans"] for one in collector.requests), 50)
            self.assertEqual(self.said(run), [])
            self.assertEqual(collector.requests[0]["headers"].get("Content-Encoding"), "gzip" if compression == "gzip" else None)

    def test_headers_of_the_environment(self):
        collector = self.collector()
        self.send(collector, OTEL_EXPORTER_OTLP_HEADERS="x-tenant=a%20b, authorization=Bearer%20t")
        headers = collector.requests[0]["headers"]
        self.assertEqual((headers["x-tenant"], headers["authorization"]), ("a b", "Bearer t"))
        self.assertTrue(headers["User-Agent"].startswith("wc-intercept/"))

    def test_trouble_that_passes(self):
        for answers in ((503, "ok"), (502, 504, "ok"), ((429, 2), "ok"), ((503, 1), "ok")):
            with self.subTest(answers):
                collector = self.collector(*answers)
                run = self.send(collector, "-b", f"json:output={self.path('trace')}", spec=",batch=100000,linger=20")
                expected = sum(e["type"] in ("call", "syscall") for e in read_json(self.path("trace")))
                self.assertEqual((len(collector.taken), self.said(run)), (expected, []))
                pauses = [b["time"] - a["time"] for a, b in zip(collector.requests, collector.requests[1:])]
                asked = answers[0][1] if isinstance(answers[0], tuple) else 1
                self.assertGreaterEqual(pauses[0], asked - 0.1)
                self.assertLessEqual(pauses[0], asked * 1.5 + 1)

    def test_trouble_that_stays(self):
        collector = self.collector(400)
        run = self.send(collector)
        self.assertEqual(len(collector.requests), len({one["time"] for one in collector.requests}))
        self.assertRegex(self.said(run)[0], r"\d+ spans were lost: http://127\.0\.0\.1:\d+/v1/traces did not take them: HTTP status 400")
        self.assertEqual(sum(one["spans"] for one in collector.requests), int(self.said(run)[0].split()[3]), "no batch came twice")

    def test_partial_success(self):
        collector = self.collector(("partial", 3, "too \x1b[2J old"), ("partial", 0, "only a warning"), "ok")
        run = self.send(collector, spec=",batch=100000")
        self.assertEqual(len(collector.requests), 1, "it is not sent again")
        self.assertIn(r"3 spans were lost: the receiver has refused them: too \33[2J old", self.said(run)[0])
        self.assertIn("the receiver warns: only a warning", self.said(self.send(collector, spec=",batch=100000"))[0])

    def test_a_receiver_that_never_answers_keeps_nobody_waiting(self):
        native = self.run_plain(COMMAND)
        collector = self.collector("never")
        run = self.send(collector, spec=",batch=10,linger=1")
        self.assertEqual(run.out, native.out)
        self.assertLess(self.took, 10 * harness.SLOWNESS)
        self.assertRegex(self.said(run)[-1], r"\d+ spans were lost: .* did not take them: ")

    def test_the_program_inherits_nothing(self):
        fds = lambda spec: self.run_with(spec, ["ls", "/proc/self/fd"]).out
        self.assertEqual(fds(f"otlp:endpoint={self.collector().url}"), fds("none"))

    def test_nobody_there(self):
        for url in ("http://127.0.0.1:9", "http://no-such-host.invalid:4318", "http://192.0.2.1:4318"):
            with self.subTest(url):
                started = time.monotonic()
                run = self.run_with(f"otlp:endpoint={url},linger=1", ["ls", "/"])
                self.assertLess(time.monotonic() - started, 10 * harness.SLOWNESS)
                self.assertEqual(run.status, 0, run)
                self.assertEqual(len(self.said(run)), 1, run)
                self.assertIn("spans were lost", self.said(run)[0])

    def test_a_full_queue_drops_and_says_so(self):
        """A slow receiver: the program does not wait, what is lost is counted here, and there by the attribute."""
        collector = self.collector(("slow", 1), "ok")
        argv = ["sh", "-c", f"{program('ring_burst')} 60000 1; sleep 3; ls /"]
        run = self.run_with(f"otlp:endpoint={collector.url},queue=1,linger=30,output={self.path('all')}", argv, "-E", "inproc", "-F", "lseek,opendir")
        self.assertEqual((run.status, collector.faults), (0, []), run)
        with open(self.path("all")) as file:
            made = sum(len(spans_of(json.loads(line), check=False)) for line in file)
        lost = int(self.said(run)[0].split()[3])
        self.assertIn("the queue to", self.said(run)[0])
        self.assertEqual(len(collector.taken) + lost, made)
        self.assertGreater(max(scope.get("wc.spans.lost", 0) for _, scope, _ in collector.taken), 0)

    def test_what_is_refused(self):
        self.assertIn("needs a collector or a file", self.refused("otlp"))
        self.assertIn("is no URL", self.refused("otlp:endpoint=localhost:4318"))
        self.assertIn("is no URL", self.refused("otlp:endpoint=file:///etc/passwd"))
        for option, why in (("ratio=0", "above 0"), ("ratio=2", "at most 1"), ("ratio=x", "a number"), ("syscalls=no", "spans, events, attributes"),
                            ("batch=0", "from 1 to"), ("queue=-1", "from 1 to"), ("linger=x", "from 0 to"), ("compression=zstd", "none, gzip")):
            self.assertIn(why, self.refused(f"otlp:endpoint=http://localhost:4318,{option}"))
        self.assertIn("without -ff", self.refused("otlp:endpoint=http://localhost:4318", "-ff", "-o", self.path("x")))
        self.assertIn("OTEL_RESOURCE_ATTRIBUTES", self.refused("otlp:endpoint=http://localhost:4318", OTEL_RESOURCE_ATTRIBUTES="novalue"))
        self.assertIn("OTEL_EXPORTER_OTLP_HEADERS", self.refused("otlp:endpoint=http://localhost:4318", OTEL_EXPORTER_OTLP_HEADERS="a=b%0d%0aevil: 1"))


if __name__ == "__main__":
    main()
