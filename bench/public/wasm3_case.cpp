#include "case.hpp"

#include <wasm3.h>

/// The same in wasm3.

namespace {

using namespace bench_case;

class Wasm3 {
public:
    explicit Wasm3(const std::vector<uint8_t>& bytes) : bytes_{bytes} {
        check(m3_ParseModule(environment_, &module_, bytes_.data(), static_cast<uint32_t>(bytes_.size())),
              "parse");
        check(m3_LoadModule(runtime_, module_), "load");
        check(m3_CompileModule(module_), "compile"); // as Warpbeam's first round, its own compiles nothing
    }
    Number call(const char* name, Number argument, Type type) {
        IM3Function function = nullptr;
        check(m3_FindFunction(&function, runtime_, name), name);
        const void* args[] = {&argument.bits};
        check(m3_Call(function, argument.type != Type::none ? 1 : 0, args), name);
        Number result{type, 0};
        const void* results[] = {&result.bits};
        if (type != Type::none)
            check(m3_GetResults(function, 1, results), name);
        return result;
    }
    uint8_t* memory(uint64_t address, uint64_t size) {
        uint32_t all = 0;
        uint8_t* const begin = m3_GetMemory(runtime_, &all, 0);
        if (begin == nullptr || address > all || size > all - address)
            fail("there is no memory", std::to_string(address));
        return begin + address;
    }

private:
    static void check(M3Result result, const char* what) {
        if (result != nullptr)
            fail(what, result);
    }

    std::vector<uint8_t> bytes_;
    IM3Environment environment_ = m3_NewEnvironment();
    IM3Runtime runtime_ = m3_NewRuntime(environment_, 1 << 20, nullptr);
    IM3Module module_ = nullptr;
};

} // namespace

int main(int argc, char** argv) { return bench_case::main<Wasm3>(argc, argv); }
