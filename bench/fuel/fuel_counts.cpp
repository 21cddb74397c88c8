#include <warpbeam/vm/execution.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/wasi/wasi.hpp>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

/// Prints the fuel that each program takes, as `NAME FUEL`, after checking that it takes the same at once, in
/// slices, and while it is interrupted again and again. `.ci/run` compares the tables of two builds. The
/// programs' own output goes to standard output, so the table goes to a file.

namespace {

using namespace warpbeam;

struct Program {
    std::string name;
    std::vector<uint8_t> bytes;
};

/// A failure that ends the process, since this is a test.
[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "fuel_counts: %s\n", what.c_str());
    std::exit(1);
}

class Run {
public:
    explicit Run(const Program& program) {
        const auto module = engine_.load(program.bytes);
        if (!module)
            fail(program.name + ": " + std::string(module.error().message()));
        if (!context_.add_arg(program.name) || !context_.add_arg("2"))
            fail("out of memory");
        if (!wasi::define(linker_, context_))
            fail("out of memory");
        auto instance = linker_.instantiate(store_, *module);
        if (!instance)
            fail(program.name + ": " + std::string(instance.error().message()));
        const auto start = instance->func("_start");
        if (!start)
            fail(program.name + " has no _start");
        auto made = Execution::create(*start);
        if (!made)
            fail(std::string(made.error().message()));
        execution_ = std::move(*made);
    }

    /// The fuel that it takes in slices of so much.
    uint64_t fuel(uint64_t slice) {
        uint64_t given = 0;
        for (;;) {
            given += slice;
            auto state = execution_.resume({.fuel = slice});
            while (state && *state == ExecutionState::interrupted)
                state = execution_.resume();
            if (!state)
                fail(std::string(state.error().message()));
            if (*state == ExecutionState::done)
                return given - execution_.fuel();
            if (*state != ExecutionState::out_of_fuel)
                fail(std::string(execution_.trap()->message()));
        }
    }
    /// The same, while another thread interrupts it.
    uint64_t interrupted_fuel() {
        std::atomic<bool> done = false;
        std::jthread other{[&, handle = store_.interrupt_handle()] {
            while (!done) {
                handle.interrupt();
                std::this_thread::sleep_for(std::chrono::microseconds{200});
            }
        }};
        const uint64_t taken = fuel(uint64_t{1} << 40);
        done = true;
        return taken;
    }

private:
    Engine engine_{{.fuel = true, .interruption = true}};
    wasi::Context context_;
    Linker linker_{engine_};
    Store store_{engine_};
    Execution execution_;
};

} // namespace

int main(int argc, char** argv) {
    if (argc < 3)
        fail("usage: fuel_counts TABLE PROGRAM.wasm...");
    std::ofstream table{argv[1]};
    for (int i = 2; i < argc; ++i) {
        const std::string path = argv[i];
        std::ifstream file{path, std::ios::binary};
        Program program{path.substr(path.find_last_of('/') + 1),
                        {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}}};
        const uint64_t whole = Run{program}.fuel(uint64_t{1} << 40);
        const uint64_t sliced = Run{program}.fuel(10'007);
        const uint64_t interrupted = Run{program}.interrupted_fuel();
        if (sliced != whole || interrupted != whole)
            fail(program.name + " takes " + std::to_string(whole) + " units at once, " +
                 std::to_string(sliced) + " in slices and " + std::to_string(interrupted) +
                 " when it is interrupted");
        table << program.name << ' ' << whole << '\n';
    }
    table.close();
    return table ? 0 : 1;
}
