"""Transparency on small programs that do what breaks tools of this kind: each must behave as it
does natively, with all functions wrapped and with the default ones, under the gate of this run."""
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import harness
from harness import Case, GATE, program


class ControlFlow(Case):
    """Calls that are left in other ways than by returning."""

    def test_exception_through_qsort(self):
        native = self.compare_both([program("throw_qsort")])
        self.assertEqual(native.status, 3)
        self.assertEqual(native.out.count(b"caught: enough compared"), 3)

    def test_cancel_inside_read(self):
        native = self.compare_both([program("cancel_read")])
        self.assertEqual(native.out.count(b"cleanup outer"), 5)

    def test_longjmp_out_of_callback(self):
        self.assertEqual(self.compare_both([program("longjmp_callback")]).status, 0)

    def test_small_stacks_and_deep_recursion(self):
        self.assertEqual(self.compare_both([program("small_stacks")]).status, 0)


    def test_nothing_is_lost_after_longjmp_out_of_handlers(self):
        result, events = self.events([program("longjmp_from_timer")])
        self.assertEqual((result.status, result.out), (0, b"done\n"))
        ends = [e for e in events if e["type"] == "syscall" and "/the/end" in e.get("text", "")]
        self.assertEqual(len(ends), 100)

    def test_stacks_unwound_by_a_timer_wherever_it_comes(self):
        # A tick comes at most some calls after it was asked for; under ptrace a call takes longer.
        samples, longest = ("4000", "50") if harness.GATE == "inproc" else ("1000", "500")
        self.compare([program("sampled_stacks"), samples, longest], functions="@default", limit=80)


class EarlyAndLate(Case):
    def test_from_the_first_code_to_the_last(self):
        """Before every constructor, in an IFUNC's program, in a thread's and in the process's last breath."""
        self.compare_both([program("early_calls")])
        _, events = self.events([program("early_calls")], functions="access")
        # What a thread did last may be reported behind what the main thread does next: it waits for no exit.
        made = sorted((e for e in events if e.get("name") == "access"), key=lambda e: e["ts"])
        paths = [re.search(r'"/early/(\w+)"', e["text"]).group(1) for e in made]
        self.assertEqual(paths, "preinit constructor main thread key atexit destructor".split())


class Probes(Case):
    EVENTS = "/sys/kernel/tracing/uprobe_events"

    def control(self, file, text):
        # Not by open(): these files cannot be sought.
        control = os.open(os.path.join(os.path.dirname(self.EVENTS), file), os.O_WRONLY | os.O_APPEND)
        try:
            os.write(control, text.encode())
        finally:
            os.close(control)

    def function_offset(self, path, name):
        """Of a function in its file: the kernel counts in bytes of the file."""
        symbols = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
        address = int(re.search(rf"(?m)^([0-9a-f]+) \w {name}$", symbols).group(1), 16)
        headers = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True, check=True).stdout
        for offset, start, size in re.findall(r"LOAD +0x(\w+) 0x(\w+) 0x\w+ 0x(\w+)", headers):
            if int(start, 16) <= address < int(start, 16) + int(size, 16):
                return address - int(start, 16) + int(offset, 16)
        raise RuntimeError(f"{name} is in no segment of {path}")

    @unittest.skipUnless(os.access(EVENTS, os.W_OK), "no permission to set probes (tracefs)")
    def test_somebody_elses_probe_on_a_function_inside_a_call(self):
        """perf or bpftrace watch it: its return makes a syscall of the kernel's own, which is nobody's."""
        path, name = self.path("probed"), f"wc{os.getpid()}"
        shutil.copy(program("old_entry"), path)
        probe = f"{path}:{self.function_offset(path, 'compare'):#x}"
        self.control("uprobe_events", f"p:{name}/enter {probe}\nr:{name}/leave {probe}\n")
        try:
            self.control(f"events/{name}/enable", "1")
            native = self.compare_both([path])
            self.assertEqual(native.status, 0)
            _, events = self.events([path], functions="qsort")
            names = {e["name"] for e in events if e["type"] == "syscall"}
            self.assertLessEqual(names, {"i386_getpid", "getpid", "i386_close", "close"})
        finally:
            self.control(f"events/{name}/enable", "0")
            self.control("uprobe_events", f"-:{name}/enter\n-:{name}/leave\n")


