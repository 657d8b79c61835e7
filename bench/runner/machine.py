"""The machine: its shape, its cores, and who else was busy on it."""

import os
import platform
import re
import resource
import subprocess
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent


def cores():
    """The server's half of the cores and the load's; on a single core they share it."""
    mine = sorted(os.sched_getaffinity(0))
    half = max(1, len(mine) // 2)
    return mine[:half], mine[half:] or mine


def lift_file_limit():
    """As many open files as this user may have; answers with how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def connections_max():
    """How many connections a server can hold here: a descriptor for each, and some for the rest."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 300


def shape():
    cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*:\s*(.*)", cpu)
    mhz = re.search(r"cpu MHz\s*:\s*([\d.]+)", cpu)
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8"))
    server, load = cores()
    return {
        "cpu": model.group(1).strip() if model else platform.machine(),
        "mhz": round(float(mhz.group(1))) if mhz else None,
        "virtual": "hypervisor" in cpu,
        "cores": len(os.sched_getaffinity(0)),
        "serverCores": server,
        "loadCores": load,
        "memoryGib": round(int(memory.group(1)) / 1024**2) if memory else None,
        "kernel": platform.release(),
        "os": os_name(),
        "openFiles": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    }


def os_name():
    try:
        for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
            if line.startswith("PRETTY_NAME="):
                return line.split("=", 1)[1].strip('"')
    except OSError:
        pass
    return platform.system()


def said(*command):
    """What a command prints on its first line, or nothing."""
    try:
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return out.splitlines()[0].strip() if out else ""
    except (OSError, subprocess.CalledProcessError):
        return ""


class Busy:
    """How busy the machine was with others: all cores' time less that of the processes measured."""

    def __init__(self):
        self.before = self.read()

    @staticmethod
    def read():
        fields = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:9]
        user, nice, system, idle, wait, irq, soft, steal = (int(field) for field in fields)
        return user + nice + system + irq + soft, steal, idle + wait

    def since(self):
        """Shares of the whole machine: used by anybody, and stolen by its host."""
        used, stolen, idle = (after - before for before, after in zip(self.before, self.read()))
        whole = max(1, used + stolen + idle)
        return {"used": round(used / whole, 3), "stolen": round(stolen / whole, 3)}
