"""Back end otlp against OpenTelemetry's JavaScript SDK: what its exporter writes of the same spans, field by field."""
import json
import os
import shutil
import subprocess
import tempfile

from harness import Case, HERE, main, need

PACKAGE = "@opentelemetry/otlp-transformer@0.223.1"
# Fields that say nothing where they are 0 or empty: of a protobuf both forms are the same message.
EMPTY = (0, [], {}, "", None)


def install(folder):
    """Why it cannot be had, or nothing."""
    try:
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder, PACKAGE],
                              capture_output=True, timeout=60, env={**os.environ, "npm_config_fetch_retries": "0"})
    except subprocess.TimeoutExpired:
        return "npm has not installed it within 60 s"
    return done.stderr.decode().strip().splitlines()[:1] or ["npm failed"] if done.returncode != 0 else None


def normal(value, key=None):
    """One form of what the JSON form of protobuf leaves open: 64-bit integers as numbers or texts, empty fields, orders."""
    if isinstance(value, dict):
        return {name: one for name, one in ((name, normal(one, name)) for name, one in value.items()) if one not in EMPTY or name == "boolValue"}
    if isinstance(value, list):
        items = [normal(one) for one in value]
        return sorted(items, key=lambda one: one["key"]) if key == "attributes" else items
    return str(value) if key == "intValue" else value


def spans(lines):
    found = {}
    for line in lines:
        for group in json.loads(line)["resourceSpans"]:
            for scope in group["scopeSpans"]:
                for span in scope["spans"]:
                    found[span["spanId"]] = (normal(group["resource"]), normal(scope["scope"]), normal(span))
    return found


class Sdk(Case):
    @need("node", "npm")
    def test_the_exporter_of_the_sdk_writes_the_same(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        if why := install(folder):
            self.skipTest(f"{PACKAGE} cannot be installed: {why}")
        for spec in ("", ",syscalls=events", ",trace=call,ratio=0.5", ",syscalls=attributes"):
            path = self.path("spans")
            env = {**os.environ, "TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
            self.run_tool(["sh", "-c", "ls /etc /nonexistent; sort /etc/passwd"], "-b", f"otlp:output={path}{spec}", env=env)
            theirs = subprocess.run(["node", f"{HERE}/otlp_sdk.mjs", path], capture_output=True, text=True, timeout=60,
                                    env={**os.environ, "SDK_FOLDER": folder}, check=True).stdout.splitlines()
            with open(path) as file:
                ours = spans(file)
            theirs = spans(theirs)
            self.assertGreater(len(ours), 20)
            self.assertEqual(set(ours), set(theirs))
            for id, span in ours.items():
                for mine, its in zip(span, theirs[id]):
                    self.assertEqual(mine, its, spec)


if __name__ == "__main__":
    main()