class Processes(Case):
    def test_500_children(self):
        native = self.compare([program("many_children"), "500"], functions="@all", limit=40)
        self.assertEqual(native.out, b"500 children, statuses 1494, numbers 124750\n")
        self.compare([program("many_children"), "100"], limit=40)

    def test_fork_in_a_handler_that_interrupted_a_syscall(self):
        native = self.compare_both([program("fork_in_handler")])
        self.assertEqual(native.out, b"parent 1, child 7\n")

    def test_little_address_space_and_few_descriptors(self):
        for limit in ("-v 200000", "-n 8"):
            script = f"ulimit {limit}; {program('spawn_kinds')}; echo $?"
            self.compare(["bash", "-c", script])
            _, events = self.events(["bash", "-c", f"ulimit {limit}; exec cat /dev/null"])
            self.assertTrue(any("/dev/null" in e.get("text", "") for e in events
                                if e["type"] == "syscall"), limit)

    @harness.only_under("inproc")
    def test_a_shells_commands_are_patched(self):
        result, _ = self.events(["bash", "-c", "/bin/true; /bin/true"], "-v")
        self.assertEqual(result.err.count(b"libc.so.6: "), 3, result)

    @harness.only_under("inproc")
    def test_a_damaged_cache_is_passed_over_and_written_again(self):
        self.env["XDG_CACHE_HOME"] = self.path("cache")
        folder = self.path("cache/wc-intercept")

        def run():
            result, events = self.events([program("sequence"), "nested"])
            return result.out, [(e["type"], e.get("name"), e.get("function")) for e in events]

        def sizes():
            return {name: os.path.getsize(os.path.join(folder, name))
                    for name in os.listdir(folder)}
        fresh, kept = run(), sizes()
        self.assertEqual({name.rpartition(".")[2] for name in kept}, {"sites", "stubs"})
        self.assertEqual(run(), fresh)
        for name in kept:
            with open(os.path.join(folder, name), "r+b") as file:
                file.seek(40)
                file.write(b"damaged")
                file.truncate(60)
        self.assertEqual(run(), fresh)
        self.assertEqual(sizes(), kept)

    @harness.only_under("inproc")
    def test_sites_of_another_library_across_page_borders(self):
        def run(*options):
            result, events = self.events([program("page_border")], "-v", *options,
                                         functions="border_*@libpage_border.so")
            self.assertEqual(result.out, b"0 wrong\n", result)
            return result.err, [(e["function"], e["name"]) for e in events
                                if e["type"] == "syscall"]
        said, events = run("--patch", "nothing*,libpage_bord?r.so")
        self.assertIn(b"libpage_border.so: 2 syscall sites patched, 1 left to dispatch", said)
        each = [(f"border_{name}", "getppid") for name in ("jump", "syscall", "number")]
        self.assertEqual(events, each * 100)
        said, events = run()
        self.assertNotIn(b"libpage_border.so:", said)
        self.assertEqual(events, each * 100)

    def test_every_way_to_start_a_program(self):
        native = self.compare_both([program("spawn_kinds")])
        for line in (b"vfork: exited 1 3", b"spawn: exited 1 4", b"system: 5", b"pclose: 6"):
            self.assertIn(line, native.out)

    def test_clone_by_hand(self):
        self.assertIn(b"clone3: 1 exited 10", self.compare_both([program("clone_kinds")]).out)

    def test_exec_from_a_thread(self):
        native = self.compare_both([program("exec_from_thread")])
        self.assertEqual((native.status, native.out), (6, b"executed\n"))

    def test_exec_with_empty_environment_is_still_followed(self):
        native = self.compare_both([program("exec_clean")])
        self.assertIn(b"second life, 0 variables", native.out)
        _, events = self.events([program("exec_clean")], functions="@all")
        last_exec = max(i for i, e in enumerate(events)
                        if e["type"] == "process" and e["event"] == "exec")
        self.assertTrue(any("hostname" in e.get("text", "") for e in events[last_exec:]),
                        "the second life's fopen was not traced")

    def test_the_environment_is_what_the_launcher_was_given(self):
        """A shell would drop the names it does not like, change the order, and set PWD."""
        given = {"ZZ": "last", "not.a-name": "1", "BASH_FUNC_f%%": "() { :\n}", "PWD": "/nowhere", "A": ""}
        native = self.run_plain(["/usr/bin/env", "-0"], env=given)
        traced = self.run_plain(self.tool_argv(["/usr/bin/env", "-0"], "-b", "none", functions="getenv"), env=given)
        self.assertEqual((traced.status, traced.out, traced.err), (0, native.out, b""))
        self.assertEqual(traced.out.count(b"\0"), len(given))

    def test_daemon_outlives_the_first_process(self):
        def look(folder):
            path = os.path.join(folder, "daemon.txt")

            def read():
                with open(path, "rb") as file:
                    return file.read()
            harness.wait_until(lambda: b"last words" in read(), 5, "the daemon")
            return read()
        native = self.compare_both([program("daemonise")], look=look)
        self.assertEqual(native.status, 0)

    def test_job_control_inside_the_traced_tree(self):
        native = self.compare_both([program("job_control")])
        self.assertIn(b"own stop: stopped by 19", native.out)
        self.assertIn(b"end: exited 4", native.out)


