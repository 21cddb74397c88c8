#include "case.hpp"

#include <warpbeam/vm/linker.hpp>

#include <optional>

/// Programs of the public collection in Warpbeam.

namespace {

using namespace bench_case;

class Warpbeam {
public:
    explicit Warpbeam(const std::vector<uint8_t>& bytes) {
        const auto module = engine_.load(bytes);
        if (!module)
            fail("the module can't be loaded", std::string{module.error().message()});
        const auto made = warpbeam::Instance::create(store_, *module);
        if (!made)
            fail("the module can't be instantiated", std::string{made.error().message()});
        instance_ = *made;
    }
    Number call(const char* name, Number argument, Type type) {
        const auto func = instance_.func(name);
        if (!func)
            fail("there is no function", name);
        const warpbeam::Value args[] = {to_value(argument)};
        warpbeam::Value result;
        const auto called = func->call({args, argument.type != Type::none ? 1U : 0U},
                                       {&result, type != Type::none ? 1U : 0U});
        if (!called)
            fail(name, std::string{called.error().message()});
        return {type, type == Type::i32 ? static_cast<uint32_t>(result.slots()[0]) : result.slots()[0]};
    }
    uint8_t* memory(uint64_t address, uint64_t size) {
        const auto memory = instance_.memory("memory");
        if (!memory || address > memory->data().size() || size > memory->data().size() - address)
            fail("there is no memory", std::to_string(address));
        return memory->data().data() + address;
    }

private:
    static warpbeam::Value to_value(Number number) {
        if (number.type == Type::i64)
            return warpbeam::Value{static_cast<int64_t>(number.bits)};
        return warpbeam::Value{static_cast<int32_t>(number.bits)};
    }

    warpbeam::Engine engine_;
    warpbeam::Store store_{engine_};
    warpbeam::Instance instance_;
};

} // namespace

int main(int argc, char** argv) { return bench_case::main<Warpbeam>(argc, argv); }
