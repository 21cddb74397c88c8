"""Programs that others wrote, compiled from their sources; inputs and outputs stay in memory."""

import sys
from collections import namedtuple
from pathlib import Path

import build

HERE = Path(__file__).resolve().parent.parent / "real"
ROOT = HERE.parent.parent
Program = namedtuple("Program", "name wasm args")
# Without jumps, since other engines lack exceptions: an error ends the program.
LUA = ["-DLUAI_THROW(L,c)=abort()", "-DLUAI_TRY(L,c,a)={ a }", "-Dluai_jmpbuf=int"]
SQLITE = ["-DSQLITE_THREADSAFE=0", "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_WAL", "-DSQLITE_MAX_MMAP_SIZE=0",
          '-DSQLITE_DEFAULT_UNIX_VFS="unix-none"', "-DSQLITE_TEMP_STORE=3"]
# The work of a run: about a second of wasm3.
WORK = {"bzip2": 5, "lz4 compress": 90, "lz4 decompress": 150, "brotli": 6, "sqlite": 10, "lua fib": 200,
        "lua tables": 25, "raytracer": 160}
COREMARK_ITERATIONS = 1500


def files(folder, names):
    return [str(Path(folder, name)) for name in names]


def compile_all(builder, checkouts, iterations):
    """{name: module} of what can be built; says what can't."""
    def make(name, sources, flags, libraries=()):
        return builder.make(f"real-{name}.wasm", sources,
                            ["clang-19", *build.WASI, "-O2", "-w", *flags, *sources, "-o", "{out}", "-lm", *libraries])

    def own(name):
        return str(HERE / f"{name}.c")

    def bzip2():
        folder = build.source("bzip2")
        return make("bzip2", [own("bzip2"), *files(folder, ["blocksort.c", "huffman.c", "crctable.c", "randtable.c",
                              "compress.c", "decompress.c", "bzlib.c"])], ["-DBZ_NO_STDIO", "-I" + folder])

    def lz4():
        folder = build.source("lz4") + "/lib"
        return make("lz4", [own("lz4"), folder + "/lz4.c"], ["-I" + folder])

    def brotli():
        if not checkouts.get("brotli"):
            raise build.Missing("--brotli gives no checkout")
        folder = Path(checkouts["brotli"], "c")
        sources = [str(path) for part in ("common", "dec", "enc") for path in sorted(folder.glob(part + "/*.c"))]
        return make("brotli", [own("brotli"), *sources], [f"-I{folder}/include"])

    def sqlite():
        # The tests of SQLite make the file; see docs/programs.md.
        source = Path(builder.directory, "sqlite3.c")
        if not source.exists():
            raise build.Missing("sqlite3.c is made by the test: ctest --test-dir build/release -R programs.sqlite")
        return make("sqlite", [own("sqlite"), str(source)],
                    [*build.UNIX, *SQLITE, f"-I{builder.directory}/sqlite"], build.UNIX_LIBRARIES)

    def lua():
        folder = Path(build.source("lua5.4"), "src")
        sources = [str(path) for path in sorted(folder.glob("*.c")) if path.name not in ("lua.c", "luac.c")]
        headers = build.own("lua")
        return make("lua", [own("lua"), *sources], [*LUA, *build.UNIX, f"-I{headers}", f"-I{folder}",
                                                    f"-I{build.RUNTIME}", "-include", headers + "/wasi.h"],
                    build.UNIX_LIBRARIES)

    def of_coremark():
        coremark = checkouts.get("coremark")
        if not coremark:
            raise build.Missing("--coremark gives no checkout")
        sources = files(coremark, ["core_list_join.c", "core_main.c", "core_matrix.c", "core_state.c", "core_util.c",
                                   "simple/core_portme.c"])
        return make(f"coremark-{iterations}", [own("coremark_clock"), *sources],
                    [f"-I{coremark}", f"-I{coremark}/simple", "-DPERFORMANCE_RUN=1", f"-DITERATIONS={iterations}",
                     '-DFLAGS_STR="-O2"', "-Dclock=coremark_clock"])

    def raytracer():
        return make("raytracer", [own("raytracer")], [])

    made = {}
    for name, maker in (("coremark", of_coremark), ("bzip2", bzip2), ("lz4", lz4), ("brotli", brotli),
                        ("sqlite", sqlite), ("lua", lua), ("raytracer", raytracer)):
        try:
            made[name] = maker()
        except build.Missing as missing:
            print(f"{name} is left out: {missing}", file=sys.stderr)
    return made


def programs(checkouts, short):
    """The programs with their work, as `Program`s. CHECKOUTS has the folders of `coremark` and `brotli`, if there are."""
    build.require(*build.C)
    part = 4 if short else 1
    builder = build.Builder(str(ROOT / "build/programs"))
    made = compile_all(builder, checkouts, COREMARK_ITERATIONS // part)
    found = [Program("coremark", made["coremark"], [])] if "coremark" in made else []
    for name, count in WORK.items():
        program, _, way = name.partition(" ")
        if program in made:
            found.append(Program(name, made[program], [*way.split(), str(max(1, count // part))]))
    return found