class Threads(Case):
    def test_64_threads_that_come_and_go(self):
        native = self.compare([program("many_threads"), "64", "2"], functions="@all", limit=40)
        self.assertIn(b"threads 128 sum 4032 counter 640", native.out)
        self.compare([program("many_threads"), "64", "2"], limit=40)


    def test_busy_threads_get_their_turns(self):
        result = self.run_tool([program("busy_threads")], "-o", "/dev/null", functions="getppid")
        counts = [int(n) for n in result.out.split()]
        self.assertEqual(len(counts), 8)
        # Under sanitizers a ring of engine inproc takes longer to read than the program runs.
        if harness.SLOWNESS == 1 or GATE != "inproc":
            self.assertGreater(min(counts) * 10, max(counts), counts)


class Descriptors(Case):
    def test_closing_all_of_them(self):
        for how in ("loop", "range", "reuse"):
            with self.subTest(how=how):
                native = self.compare_both([program("close_all"), how])
                self.assertIn(b"after: fd 3 read 1", native.out)
                self.assertIn(b"executed", native.out)


class Signals(Case):
    @harness.only_under("inproc")
    def test_overwritten_records(self):
        """Random bytes over the records: said once, and the program goes on as ever."""
        for seed in range(8):
            result, _ = self.events([program("scribbled_ring"), str(seed)])
            self.assertEqual((result.status, result.out), (0, b"still here\n"), result)
            self.assertEqual(result.err.count(b"has overwritten the memory"), 1, result)

    def test_bad_pointers_that_the_kernel_does_not_look_at(self):
        native = self.compare_both([program("untouched_pointers")])
        self.assertIn(b"blocked 1, handler kept 1, faults 0", native.out)

    def test_every_signal_blocked_in_every_way(self):
        native = self.compare_both([program("full_masks")])
        self.assertIn(b"sigsuspend -1 EINTR", native.out)

    def test_a_signal_between_an_unblocking_call_and_its_result(self):
        # In one call all the time: what is masked outside of calls is masked in the kernel.
        for functions in ("@all", "qsort"):
            self.compare([program("pending_at_unblock")], functions=functions)

    # Gate socket has to ask the kernel for its own messages; docs/limitations.md.
    @harness.only_under("dispatch", "trap", "inproc")
    def test_its_own_seccomp_filter_kills(self):
        for how, status in (("filter", 7), ("strict", 7)):
            native = self.compare_both([program("seccomp_kill"), how])
            self.assertEqual((native.status, native.out), (status, b"before\n...\nallowed\n"))
        self.assertEqual(self.compare_both([program("seccomp_kill"), "filter", "forbidden"]).status, -signal.SIGSYS)

    def test_syscalls_by_the_32_bit_entry(self):
        native = self.compare_both([program("old_entry")])
        if native.status == 0:  # else the kernel has none
            self.assertEqual(native.out, b"wrong 0, sorted 1 2 3\n")
            _, events = self.events([program("old_entry")], functions="qsort")
            names = [e["name"] for e in events if e["type"] == "syscall"]
            self.assertEqual(names[:4], ["i386_getpid", "getpid", "i386_close", "close"])

    def test_segv_on_an_alternate_stack(self):
        native = self.compare_both([program("alternate_stack")])
        self.assertEqual(native.status, -signal.SIGSEGV)
        # All the output before the last death: three rounds of three, and one that is repaired.
        self.assertEqual(native.out.count(b"on alternate stack"), 10)

    def test_interrupted_and_restarted_calls(self):
        native = self.compare_both([program("interrupted_read")])
        self.assertIn(b"without SA_RESTART: -1 Interrupted system call", native.out)
        self.assertIn(b"SIGCHLD under read: 1, 11 children", native.out)

    def test_traps_of_the_programs_own(self):
        native = self.compare_both([program("own_traps")])
        self.assertEqual(native.status, -signal.SIGTRAP)
        self.assertIn(b"traps 2, system 1", native.out)

    # Under gate socket the shim's own syscalls would be dispatched to the program.
    @harness.only_under("dispatch", "trap", "inproc")
    def test_syscall_user_dispatch_of_the_programs_own(self):
        native = self.compare_both([program("own_dispatch")])
        if native.status == 0:  # else the kernel has none
            self.assertIn(b"caught 1, number right, result right", native.out)

    def test_time_stamps_forbidden(self):
        self.assertEqual(self.compare_both([program("no_time_stamp")]).status, 0)

    def test_signal_storm(self):
        native = self.compare_both([program("signal_storm")], limit=40)
        self.assertEqual(native.out, b"wrong 0, ticked 1\n")

    # "ready PID" differs from run to run.
    def die(self, *how, functions=None):
        def numberless(result):
            return result.status, re.sub(rb"\d+", b"N", result.out), result.err
        native = self.run_plain([program("die_by"), *how])
        for functions in ("@all", None):
            with self.subTest(how=how, functions=functions):
                traced = self.run_tool([program("die_by"), *how], "-o", "/dev/null",
                                       functions=functions)
                self.assertEqual(numberless(native), numberless(traced))
        return native.status

    def test_ends_by_its_own_hand(self):
        self.assertEqual(self.die("abort"), -signal.SIGABRT)
        self.assertEqual(self.die("segv"), -signal.SIGSEGV)
        self.assertEqual(self.die("segv-inside"), -signal.SIGSEGV)
        self.assertEqual(self.die("exit", "200"), 200)
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1, signal.SIGHUP,
                       signal.SIGINT, signal.SIGQUIT, signal.SIGSYS, signal.SIGTRAP,
                       signal.SIGRTMIN + 3):
            self.assertEqual(self.die("raise", str(int(number))), -number)

    def test_killed_by_others(self):
        for where in ("wait", "wait-inside"):
            for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT):
                with self.subTest(where=where, number=number):
                    reading, writing = os.pipe()  # a standard input that never comes
                    argv = self.tool_argv([program("die_by"), where], "-o", "/dev/null",
                                          functions="@all")
                    running = self.start(argv, stdin=reading)
                    ready = running.wait_for_output(b"\n")
                    time.sleep(0.05)  # let it block
                    os.kill(int(ready.split()[1]), number)
                    result = self.finish(running)
                    os.close(reading), os.close(writing)
                    self.assertEqual((result.status, result.err), (-number, b""))
                    self.assert_nothing_left()

    def test_sigterm_to_the_tool_is_the_programs(self):
        running = self.start(self.tool_argv([program("die_by"), "wait"], "-o", "/dev/null"))
        running.wait_for_output(b"ready")
        running.popen.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(running).status, -signal.SIGTERM)
        self.assert_nothing_left()

    def test_stopped_and_continued_from_outside(self):
        reading, writing = os.pipe()
        running = self.start(self.tool_argv([program("die_by"), "wait-inside"], "-o", "/dev/null",
                                            functions="@all"), stdin=reading)
        pid = int(running.wait_for_output(b"\n").split()[1])
        for _ in range(3):
            os.kill(pid, signal.SIGSTOP)
            harness.wait_until(lambda: harness.processes.stat_fields(pid)[1] in "tT", 5, "the stop")
            time.sleep(0.05)
            self.assertIn(harness.processes.stat_fields(pid)[1], "tT", "it did not stay stopped")
            os.kill(pid, signal.SIGCONT)
            harness.wait_until(lambda: harness.processes.stat_fields(pid)[1] == "S", 5, "going on")
        os.write(writing, b"A")
        result = self.finish(running)
        os.close(reading), os.close(writing)
        self.assertEqual(result.status, ord("A"))
        self.assert_nothing_left()


if __name__ == "__main__":
    harness.main()
