#!/usr/bin/python3
"""limit.py SECONDS COMMAND [ARG...]: runs COMMAND under a hard time limit.

When the time is over, or when this process is told to end, the stacks of all processes below it
are printed and all of them are killed. Exit status: that of COMMAND, 124 when the time was over.
WC_SOAK=N in the environment gives N times as long.
"""
import os
import signal
import subprocess
import sys

import processes


def main():
    seconds = float(sys.argv[1]) * int(os.environ.get("WC_SOAK", "1"))
    command = sys.argv[2:]
    processes.become_subreaper()
    started = subprocess.Popen(command, start_new_session=True)

    def told_to_end(number, _frame):
        processes.kill_all()
        os._exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, told_to_end)
    try:
        status = started.wait(seconds)
    except subprocess.TimeoutExpired:
        print(f"\nTIME LIMIT: not done after {seconds:.0f} s: {' '.join(command)}", flush=True)
        processes.dump_and_kill()
        sys.exit(124)
    # Whatever outlives the command is not wanted on the machine of who runs the tests.
    left = [p for p in processes.descendants() if (processes.stat_fields(p) or ("", "Z"))[1] != "Z"]
    if left:
        print("LEFT BEHIND: " + "; ".join(processes.describe(p) for p in left), flush=True)
        processes.kill_all()
        status = status or 1
    sys.exit(status if status >= 0 else 128 - status)


main()
