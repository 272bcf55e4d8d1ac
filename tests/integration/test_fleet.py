"""Ten hosts, each a network namespace with a name of its own, send to one receiver; one link is slow, one is dead. Nobody waits,
and what is lost is counted on both sides. Needs root, ip, tc and unshare."""
import json
import os
import re
import signal
import subprocess
import time

import harness
from collector import spans_of
from harness import Case, HERE, main, need

HOSTS, SLOW, DEAD = 10, 8, 9
LINGER = 3
WORK = "for i in 1 2 3 4 5 6 7 8 9 10; do ls /etc >/dev/null; sleep 0.1; done"


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


class Fleet(Case):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root can make network namespaces")
        self.names, self.collector = [], None
        self.hub = self.namespace("hub")
        if self.hub is None:
            self.skipTest("this machine refuses network namespaces")
        ip("-n", self.hub, "link", "add", "bridge0", "type", "bridge")
        ip("-n", self.hub, "addr", "add", "10.77.0.1/24", "dev", "bridge0")
        ip("-n", self.hub, "link", "set", "bridge0", "up")
        for number in range(HOSTS):
            self.host(number)

    def tearDown(self):
        if self.collector is not None:
            self.collector.kill()
            self.collector.wait()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, timeout=20)
        super().tearDown()

    def namespace(self, what):
        name = f"wc{os.getpid()}{what}"
        if subprocess.run(["ip", "netns", "add", name], capture_output=True, timeout=20).returncode != 0:
            return None
        self.names.append(name)
        return name

    def host(self, number):
        name, port = self.namespace(f"h{number}"), f"port{number}"
        ip("-n", self.hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("-n", name, "addr", "add", f"10.77.0.{number + 10}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", self.hub, "link", "set", port, "up")
        if number != DEAD:  # what it sends vanishes
            ip("-n", self.hub, "link", "set", port, "master", "bridge0")
        if number == SLOW:
            subprocess.run(["tc", "-n", name, "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "16kbit", "burst", "2kb", "latency", "500ms"],
                           check=True, capture_output=True, timeout=20)

    def start_collector(self):
        self.port, self.report = self.path("port"), self.path("report")
        self.collector = subprocess.Popen(["ip", "netns", "exec", self.hub, "/usr/bin/python3", "-B", f"{HERE}/collector.py", self.port,
                                           self.report, "10.77.0.1"])
        harness.wait_until(lambda: os.path.exists(self.port) and os.path.getsize(self.port) > 1, 20, "the receiver's port")
        with open(self.port) as file:
            return f"http://10.77.0.1:{file.read().strip()}"

    def start_host(self, number, url):
        spec = f"otlp:endpoint={url},service=fleet,linger={LINGER},batch=20,delay=200,output={self.path(f'made{number}')}"
        tool = [os.path.join(harness.BUILD, "bin/wc-tracerd"), "-F", "@default", "-b", spec, "--", "sh", "-c", WORK]
        env = {key: value for key, value in os.environ.items() if not key.endswith("_proxy") and key != "TRACEPARENT"}
        return self.start(["ip", "netns", "exec", self.names[number + 1], "unshare", "--uts", "sh", "-c",
                           f'hostname host{number} && exec "$@"', "sh", *tool], env=env)

    @need("ip", "tc", "unshare")
    def test_a_slow_and_a_dead_link_keep_nobody_waiting(self):
        url = self.start_collector()
        runs = [self.start_host(number, url) for number in range(HOSTS)]
        took, results = {}, {}
        started = time.monotonic()
        while len(results) < HOSTS:
            self.assertLess(time.monotonic() - started, 120 * harness.SLOWNESS)
            for number, run in enumerate(runs):
                if number not in results and run.popen.poll() is not None:
                    took[number] = time.monotonic() - started
                    results[number] = self.finish(run, 10)
            time.sleep(0.02)
        self.collector.send_signal(signal.SIGTERM)
        self.collector.wait(20)
        with open(self.report) as file:
            report = json.load(file)
        self.assertEqual(report["faults"], [])
        usual = max(took[number] for number in range(HOSTS) if number not in (SLOW, DEAD))
        for number, result in results.items():
            with self.subTest(host=number):
                self.check_host(number, result, report["hosts"].get(f"host{number}", {"spans": 0, "lost": 0}))
                self.assertLess(took[number], usual + LINGER + 2 * harness.SLOWNESS)
        print(f"\n{report['requests']} requests, {report['spans']} spans, {report['plain'] / report['spans']:.0f} bytes each, "
              f"{report['size'] / report['spans']:.0f} sent; usual {usual:.1f} s, slow {took[SLOW]:.1f} s, dead {took[DEAD]:.1f} s")

    def check_host(self, number, result, there):
        self.assertEqual(result.status, 0, result)
        with open(self.path(f"made{number}")) as file:
            made = sum(len(spans_of(json.loads(line))) for line in file)
        self.assertGreater(made, 100)
        lost = sum(int(count) for count in re.findall(rb"(\d+) spans were lost", result.err))
        if number == DEAD:
            self.assertEqual((there["spans"], lost), (0, made), result)
        elif number == SLOW:
            # The last request may have arrived while its answer has not.
            self.assertTrue(made <= there["spans"] + lost <= made + 20, (made, there, lost))
            self.assertGreater(lost, 0, "the link is too slow for all of it")
        else:
            self.assertEqual((there["spans"], lost, result.err), (made, 0, b""))


if __name__ == "__main__":
    main()
