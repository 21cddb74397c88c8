"""Runs programs in several engines, in rounds that take turns, and collects CPU times and memory."""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "public"), str(ROOT / "vm/cli/tests/programs")]
import compare  # noqa: E402
import public  # noqa: E402
import real  # noqa: E402


class Job:
    """One program in one engine."""

    def __init__(self, argv, prints_times=False):
        self.argv, self.prints_times = [str(word) for word in argv], prints_times

    def run(self, launcher):
        """CPU seconds, resident KiB, and what it printed, which must be the same in all engines."""
        with tempfile.NamedTemporaryFile("r") as usage, tempfile.TemporaryFile() as out, \
                tempfile.TemporaryFile() as errors:
            status = subprocess.run([launcher, usage.name, *self.argv], stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=errors).returncode
            out.seek(0)
            printed = out.read()
            if status != 0:
                errors.seek(0)
                text = (errors.read().decode(errors="replace").strip().splitlines() or ["no message"])[0]
                raise compare.EngineFailed(f"exit status {status}, {text}")
            microseconds, rss = map(int, usage.read().split())
        if self.prints_times:  # those of each call; the results were checked by the engine's program
            return min(int(line) for line in printed.split()) / 1e9, rss, b""
        return max(microseconds, 1) / 1e6, rss, printed


def build_launcher(folder):
    launcher = os.path.join(folder, "launch")
    subprocess.run(["clang-19", "-O1", str(HERE / "launch.c"), "-o", launcher], check=True)
    return launcher


def measure(name, jobs, rounds, launcher):
    """JOBS is {program: {engine: Job}}. Returns {program: {engine: {seconds, rss_kib} or {failed}}}."""
    results = {program: {engine: {"seconds": [], "rss_kib": 0} for engine in engines}
               for program, engines in jobs.items()}
    for round_ in range(rounds):
        for program, engines in jobs.items():
            order = list(engines) if round_ % 2 == 0 else list(engines)[::-1]
            printed = {}
            for engine in order:
                result = results[program][engine]
                if "failed" in result:
                    continue
                try:
                    seconds, rss, output = engines[engine].run(launcher)
                except (compare.EngineFailed, OSError) as failure:
                    print(f"{name}: {program} in {engine}: {failure}", file=sys.stderr)
                    results[program][engine] = {"failed": str(failure)}
                    continue
                printed.setdefault(output, engine)
                result["seconds"].append(round(seconds, 7))
                result["rss_kib"] = max(result["rss_kib"], rss)
            if len(printed) > 1:
                raise SystemExit(f"{name}: {program}: outputs of {' and '.join(printed.values())} differ")
    return results


def public_jobs(options, folder):
    jobs = {}
    if not options.rust or not options.wasmi_benchmarks:
        return jobs
    wat = Path(options.wasmi_benchmarks, "res/wat")
    for program, arguments in sorted(public.commands(options.rust, wat, options.build / "warpbeam", folder).items()):
        jobs[program] = {engine: Job([case, *shorter(arguments, options.short)], prints_times=True)
                         for engine, case in options.cases.items()}
    return jobs


