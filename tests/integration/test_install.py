"""What `cmake --install` and the Debian package put down works from there: programs, manual pages, headers,
completions."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import harness
from harness import Case, need

# Of the package that was copied there; dependencies are this machine's, its database does not know them.
INSIDE = """
export PATH=/usr/sbin:/usr/bin HOME=/ TMPDIR=/tmp
unset XDG_CACHE_HOME XDG_RUNTIME_DIR
dpkg --force-depends -i /tmp/package.deb >&2
wc-preload -F @file -o /tmp/trace cat /dev/null
grep -q openat /tmp/trace && echo traced
[ -d /var/cache/wc-intercept ]
dpkg --purge wc-intercept >&2
echo PURGED
"""
CMAKE = shutil.which("cmake")
HAS_TOP = os.path.exists(os.path.join(harness.BUILD, "bin/wc-top"))  # it needs libncurses-dev


@unittest.skipUnless(CMAKE, "cmake is not installed")
class Installed(Case):
    @classmethod
    def setUpClass(cls):
        if not os.access(harness.BUILD, os.W_OK):
            raise unittest.SkipTest(f"{harness.BUILD} belongs to somebody else, and installing writes there")
        cls.prefix = tempfile.mkdtemp(prefix="wcit-installed-", dir="/tmp")
        subprocess.run([CMAKE, "--install", harness.BUILD, "--prefix", cls.prefix], check=True,
                       stdout=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.prefix, ignore_errors=True)

    def setUp(self):
        super().setUp()
        self.tool = os.path.join(self.prefix, "bin/wc-preload")

    def find(self, name):
        found = [os.path.join(folder, name) for folder, _, names in os.walk(self.prefix) if name in names]
        self.assertTrue(found, f"{name} was not installed")
        return found[0]

    def help_options(self):
        """Every spelling of every option that --help offers."""
        text = self.run_plain([self.tool, "--help"]).out.decode().split("Not yet available")[0]
        rows = re.findall(r"(?m)^ +(-.*?)(?:  |$)", text)
        return sorted({word for row in rows for word in re.findall(r"(?<![\w-])--?[A-Za-z][A-Za-z-]*", row)})

    def test_it_traces(self):
        result = self.run_tool(["cat", "/dev/null"], functions="open")
        self.assertEqual((result.status, result.out), (0, b""), result)
        self.assertIn(b'  openat(AT_FDCWD, "/dev/null", O_RDONLY) = ', result.err)
        # Also through a link elsewhere, as /usr/local/bin may be one.
        link = self.path("elsewhere")
        os.symlink(self.tool, link)
        result = self.run_plain([link, "-c", "true"])
        self.assertEqual(result.status, 0, result)

    def test_everything_is_in_its_place(self):
        for path in ("bin/wc-preload", "bin/wc-tracerd", "lib/wc-intercept/wc-tracerd", "lib/wc-intercept/wc-copy",
                     "lib/wc-intercept/libwc_preload.so", "share/doc/wc-intercept/examples/hello.c", "include/wc/wc_backend.h", "include/wc/scope.h",
                     "share/man/man1/wc-preload.1",
                     "share/man/man1/wc-tracerd.1", "share/bash-completion/completions/wc-preload",
                     "share/zsh/site-functions/_wc-preload", "share/doc/wc-intercept/README.md",
                     "share/doc/wc-intercept/copyright", "share/doc/wc-intercept/docs/install.md",
                     "share/doc/wc-intercept/docs/pictures/terminal.svg"):
            self.assertTrue(os.path.isfile(os.path.join(self.prefix, path)), path)
        self.assertEqual(sorted(os.listdir(os.path.join(self.prefix, "bin"))), ["wc-ctl", "wc-preload", *(["wc-top"] if HAS_TOP else []), "wc-tracerd"])
        self.assertEqual(sorted(os.listdir(os.path.join(self.prefix, "lib/wc-intercept"))),
                         ["libwc_preload.so", "wc-copy", "wc-tracerd"])
        said = self.run_plain([os.path.join(self.prefix, "bin/wc-tracerd"), "--help"])
        self.assertEqual(said.status, 0, said)

    @need("man")
    def test_manual_pages(self):
        for name in ("wc-preload", "wc-tracerd", *(["wc-top"] if HAS_TOP else [])):
            page = self.find(name + ".1")
            shown = self.run_plain(["man", "--warnings", "-E", "UTF-8", "-l", page], env=dict(self.env, MANWIDTH="100"))
            self.assertEqual((shown.status, shown.err), (0, b""), shown)
            self.assertIn("NAME", shown.out.decode())
        plain = re.sub(r".\x08", "", self.run_plain(["man", "-l", self.find("wc-preload.1")]).out.decode())
        plain = plain.replace("‐", "-").replace("−", "-")
        self.assertNotIn("@OPTIONS@", plain)
        for option in self.help_options():
            self.assertRegex(plain, rf"(?m)(?<![\w-]){re.escape(option)}(?![\w-])")

    @need("pkg-config", "gcc")
    def test_a_backend_is_built_with_what_is_installed(self):
        self.env["PKG_CONFIG_PATH"] = os.path.dirname(self.find("wc-intercept.pc"))
        backend = self.path("sample.so")
        source = os.path.join(harness.ROOT, "examples/sample_backend.c")
        built = self.run_plain(["sh", "-c", f"cc -shared -fPIC $(pkg-config --cflags wc-intercept) -o {backend} {source}"])
        self.assertEqual((built.status, built.err), (0, b""), built)
        traced = self.run_tool(["cat", "/etc/hostname"], "-b", backend)
        self.assertEqual(traced.status, 0, traced)
        self.assertIn(b"read", traced.err)

    def completed(self, *words):
        """What bash offers for the last of the words."""
        script = self.find("wc-preload")
        for folder, _, names in os.walk(self.prefix):
            if folder.endswith("bash-completion/completions") and "wc-preload" in names:
                script = os.path.join(folder, "wc-preload")
        asked = self.run_plain(["bash", "--norc", "-c", f'. "{script}"; compopt() {{ :; }}; COMP_WORDS=("$@"); '
                                'COMP_CWORD=$(($# - 1)); _wc_preload; printf "%s\\n" "${COMPREPLY[@]}"',
                                "bash", self.tool, *words])
        self.assertEqual((asked.status, asked.err), (0, b""), asked)
        return asked.out.decode().split()

    @need("bash")
    def test_bash_completes(self):
        self.assertEqual(self.completed("--funct"), ["--functions"])
        self.assertEqual(sorted(self.completed("-")), sorted([*self.help_options(), "--build", "--yes"]))
        self.assertEqual(sorted(self.completed("-v", "-")), self.help_options())
        self.assertEqual(self.completed("-g", "tr"), ["trap"])
        self.assertEqual(self.completed("--scope", "=", "pro"), ["process"])
        self.assertEqual(self.completed("-e", "open,%netw"), ["open,%network"])
        self.assertEqual(self.completed("--list-functions", "@std"), ["@stdio"])
        self.assertEqual(self.completed("--status", "failed,unf"), ["failed,unfinished"])
        self.assertEqual(self.completed("--signals", "SIGINT,!SIGTER"), ["SIGINT,!SIGTERM"])
        self.assertIn("serve", self.completed("serv"))
        self.assertEqual(self.completed("-F", "fopen,@std"), ["fopen,@stdio"])
        self.assertEqual(self.completed("-F", "!fopenc"), ["!fopencookie"])
        self.assertIn("openat2", self.completed("-e", "openat"))
        self.assertIn("ls", self.completed("-g", "trap", "l"))
        self.assertEqual(self.completed("--", "cat", "/etc/hostna"), ["/etc/hostname"])

    @need("bash")
    def test_every_value_is_completed(self):
        """What the tool itself calls valid."""
        for option in ("-E", "-g", "--scope", "--overflow", "--frames", "--status", "--quiet"):
            said = self.run_plain([self.tool, f"{option}=xyzzyx" if len(option) > 2 else option + "xyzzyx", "true"])
            valid = said.err.decode().strip().split("; valid: ")[1].split(", ")
            ours = {"path-resolution", "personality", "thread-execve"}  # strace's, without a line here
            words = [option, "="] if option == "--quiet" else [option]  # its value is optional
            self.assertEqual(sorted(self.completed(*words, "")), sorted(set(valid) - ours), option)

    @need("zsh")
    def test_zsh_completes(self):
        folder = os.path.dirname(self.find("_wc-preload"))
        # A terminal of its own, as completion needs one; its list is what Tab prints.
        keys = f"PS1=; fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' list-colors ''"
        script = ("zmodload zsh/zpty; zpty z zsh -f -i; "
                  f"zpty -w z {keys!r}; zpty -w z 'print rea''dy'; zpty -r -m z line '*ready*'; "
                  f"zpty -n -w z '{self.tool} -g '$'\\t\\t'; zpty -r -m z line '*dispatch*socket*'; print -r -- $line; "
                  f"zpty -d z")
        shown = self.run_plain(["timeout", "20", "zsh", "-f", "-c", script], env=dict(self.env, TERM="dumb"))
        self.assertIn("dispatch", shown.out.decode(errors="replace"), shown)


@unittest.skipUnless(shutil.which("dpkg-deb") and shutil.which("dpkg-shlibdeps"), "not installed: dpkg-dev")
class Package(Case):
    @classmethod
    def setUpClass(cls):
        if not os.access(harness.BUILD, os.W_OK):
            raise unittest.SkipTest(f"{harness.BUILD} belongs to somebody else, and cpack writes there")
        cls.folder = tempfile.mkdtemp(prefix="wcit-package-", dir="/tmp")
        subprocess.run(["cpack", "--config", os.path.join(harness.BUILD, "CPackConfig.cmake"), "-B", cls.folder],
                       check=True, stdout=subprocess.DEVNULL)
        name, = [name for name in os.listdir(cls.folder) if name.endswith(".deb")]
        cls.package = os.path.join(cls.folder, name)
        cls.unpacked = os.path.join(cls.folder, "unpacked")
        subprocess.run(["dpkg-deb", "-R", cls.package, cls.unpacked], check=True)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def inside(self, path):
        return os.path.join(self.unpacked, "usr", path)

    def test_traces_from_where_it_is_unpacked(self):
        self.tool = self.inside("bin/wc-preload")
        result = self.run_tool(["true"], functions="@all")
        self.assertEqual(result.status, 0, result)

    def test_fields(self):
        self.assertRegex(os.path.basename(self.package), r"^wc-intercept_.*_amd64\.deb$")
        self.assertIn("libc6", self.run_plain(["dpkg-deb", "-f", self.package, "Depends"]).out.decode())

    def test_contents(self):
        for path in ("share/man/man1/wc-preload.1.gz", "share/man/man1/wc-tracerd.1.gz", "share/man/man1/wc-ctl.1.gz", "share/doc/wc-intercept/changelog.gz",
                     "share/doc/wc-intercept/examples/hello.c", "share/doc/wc-intercept/examples/config/hello.ini",
                     "share/zsh/vendor-completions/_wc-preload"):
            self.assertTrue(os.path.isfile(self.inside(path)), path)
        for script in ("postinst", "postrm"):
            with open(os.path.join(self.unpacked, "DEBIAN", script), encoding="utf-8") as file:
                self.assertNotRegex(file.read(), "(?m)^ *ldconfig")
        # Not Installed-Size, for which CPack counts what links lead to.
        size = sum(os.lstat(os.path.join(folder, name)).st_size
                   for folder, _, names in os.walk(self.unpacked) for name in names)
        self.assertLess(size, 12_000_000, "bytes; is something not stripped?")
        # ... except for what the tracer reads of the shim.
        self.assertIn(b" wc_entry\n", self.run_plain(["nm", self.inside("lib/wc-intercept/libwc_preload.so")]).out)

    @need("lintian")
    def test_lintian(self):
        found = self.run_plain(["lintian", "--allow-root", "--fail-on", "error", self.package], 60)
        self.assertEqual(found.status, 0, found)

    @unittest.skipUnless(os.geteuid() == 0, "only root installs packages")
    @need("chroot", "dpkg")
    def test_installed_run_and_purged(self):
        """In a root of its own: this machine's /usr below an overlay, and an empty package database."""
        root = self.path("root")
        for folder in ("usr", "etc", "tmp", "proc", "dev", "var/cache", "var/lib/dpkg/updates", "var/lib/dpkg/info"):
            os.makedirs(os.path.join(root, folder))
        for folder in ("bin", "lib", "lib64", "sbin"):
            os.symlink(f"usr/{folder}", os.path.join(root, folder))
        open(os.path.join(root, "var/lib/dpkg/status"), "w", encoding="utf-8").close()
        shutil.copy(self.package, os.path.join(root, "tmp/package.deb"))
        over = self.fresh_folder()
        script = (f"mount -t tmpfs tmpfs {over}; mkdir {over}/u {over}/w; "
                  f"mount -t overlay -o lowerdir=/usr,upperdir={over}/u,workdir={over}/w overlay {root}/usr; "
                  f"mount -t proc proc {root}/proc; mount --bind /dev {root}/dev; "
                  f"chroot {root} sh -ec '{INSIDE}'; find {over}/u -type f -o -type l; ls {root}/var/cache")
        done = self.run_plain(["unshare", "-m", "sh", "-c", f"set -e; {script}"], 60)
        if b"mount:" in done.err:
            self.skipTest("nothing can be mounted here: " + done.err.decode().strip().splitlines()[0])
        self.assertEqual(done.status, 0, done)
        before, after = done.out.decode().split("PURGED\n")
        self.assertIn("traced", before)
        self.assertEqual(after, "", "left behind")


if __name__ == "__main__":
    harness.main()
