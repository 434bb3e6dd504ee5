"""Stand-ins for what an Android device has, as programs that a test puts in place of it.

The two benchmark programs run the model that they are given with the real library of its backend
from Python, and print what LiteRT's `benchmark_model` and ONNX Runtime's `onnxruntime_perf_test`
print. The others only print.
"""

from __future__ import annotations

import shutil
import stat
import sys
from pathlib import Path

BENCHMARK_MODEL = f"""#!{sys.executable}
import sys, time
import numpy
flags = dict(each[2:].split("=", 1) for each in sys.argv[1:] if "=" in each)
if "--help" in sys.argv:
    print("usage: tool <flags>", "Flags:", "--graph= string", "--signature_to_run_for= string")
    sys.exit(1)
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(flags["graph"], num_threads=int(flags["num_threads"]))
runner = interpreter.get_signature_runner(flags["signature_to_run_for"])
ranges = [each.split(",") for each in flags["input_layer_value_range"].split(":")]
shapes = [each.split(",") for each in flags["input_layer_shape"].split(":")]
names = flags["input_layer"].split(",")
details = runner.get_input_details()
assert len(names) == len(details) == len(ranges) == len(shapes)
inputs = {{}}
# In its own order, whatever the flags call them.
for detail, shape, (_, low, high) in zip(sorted(details, reverse=True), shapes, ranges):
    size, kind = list(map(int, shape)), details[detail]["dtype"]
    wanted = details[detail]["shape_signature"].tolist()
    assert len(size) == len(wanted), (size, wanted)
    assert all(side in (given, -1) for given, side in zip(size, wanted)), (size, wanted)
    inputs[detail] = numpy.random.randint(int(low), int(high) + 1, size).astype(kind)

def run(least, seconds, most):
    print(f"Running benchmark for at least {{least}} iterations", file=sys.stderr)
    start, times = time.monotonic(), []
    while len(times) < least or time.monotonic() < start + seconds:
        began = time.perf_counter_ns()
        runner(**inputs)
        times.append((time.perf_counter_ns() - began) // 1000)
        if time.monotonic() > start + most:
            break
    times = numpy.array(times)
    p5, p50, p95 = (int(numpy.sort(times)[len(times) * p // 100]) for p in (5, 50, 95))
    print(
        f"INFO: count={{len(times)}} first={{times[0]}} curr={{times[-1]}} min={{times.min()}} "
        f"max={{times.max()}} avg={{times.mean():g}} std={{int(times.std())}} "
        f"p5={{p5}} median={{p50}} p95={{p95}}\\n", file=sys.stderr)

most = float(flags["max_secs"])
run(int(flags["warmup_runs"]), float(flags["warmup_min_secs"]), most)
run(int(flags["num_runs"]), float(flags["min_secs"]), most)
if flags["report_peak_memory_footprint"] == "true":
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"INFO: Overall peak memory footprint (MB) via periodic monitoring: {{peak:g}}")
    print(f"INFO: - VmRSS              : {{int(peak)}} MB")
"""

PERF_TEST = f"""#!{sys.executable}
import os, pathlib, resource, sys, time
if "--help" in sys.argv:
    print("perf_test [options...] model_path [result_file]")
    sys.exit(255)
assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
import onnx, onnxruntime
*options, model, results = sys.argv[1:]
named = dict(zip(options, options[1:]))
folders = [each for each in pathlib.Path(model).parent.iterdir() if each.is_dir()]
(folder,) = folders
feeds = {{}}
for path in folder.glob("input_*.pb"):
    tensor = onnx.load_tensor(str(path))
    feeds[tensor.name] = onnx.numpy_helper.to_array(tensor)
settings = onnxruntime.SessionOptions()
settings.intra_op_num_threads = int(named["-x"])
session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
session.run(None, feeds)
end, times = time.monotonic() + int(named["-t"]), []
while time.monotonic() < end:
    began = time.perf_counter()
    session.run(None, feeds)
    times.append(time.perf_counter() - began)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
with open(results, "a") as stream:
    for number, each in enumerate(times):
        row = (folder.parent.name, f"{{each * 0.5:g}}", f"{{each:g}}", peak, 97, number)
        print(*row, sep=",", file=stream)
print(f"Peak working set size: {{peak}} bytes")
times.sort()
print(f"P50 Latency: {{times[len(times) // 2]:g}} s")
print(f"P90 Latency: {{times[len(times) * 9 // 10]:g}} s")
print(str({{name: each.tolist() for name, each in feeds.items()}}), file=sys.stderr)
"""

GETPROP = """#!/bin/sh
cat <<'END'
[ro.build.version.release]: [14]
[ro.build.version.sdk]: [34]
[ro.product.cpu.abi]: [arm64-v8a]
[ro.product.cpu.abilist]: [arm64-v8a,armeabi-v7a]
[ro.product.manufacturer]: [Fable]
[ro.product.model]: [Phone 3]
[ro.soc.model]: [FX-100]
END
"""

DUMPSYS = """#!/bin/sh
if [ "$1" = battery ]; then cat <<'END'
Current Battery Service state:
  AC powered: false
  USB powered: false
  status: 3
  level: 15
  scale: 100
  temperature: 412
END
fi
if [ "$1" = thermalservice ]; then cat <<'END'
IsStatusOverride: false
Thermal Status: 2
Cached temperatures:
	Temperature{mValue=99.0, mType=0, mName=CPU0, mStatus=0}
Current temperatures from HAL:
	Temperature{mValue=61.5, mType=0, mName=CPU0, mStatus=2}
	Temperature{mValue=58.0, mType=0, mName=CPU1, mStatus=0}
	Temperature{mValue=70.0, mType=3, mName=skin, mStatus=0}
END
fi
"""

UNAME = """#!/bin/sh
[ "$1" = -m ] && echo aarch64 || echo 6.1.57-android14
"""

PM = """#!/bin/sh
[ -f "$(dirname "$0")/am" ] || exit 1
echo package:/data/app/base.apk
"""

_CORE = """processor\t: {number}
Features\t: fp asimd asimddp i8mm
CPU implementer\t: 0x41
CPU part\t: {part}

"""


def furnish(root: Path) -> None:
    """Give a folder the files and programs of a phone with two kinds of cores."""
    programs = {"getprop": GETPROP, "dumpsys": DUMPSYS, "uname": UNAME, "pm": PM}
    programs |= {"settings": "#!/bin/sh\necho 1\n"}
    for name, text in programs.items():
        program(root / "bin" / name, text)
    cores = [("0xd05", 1_800_000, 300_000)] * 2 + [("0xd41", 2_900_000, 2_600_000)]
    files = {
        "proc/cpuinfo": "".join(
            _CORE.format(number=number, part=part) for number, (part, _, _) in enumerate(cores)
        ),
        "proc/meminfo": "MemTotal:  7800000 kB\nMemAvailable: 3100000 kB\n",
        "sys/devices/system/cpu/online": "0-2\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "sched_pixel\n",
        "sys/class/power_supply/battery/charge_counter": "3000000\n",
        "sys/class/power_supply/battery/voltage_now": "4000000\n",
    }
    for number, (_, most, now) in enumerate(cores):
        folder = f"sys/devices/system/cpu/cpu{number}/cpufreq"
        files[f"{folder}/cpuinfo_max_freq"] = f"{most}\n"
        files[f"{folder}/scaling_cur_freq"] = f"{now}\n"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "data/local/tmp").mkdir(parents=True)


def program(path: Path, text: str) -> Path:
    """Write a program that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def has_adb() -> bool:
    """Whether the real client is here."""
    return shutil.which("adb") is not None
