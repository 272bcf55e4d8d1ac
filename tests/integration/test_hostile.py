"""Strangers on the tracer's socket: garbage, lies, another version, a crowd. The program and its trace
must not notice, and what asks nicely but speaks another version is refused in words."""
import os
import random
import socket
import struct
import unittest

import harness
from harness import Case, processes, program

MAGIC, VERSION = 0x30494357, 2
HELLO, WELCOME, REFUSE, SCOPE_BEGIN, ATTACH, ATTACHED = 1, 2, 3, 4, 7, 8
HELLO_SIZE = 184


def head(kind, size, version=VERSION, magic=MAGIC):
    return struct.pack("<IHHII", magic, version, kind, size, 0)


def hello(version=VERSION, oldest=VERSION, flags=1, size=HELLO_SIZE, stub=0):
    body = struct.pack("<IIQQQ", oldest, flags, 0, 0, stub) + bytes(range(128))
    return (head(HELLO, size, version) + body).ljust(HELLO_SIZE, b"\xff")


class Hostile(Case):
    def setUp(self):
        super().setUp()
        self.reading, self.writing = os.pipe()
        self.connections = []

    def tearDown(self):
        for connection in self.connections:
            connection.close()
        os.close(self.reading), os.close(self.writing)
        super().tearDown()

    def begin(self, argv=None, functions="@all"):
        self.trace = self.path("trace.json")
        argv = argv or [program("die_by"), "wait-inside"]
        self.running = self.start(self.tool_argv(argv, "-b", "json", "-o", self.trace,
                                                 functions=functions), stdin=self.reading)
        self.running.wait_for_output(b"ready")
        folder, = os.listdir(self.runtime)
        self.address = os.path.join(self.runtime, folder, "socket")

    def connect(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(5)
        connection.connect(self.address)
        self.connections.append(connection)
        return connection

    def answer(self, packet):
        """What comes back: bytes, empty when the connection was closed."""
        connection = self.connect()
        connection.send(packet)
        try:
            return connection.recv(4096)
        except ConnectionResetError:
            return b""

    def end(self):
        """The program must still be traced and end as it would have."""
        self.assertIsNone(self.running.popen.poll(), "the tool has ended")
        os.write(self.writing, b"A")
        result = self.finish(self.running)
        self.assertEqual((result.status, result.err), (ord("A"), b""), result)
        for connection in self.connections:
            connection.close()
        self.assert_nothing_left()
        events = harness.read_json(self.trace)
        read = [e for e in events if e.get("name") == "read" and e.get("function") == "getchar"]
        self.assertEqual([e["ret"] for e in read], [1])
        return events

    def test_garbage(self):
        self.begin()
        chance = random.Random(20)
        for length in (1, 4, 15, 16, 17, 24, HELLO_SIZE - 1, HELLO_SIZE, HELLO_SIZE + 1, 255, 256, 257, 4096, 100000):
            for _ in range(3):
                self.assertEqual(self.answer(chance.randbytes(length)), b"")
        self.end()

    def test_messages_that_lie_about_their_size(self):
        self.begin()
        for packet in (head(HELLO, 0), head(HELLO, HELLO_SIZE), head(HELLO, 0xffffffff),
                       hello(size=HELLO_SIZE + 1), hello(size=0), hello() + b"more",
                       head(99, 16), head(WELCOME, 24) + bytes(8), head(SCOPE_BEGIN, 32) + b"\xff" * 16,
                       head(ATTACH, 24, version=9) + bytes(8), head(HELLO, 16, magic=0)):
            answer = self.answer(packet)
            # Nothing is handed to a stranger: no WELCOME, which would carry the shared memory.
            if answer:
                self.assertEqual(struct.unpack_from("<IHH", answer)[2], REFUSE, packet)
        self.end()

    def test_another_version_is_refused_in_words(self):
        self.begin()
        for version, oldest in ((3, 3), (999, 500), (0, 0)):
            answer = self.answer(hello(version, oldest))
            magic, spoken, kind = struct.unpack_from("<IHH", answer)
            self.assertEqual((magic, spoken, kind), (MAGIC, VERSION, REFUSE), answer)
            self.assertIn(b"version", answer)
        self.end()

    def test_hello_of_a_process_that_is_not_traced(self):
        """It wants memory, or a gate; the kernel says that it is not traced."""
        self.begin()
        for flags in (1, 2, 3, 0, 0xffffffff):
            answer = self.answer(hello(flags=flags))
            if answer:
                self.assertEqual(struct.unpack_from("<IHH", answer)[2], REFUSE, flags)
        self.end()

    def test_attach_to_a_tracer_that_serves_one_program(self):
        """It must not start to trace whoever asks. (A child asks: if the tracer did it, the test
        itself would be the one that hangs.)"""
        self.begin()
        asking = ("import socket, sys\n"
                  "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
                  "s.settimeout(3)\n"
                  "s.connect(sys.argv[1]); s.send(bytes.fromhex(sys.argv[2]))\n"
                  "print(s.recv(4096).hex())\n"
                  "print([l for l in open('/proc/self/status') if l.startswith('TracerPid')])\n")
        packet = head(ATTACH, 24) + struct.pack("<iI", 1, 0)
        result = self.run_plain(["/usr/bin/python3", "-c", asking, self.address, packet.hex()])
        lines = result.out.decode().splitlines()
        self.assertIn("TracerPid:\\t0\\n", lines[1], result)
        if lines[0]:
            self.assertEqual(struct.unpack_from("<IHH", bytes.fromhex(lines[0]))[2], REFUSE)
        self.end()

    def test_a_crowd_that_says_nothing(self):
        """300 idle connections; processes that start meanwhile must still reach the tracer."""
        self.begin(["sh", "-c", f"echo ready; read x; {program('sequence')} repeated; exit 65"],
                   functions="access,read")
        for _ in range(300):
            self.connect()
        os.write(self.writing, b"\n")
        result = self.finish(self.running, 30)
        self.assertEqual((result.status, result.err), (65, b""), result)
        for connection in self.connections:
            connection.close()
        self.assert_nothing_left()
        events = harness.read_json(self.trace)
        self.assertEqual(len([e for e in events if e.get("name") == "access"]), 1000)

    def test_connections_that_come_and_go(self):
        self.begin()
        for i in range(500):
            connection = self.connect()
            if i % 2:
                connection.send(hello()[:1 + i % 100])
            connection.close()
        self.end()

    def test_descriptors_are_not_kept(self):
        """A packet may carry descriptors; keeping them would use up the tracer's."""
        self.begin()
        tracer = self.running.pid
        before = len(os.listdir(f"/proc/{tracer}/fd"))
        for packet in (b"x", hello(), head(SCOPE_BEGIN, 32) + bytes(16)):
            for _ in range(20):
                connection = self.connect()
                socket.send_fds(connection, [packet], [0, 1, 2])
                try:
                    connection.recv(4096)
                except ConnectionResetError:
                    pass
                connection.close()
        harness.wait_until(lambda: len(os.listdir(f"/proc/{tracer}/fd")) <= before, 5,
                           "the tracer's descriptors to close")
        self.end()


if __name__ == "__main__":
    harness.main()
