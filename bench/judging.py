"""What benchmarks share: figures against budgets, CPU and memory of a process."""
import pathlib
import re

FAILED = []


def judge(what, value, budget, unit):
    verdict = "pass" if value <= budget else "FAIL"
    if verdict == "FAIL":
        FAILED.append(what)
    print(f"  {what}: {value:.4g} {unit} (budget {budget:g}): {verdict}", flush=True)


def cpu_seconds(pid):
    """CPU of all threads that live, to the nanosecond: utime in /proc/PID/stat counts in steps of 10 ms."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def memory_mb(pid, field="VmRSS"):
    return int(re.search(rf"{field}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024