def shorter(arguments, short):
    """A third of the calls of `run`."""
    if not short:
        return arguments
    at = arguments.index("--rounds") + 1
    return [*arguments[:at], str(max(1, int(arguments[at]) // 3)), *arguments[at + 1:]]


def wasi_job(options, engine, wasm, args):
    return Job(compare.Engine(f"{engine}={options.engines[engine]}").argv(Path(wasm), args))


def program_jobs(options, table="work.txt", engines=None):
    jobs = {}
    for program, args in compare.read_work(HERE.parent / table).items():
        count = [str(max(1, int(args[0]) // (4 if options.short else 1)))]
        jobs[program] = {engine: wasi_job(options, engine, options.build / f"bench/{program}.wasm", count)
                         for engine in engines or options.engines}
    return jobs


def real_jobs(options):
    return {program.name: {engine: wasi_job(options, engine, program.wasm, program.args)
                           for engine in options.engines}
            for program in real.programs({"coremark": options.coremark, "brotli": options.brotli}, options.short)}


def start_jobs(options):
    """The smallest program."""
    return {"hello": {engine: wasi_job(options, engine, options.build / "bench/wasi/hello.wasm", [])
                      for engine in options.engines}}


# The programs for what other engines don't have: the text, and the arguments of `run`, for a long run and a short one.
FEATURES = {"trees": ("gc/trees.wat", 18, 16), "casts": ("gc/casts.wat", 20000, 5000),
            "parser": ("exceptions/parser.wat", 40000, 10000), "kinds": ("calls/kinds.wat", 5000000, 1250000),
            "counters": ("atomics/counters.wat", 2000000, 500000)}


def feature_jobs(options):
    jobs = program_jobs(options, "work_simd.txt", ["warpbeam"])
    for program, (path, long, short) in FEATURES.items():
        jobs[program] = {"warpbeam": Job([options.build / "warpbeam", "run", "--features=+threads", "--invoke", "run",
                                          HERE.parent / path, short if options.short else long])}
    return jobs


def guard_jobs(options):
    """The engines are the two ways to check the bounds of memories."""
    work = compare.read_work(HERE.parent / "work.txt")
    jobs = {}
    for program in ("json", "lz", "matmul", "sha256", "sieve"):
        count = max(1, int(work[program][0]) // (4 if options.short else 1))
        jobs[program] = {name: Job([options.build / "warpbeam", "run", *flags,
                                    options.build / f"bench/{program}.wasm", count])
                         for name, flags in (("checked", []), ("guard pages", ["--guard-pages"]))}
    return jobs


def memory64_jobs(options):
    """The engines are the two widths."""
    work = compare.read_work(HERE.parent / "work.txt")
    jobs = {}
    for program in ("sieve", "bytecode_vm", "quicksort"):
        count = max(1, int(work[program][0]) // (4 if options.short else 1))
        jobs[program] = {f"{bits}-bit": Job([options.build / "warpbeam", "run",
                                             options.build / f"bench/memory64/{program}{bits}.wasm", count])
                         for bits in (32, 64)}
    return jobs


def stripped_size(path):
    """The bytes of a program without symbols; None if it is a script."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copy(path, copy)
        strip = shutil.which("llvm-strip-19") or shutil.which("llvm-strip") or shutil.which("strip")
        if not strip or subprocess.run([strip, str(copy)], capture_output=True).returncode != 0:
            return None
        return copy.stat().st_size


def first_line(*command):
    try:
        ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    except OSError:
        return ""
    return (ran.stdout.strip().splitlines() or [""])[0]


def machine():
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {"processor": model.group(1) if model else platform.machine(), "processors": os.cpu_count(),
            "system": f"{platform.system()} {platform.release()}"}


def everything(options):
    """All sections that the options ask for, as what data.json holds."""
    rounds = options.rounds or (3 if options.short else 7)
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", (options.build / "CMakeCache.txt").read_text(), re.MULTILINE)
    data = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "commit": first_line("git", "rev-parse", "--short", "HEAD"),
        "machine": machine(),
        "compilers": [first_line(compiler.group(1), "--version")],
        "engines": {"warpbeam": "", **options.built},
        "rounds": rounds,
        "short": options.short,
        "load": round(os.getloadavg()[0], 1),
        "sizes": {engine: stripped_size(command.split()[0]) for engine, command in options.engines.items()},
        "commits": {},
        "sections": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        launcher = build_launcher(folder)
        sections = {
            "public": lambda: public_jobs(options, folder),
            "programs": lambda: program_jobs(options),
            "real": lambda: real_jobs(options),
            "features": lambda: feature_jobs(options),
            "memory64": lambda: memory64_jobs(options),
            "guard": lambda: guard_jobs(options),
            "start": lambda: start_jobs(options),
        }
        if unknown := [name for name in options.sections or [] if name not in sections]:
            sys.exit(f"--sections: no section is named '{unknown[0]}', use {', '.join(sections)}")
        for name, jobs in sections.items():
            if options.sections and name not in options.sections:
                continue
            began = time.monotonic()
            data["commits"][name] = data["commit"]
            # The least of many: one takes a millisecond.
            data["sections"][name] = measure(name, jobs(), rounds * 20 if name == "start" else rounds,
                                             launcher)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return data
