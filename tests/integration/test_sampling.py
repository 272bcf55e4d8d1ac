"""--every, --rate, --first: how many calls are reported, with what is in them, and that totals stay
exact."""
import collections
import re
import time

import harness
from harness import Case, program

FUNCTIONS = "access,open,qsort"


class Sampling(Case):
    def chains(self, *options, argv=()):
        result, events = self.events([program("sampled"), *argv], *options, functions=FUNCTIONS)
        self.assertEqual((result.status, result.err), (0, b""), result)
        self.events_ = events
        found = collections.Counter()
        for event in events:
            if event["type"] == "syscall" and event["name"] in ("access", "openat"):
                found["/".join(event.get("chain", [event["function"]]))] += 1
        return dict(found)

    def weights(self):
        return collections.Counter((e["function"], e.get("weight", 1)) for e in self.events_ if e["type"] == "call")

    def test_one_in_n_of_each_function_and_thread(self):
        for threads in (1, 4):
            n = 60 * threads
            self.assertEqual(self.chains("--every", "10", argv=[str(threads)]),
                             {"access": n, "open": n, "qsort/access": n})
            self.assertEqual(self.weights(), {("access", 10): 2 * n, ("open", 10): n, ("qsort", 10): n})

    def test_what_is_in_a_call_shares_its_fate(self):
        self.assertEqual(self.chains("--every", "10@qsort"), {"access": 600, "open": 600, "qsort/access": 60})
        self.assertEqual(self.chains("--every", "10@access"), {"access": 60, "open": 600, "qsort/access": 600})
        self.assertEqual(self.weights()["access", 1], 600, "a nested one counts as its outermost call does")

    def test_the_last_that_names_a_function_decides(self):
        self.assertEqual(self.chains("--every", "10", "--first", "7@open", "--every", "3@access"),
                         {"access": 200, "open": 7, "qsort/access": 60})

    def test_the_first_n_of_a_process(self):
        found = self.chains("--first", "9", argv=["1", "more"])
        self.assertEqual(sum(found.values()), 9 * 2, "and those of the child")
        self.assertEqual(sum(self.chains("--first", "9", argv=["4"]).values()), 9, "whatever thread makes them")
        self.assertEqual(self.chains("--first", "1000000"), {"access": 600, "open": 600, "qsort/access": 600})

    def test_a_rate(self):
        begin = time.monotonic()
        found = self.chains("--rate", "50")
        most = 50 * (time.monotonic() - begin) + 50 + 1
        self.assertLessEqual(50, sum(found.values()))
        self.assertLessEqual(sum(found.values()), most)

    def test_calls_that_are_left_by_longjmp(self):
        found = self.chains("--every", "10", argv=["0", "more"])
        self.assertEqual(found["access"], 6 + 60, "their child's, too")

    def test_signals_in_a_call_that_is_not_sampled(self):
        """It stays open: what handlers and it itself do is not reported."""
        _, events = self.events([program("signals_between"), "200"], "--every", "2@qsort", functions="qsort,strtol,write")
        names = collections.Counter(e["function"] for e in events if e["type"] == "syscall" and e["name"] == "write")
        self.assertEqual(names, {"write": 200}, "of 400, 200 of which come in the one call of qsort")

    def test_totals_stay_exact(self):
        result = self.run_tool([program("sampled")], "-c", "--every", "10", functions=FUNCTIONS)
        rows = re.findall(r"^ *(\d+) .*\S  (access|open|qsort)(?: \*)?$", result.err.decode(), re.M)
        calls = {name: int(count) for count, name in rows}
        self.assertEqual(calls, {"access": 1200, "open": 600, "qsort": 600}, result.err.decode())
        self.assertIn(b"sampled 1 in 10", result.err)

    def test_ini(self):
        config = self.path("run.ini")
        with open(config, "w", encoding="utf-8") as file:
            file.write("[sampling]\nevery = 10\nfirst.open = 7\n")
        self.assertEqual(self.chains("--config", config), {"access": 60, "open": 7, "qsort/access": 60})

    def test_wrong_ones_are_refused(self):
        for option, text in (("--every", "0"), ("--every", "x"), ("--rate", "5@"), ("--first", "-1"),
                             ("--every", "2@nosuch@@")):
            result = self.run_tool(["/bin/true"], option, text)
            self.assertEqual(result.status, 125, (option, text))
            self.assertEqual(result.err.count(b"\n"), 1, result.err)
            self.assertIn(option.encode(), result.err)


if __name__ == "__main__":
    harness.main()
