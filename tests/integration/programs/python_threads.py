"""Threads that all write at once, each in functions of its own; a new thread and a new process; an
interpreter within the interpreter."""
import os
import subprocess
import sys
import threading


def work(number):
    scope = {"os": os, "text": b"thread %d\n" % number}
    exec(f"def deeper{number}(): os.write(1, text)\ndef own{number}():\n  for _ in range(50): deeper{number}()", scope)
    scope[f"own{number}"]()


def starts_threads():
    several = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for one in several:
        one.start()
    for one in several:
        one.join()


def starts_program():
    subprocess.run(["/bin/true"], check=True)


def starts_interpreter():
    import _xxsubinterpreters as interpreters
    inner = interpreters.create()
    interpreters.run_string(inner, "import os\ndef within():\n  os.write(1, b'within\\n')\nwithin()")


{"threads": starts_threads, "program": starts_program, "interpreter": starts_interpreter}[sys.argv[1]]()
