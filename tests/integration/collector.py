"""A receiver of OTLP/HTTP in JSON that checks what the specification demands of a sender, and that can refuse, be slow,
or never answer. In the test's process, or by itself: collector.py PORT-FILE REPORT-FILE [ADDRESS]."""
import gzip
import http.server
import json
import re
import signal
import sys
import threading
import time

HEX = {"traceId": 32, "spanId": 16, "parentSpanId": 16}
TIMES = ("startTimeUnixNano", "endTimeUnixNano", "timeUnixNano")
# Of trace.proto and common.proto, with the types that their JSON has.
KNOWN = {
    "span": {"traceId", "spanId", "traceState", "parentSpanId", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano",
             "attributes", "droppedAttributesCount", "events", "droppedEventsCount", "links", "droppedLinksCount", "status"},
    "event": {"timeUnixNano", "name", "attributes", "droppedAttributesCount"},
    "link": {"traceId", "spanId", "traceState", "attributes", "droppedAttributesCount", "flags"},
    "value": {"stringValue": str, "boolValue": bool, "intValue": str, "doubleValue": float, "arrayValue": dict},
}


class Faulty(Exception):
    pass


def demand(holds, what):
    if not holds:
        raise Faulty(what)


def check_attributes(attributes):
    keys = [one["key"] for one in attributes]
    demand(len(keys) == len(set(keys)) and all(keys), f"attributes: keys twice or empty: {keys}")
    for one in attributes:
        demand(set(one) == {"key", "value"} and len(one["value"]) == 1, f"attribute {one}")
        kind, value = next(iter(one["value"].items()))
        demand(type(value) is KNOWN["value"].get(kind), f"attribute {one}: type of the value")
        demand(kind != "intValue" or re.fullmatch(r"-?[0-9]{1,19}", value), f"attribute {one}: no integer")


def check_ids(thing):
    for key, digits in HEX.items():
        if key in thing:
            demand(re.fullmatch(f"[0-9a-f]{{{digits}}}", thing[key]) and int(thing[key], 16) != 0, f"{key} {thing[key]!r}")
    for key in TIMES:
        if key in thing:
            demand(isinstance(thing[key], str) and re.fullmatch("[0-9]{1,20}", thing[key]), f"{key} {thing[key]!r}")


def check_span(span):
    demand(set(span) <= KNOWN["span"], f"unknown fields {set(span) - KNOWN['span']}")
    demand({"traceId", "spanId", "name", "startTimeUnixNano", "endTimeUnixNano"} <= set(span), f"fields missing: {span}")
    check_ids(span)
    demand(int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), f"ends before it starts: {span}")
    demand(abs(int(span["endTimeUnixNano"]) / 1e9 - time.time()) < 3600, "times are not those of the day")
    demand(span["name"] and isinstance(span["name"], str), "a span without a name")
    demand(span.get("kind", 1) in range(1, 6) and span.get("status", {}).get("code", 0) in (0, 1, 2), f"kind or status of {span}")
    check_attributes(span.get("attributes", []))
    for event in span.get("events", []):
        demand(set(event) <= KNOWN["event"], f"unknown fields of event {event}")
        check_ids(event)
        check_attributes(event.get("attributes", []))
    for link in span.get("links", []):
        demand(set(link) <= KNOWN["link"], f"unknown fields of link {link}")
        check_ids(link)


def spans_of(request, check=True):
    """Of a request: (resource as a dict, scope's attributes as a dict, span) for each span."""
    demand(set(request) == {"resourceSpans"} and request["resourceSpans"], f"request with {set(request)}")
    plain = lambda attributes: {one["key"]: int(next(iter(one["value"].values()))) if "intValue" in one["value"]
                                else next(iter(one["value"].values())) for one in attributes}
    found = []
    for group in request["resourceSpans"]:
        demand(set(group) <= {"resource", "scopeSpans", "schemaUrl"}, f"resourceSpans with {set(group)}")
        check_attributes(group["resource"]["attributes"])
        resource = plain(group["resource"]["attributes"])
        demand(resource.get("service.name"), "a resource without service.name")
        for scope in group["scopeSpans"]:
            demand(set(scope) <= {"scope", "spans", "schemaUrl"}, f"scopeSpans with {set(scope)}")
            for span in scope["spans"]:
                if check:
                    check_span(span)
                found.append((resource, plain(scope["scope"].get("attributes", [])), span))
    return found


class Collector:
    """`answers`: what the next requests get, the last one for ever: "ok", a status, (status, Retry-After), ("partial", N, message),
    ("slow", seconds), "never"."""

    def __init__(self, answers=("ok",), address="127.0.0.1"):
        self.answers, self.faults, self.taken, self.requests = list(answers), [], [], []
        self.lock, self.closing = threading.Lock(), threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *words):
                pass

            def do_POST(self):
                outer.answer(self)

        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://{address}:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def next_answer(self):
        with self.lock:
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def read(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        demand(handler.path == "/v1/traces", f"path {handler.path}")
        demand(handler.headers["Content-Type"].split(";")[0] == "application/json", f"Content-Type {handler.headers['Content-Type']}")
        encoding = handler.headers.get("Content-Encoding", "identity")
        demand(encoding in ("gzip", "identity"), f"Content-Encoding {encoding}")
        plain = gzip.decompress(body) if encoding == "gzip" else body
        return spans_of(json.loads(plain.decode("utf-8"))), len(body), len(plain)

    def answer(self, handler):
        try:
            spans, size, plain = self.read(handler)
        except (Faulty, ValueError, KeyError, TypeError) as fault:
            with self.lock:
                self.faults.append(f"{type(fault).__name__}: {fault}")
            return self.send(handler, 400, {"message": str(fault)})
        how = self.next_answer()
        with self.lock:
            self.requests.append({"time": time.monotonic(), "spans": len(spans), "size": size, "plain": plain,
                                  "headers": dict(handler.headers), "answer": how})
        if how == "never":
            self.closing.wait()
            return handler.connection.close()
        kind, *more = how if isinstance(how, (tuple, list)) else (how,)
        if kind == "slow":
            self.closing.wait(more[0])
        if kind in ("ok", "slow", "partial"):
            rejected = more[0] if kind == "partial" else 0
            with self.lock:
                self.taken += spans[rejected:]
            partial = {"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": more[1]}} if kind == "partial" else {}
            return self.send(handler, 200, partial)
        self.send(handler, kind, {"message": "as asked for"}, {"Retry-After": str(more[0])} if more else {})

    def send(self, handler, status, answer, headers={}):
        body = json.dumps(answer).encode()
        try:
            handler.send_response(status)
            for key, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
                handler.send_header(key, value)
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            pass  # it has gone

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


def main():
    collector = Collector(address=sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with open(sys.argv[1], "w") as file:
        file.write(f"{collector.port}\n")
    try:
        while True:
            time.sleep(3600)
    finally:
        per_host = {}
        for resource, scope, span in collector.taken:
            row = per_host.setdefault(resource["host.name"], {"spans": 0, "lost": 0})
            row["spans"] += 1
            row["lost"] = max(row["lost"], scope.get("wc.spans.lost", 0))
        sizes = {key: sum(one[key] for one in collector.requests) for key in ("spans", "size", "plain")}
        with open(sys.argv[2], "w") as file:
            json.dump({"hosts": per_host, "faults": collector.faults, "requests": len(collector.requests), **sizes}, file)


if __name__ == "__main__":
    main()
