"""--diff: of two runs it names what has changed, whatever they were kept as."""
import json
import os

import harness
from harness import Case, program

PROGRAM = """
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(int count, char **words) {
  int fd = open(words[1], O_WRONLY | O_CREAT, 0644);
  for (int i = 0; i < 5; i++) write(fd, "abc", 3);
  if (count > 2) fsync(fd);
  return close(fd);
}
"""


class Diff(Case):
    def setUp(self):
        super().setUp()
        harness.need("cc")
        source, self.program = self.write("saves.c", PROGRAM), self.path("saves")
        self.assertEqual(self.run_plain(["cc", "-o", self.program, source]).status, 0)

    def runs(self, spec, *options):
        """The files of a run without and one with an fsync."""
        files = []
        for words in ([], ["sync"]):
            files.append(self.path(f"run{len(words)}"))
            result = self.run_tool([self.program, self.path("data"), *words], "-b", f"{spec}output={files[-1]}", *options)
            self.assertEqual(result.status, 0, result)
        return files

    def diff(self, *words):
        return self.run_plain([self.tool, "--diff", *words])

    def test_one_more_fsync_is_named_first(self):
        for spec in ("raw:", "summary:format=json,", "folded:"):
            with self.subTest(spec=spec):
                result = self.diff(*self.runs(spec))
                self.assertEqual((result.status, result.err), (0, b""))
                first = result.out.decode().splitlines()[0]
                self.assertRegex(first, r"^changed most: fsync.*: count 0 -> 1$")

    def test_the_threshold(self):
        before, after = self.runs("summary:format=json,")
        result = self.diff(before, after, "--threshold", "count=10%")
        self.assertEqual(result.status, 1)
        self.assertIn(b"1 row has changed by more than count=10%", result.err)
        self.assertEqual(self.diff("--threshold", "0%", before, before).status, 0)

    def test_json_and_folded(self):
        before, after = self.runs("raw:", "-k")
        rows = [json.loads(line) for line in self.diff("-b", "json", before, after).out.splitlines()]
        self.assertEqual((rows[0]["what"], rows[0]["count"]), ("fsync", [0, 1]))
        lines = self.diff(before, after, "-b", "folded").out.decode().splitlines()
        self.assertIn("main;fsync;fsync 0 1", [line[line.rindex("main;"):] for line in lines if "main;" in line])
        self.assertTrue(any(line.endswith("write;write 5 5") for line in lines), lines)
        out = self.path("out")
        self.assertEqual(self.diff("-o", out, before, after).out, b"")
        self.assertGreater(os.path.getsize(out), 0)

    def test_what_cannot_be_compared_is_said(self):
        raw, _ = self.runs("raw:")
        summary, _ = self.runs("summary:format=json,")
        folded = self.write("folded", "a;b 1\n")
        for words, text in (([raw], "takes two files"), ([folded, summary], "two of a kind"),
                            ([self.write("none", ""), summary], "is empty"), (["/nonexistent", raw], "No such file"),
                            ([self.write("x", "{}"), summary], "no summary"), ([folded, self.write("y", "zz")], "no stack"),
                            ([summary, summary, "-b", "folded"], "needs stacks"),
                            ([summary, summary, "-b", "summary"], "prints one of"),
                            ([summary, summary, "-k"], "has no effect with --diff"),
                            ([summary, summary, "--threshold", "ten"], "--threshold")):
            result = self.diff(*words)
            self.assertEqual(result.status, 125, words)
            self.assertIn(text, result.err.decode(), words)


if __name__ == "__main__":
    harness.main()
