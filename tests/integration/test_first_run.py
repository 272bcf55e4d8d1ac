"""The first run in a fresh checkout: what it installs, what it asks, what it builds, what it shows meanwhile. The
programs that it needs for that are stand-ins which only say that they were called."""
import os
import pty
import re
import shutil
import unittest

import harness
from harness import Case

STAND_INS = {
    "id": "echo ${WC_TEST_UID}",
    "dpkg-query": "exit 1",
    "sudo": 'echo "sudo $*" >>"$WC_TEST_CALLS"; exec "$@"',
    "apt-get": 'echo "apt-get $*" >>"$WC_TEST_CALLS"; echo Unpacking; exit ${WC_TEST_APT:-0}',
    "cmake": """echo "cmake $*" >>"$WC_TEST_CALLS"
[ "$1" = --build ] || exit 0
for i in 1 2 3; do echo "[$i/3] Building $i"; done
[ -z "${WC_TEST_BROKEN-}" ] || { echo 'a.cpp:1: error: broken'; exit 1; }
mkdir -p build/release/bin
printf '#!/bin/sh\\necho traced "$*"\\n' >build/release/bin/wc-tracerd
printf '#!/bin/sh\\n' >build/release/bin/wc-copy
chmod +x build/release/bin/*""",
}


class FirstRun(Case):
    def setUp(self):
        super().setUp()
        self.checkout = self.path("a checkout")
        for folder in (self.checkout, self.path("bin")):
            os.mkdir(folder)
        for name in ("wc-preload", "CMakeLists.txt"):
            shutil.copy(os.path.join(harness.ROOT, name), self.checkout)
        for name, script in STAND_INS.items():
            self.write(f"bin/{name}", f"#!/bin/sh\n{script}\n", 0o755)
        self.env.update(PATH=f"{self.path('bin')}:/usr/bin:/bin", WC_TEST_CALLS=self.path("calls"), WC_TEST_UID="1000")
        self.env.pop("CI", None)

    def calls(self):
        if not os.path.exists(self.path("calls")):
            return ""
        with open(self.path("calls"), encoding="utf-8") as file:
            return file.read()

    def launch(self, *argv, **options):
        return self.run_plain(["./wc-preload", *argv], cwd=self.checkout, **options)

    def on_terminal(self, answer, *argv):
        """Exit status, and what a terminal showed."""
        ours, theirs = pty.openpty()
        os.write(ours, answer)
        # script(1) gives it a controlling terminal, which the answer is read from.
        running = self.start(["script", "-qec", "./wc-preload " + " ".join(argv), "/dev/null"], cwd=self.checkout,
                             stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 4096):
                shown += chunk
        except OSError:  # nobody has the other end any more
            pass
        os.close(ours)
        return self.finish(running).status, shown.decode()

    def test_builds_what_a_run_needs(self):
        result = self.launch("ls", "/")
        self.assertEqual((result.status, result.out), (0, b"traced run ls /\n"), result)
        self.assertIn("sudo apt-get", self.calls())
        self.assertIn("cmake --build --preset release --target wc-tracerd\n", self.calls())
        self.assertIn(b"installing cmake ninja-build ", result.err)
        self.assertIn(f"the output is in {self.checkout}/build/launcher.log\n".encode(), result.err)
        again = self.launch("--yes", "ls")
        self.assertEqual((again.out, again.err), (b"traced run ls\n", b""), again)

    def test_builds_all_when_it_is_asked_to(self):
        for words in (["--build"], ["--build", "--yes"], ["--yes", "--build"]):
            result = self.launch(*words)
            self.assertEqual((result.status, result.out), (0, b""), result)
            self.assertTrue(self.calls().endswith("cmake --build --preset release\n"), self.calls())

    def test_paths_are_plain(self):
        for folder, name in ((self.checkout, "./wc-preload"), (self.dir, "./a checkout/wc-preload"),
                             (self.dir, "a checkout/wc-preload"), (self.path("bin"), "../a checkout/wc-preload")):
            result = self.run_plain([name, "--build"], cwd=folder)
            said = re.search(rb"output is in (.*)\n", result.err).group(1)
            self.assertNotIn(b"/./", said)
            self.assertEqual(os.path.realpath(said), os.path.join(self.checkout, "build/launcher.log").encode())

    @unittest.skipUnless(shutil.which("script"), "not installed: script")
    def test_asks_on_a_terminal(self):
        status, shown = self.on_terminal(b"n\n", "ls")
        self.assertEqual((status, self.calls()), (125, ""), shown)
        self.assertIn("install them with sudo apt-get? [Y/n]", shown)
        self.assertIn("nothing was installed", shown)
        status, shown = self.on_terminal(b"\n", "ls")
        self.assertEqual(status, 0, shown)
        self.assertIn("sudo apt-get", self.calls())
        for line in ("Unpacking", "[1/3] Building 1", "[3/3] Building 3"):
            self.assertIn("\r\x1b[K" + line, shown)
        self.assertIn("traced run ls", shown)

    @unittest.skipUnless(shutil.which("script"), "not installed: script")
    def test_does_not_ask(self):
        for words, changed in ((["--yes", "ls"], {}), (["ls"], {"CI": "true"}), (["ls"], {"WC_TEST_UID": "0"})):
            shutil.rmtree(os.path.join(self.checkout, "build"), ignore_errors=True)
            kept, self.env = self.env, {**self.env, **changed}
            status, shown = self.on_terminal(b"", *words)
            self.env = kept
            self.assertEqual(status, 0, shown)
            self.assertNotIn("[Y/n]", shown)
            self.assertIn("traced run ls", shown)
        self.assertTrue(self.calls().splitlines()[-4].startswith("apt-get"), "root needs no sudo: " + self.calls())

    def test_says_what_failed(self):
        self.env["WC_TEST_APT"] = "1"
        result = self.launch("ls")
        self.assertEqual((result.status, result.out), (125, b""), result)
        self.assertIn(b"cannot install the packages", result.err)
        self.assertNotIn("cmake", self.calls())
        self.env.update(WC_TEST_APT="0", WC_TEST_BROKEN="yes")
        result = self.launch("ls")
        self.assertEqual((result.status, result.out), (125, b""), result)
        self.assertIn(b"a.cpp:1: error: broken\nwc-preload: the build failed; the whole output is in ", result.err)


if __name__ == "__main__":
    harness.main()
