"""What ``import postmortem_nb`` costs against a bare interpreter: whole processes, in turn."""

import statistics
import subprocess
import sys
import time

ROUNDS = 15
HEAVY = ["pandas", "matplotlib", "ipywidgets", "nbconvert", "datadog_api_client"]
BARE = "pass"
OURS = "import postmortem_nb"
INSIDE = (
    "import sys, time; start = time.perf_counter(); import postmortem_nb; "
    f"print((time.perf_counter() - start) * 1e3, [n for n in {HEAVY} if n in sys.modules])"
)


def seconds(code):
    """Return the wall seconds of an interpreter that runs ``code``."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def main():
    pairs = [(seconds(BARE), seconds(OURS)) for _ in range(ROUNDS)]
    bare, ours = (statistics.median(side) * 1e3 for side in zip(*pairs, strict=True))
    run = [sys.executable, "-c", INSIDE]
    answers = [
        subprocess.run(run, check=True, capture_output=True, text=True).stdout.split(maxsplit=1)
        for _ in range(ROUNDS)
    ]
    inside = statistics.median(float(answer[0]) for answer in answers)
    print(f"bare interpreter {bare:.1f} ms, with import postmortem_nb {ours:.1f} ms")
    print(f"the import itself {inside:.1f} ms (goal 30), heavy libraries: {answers[0][1].strip()}")


if __name__ == "__main__":
    main()
