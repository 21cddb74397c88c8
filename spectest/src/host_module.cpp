#include "host_module.hpp"

#include <warpbeam/loader/built_features.hpp>

namespace warpbeam::spectest {
namespace {

/// Defines one item after another until one fails.
class Definitions {
public:
    explicit Definitions(Linker& linker) : linker_{linker} {}

    template <typename T>
    void add(std::string_view name, const std::expected<T, Error>& made) {
        if (!result)
            return;
        if (made)
            result = linker_.define("spectest", name, *made);
        else
            result = std::unexpected{made.error()};
    }
    template <typename F>
    void add_func(std::string_view name, F callable) {
        if (result)
            result = linker_.func("spectest", name, callable);
    }

    std::expected<void, Error> result;

private:
    Linker& linker_;
};

} // namespace

std::expected<void, Error> define_host_module(Linker& linker, Store& store) {
    Definitions definitions{linker};
    const auto global = [&](std::string_view name, ValType type, const Value& value) {
        definitions.add(name, Global::create(store, GlobalType{type, false}, value));
    };
    global("global_i32", ValType::i32, int32_t{666});
    global("global_i64", ValType::i64, int64_t{666});
    global("global_f32", ValType::f32, 666.6f);
    global("global_f64", ValType::f64, 666.6);

    Limits table_limits{10, 20, true, false};
    definitions.add("table", Table::create(store, {funcref, table_limits}, Value::null(HeapType::func)));
    table_limits.is_64 = true;
    definitions.add("table64", Table::create(store, {funcref, table_limits}, Value::null(HeapType::func)));

    MemoryType memory{.limits = {1, 2, true, false}};
    definitions.add("memory", Memory::create(store, memory));
    memory.shared = true;
    if (is_built(Feature::threads) && !store.engine().config().deterministic) // which refuses it
        definitions.add("shared_memory", Memory::create(store, memory));

    definitions.add_func("print", [] {});
    definitions.add_func("print_i32", [](int32_t) {});
    definitions.add_func("print_i64", [](int64_t) {});
    definitions.add_func("print_f32", [](float) {});
    definitions.add_func("print_f64", [](double) {});
    definitions.add_func("print_i32_f32", [](int32_t, float) {});
    definitions.add_func("print_f64_f64", [](double, double) {});
    return definitions.result;
}

} // namespace warpbeam::spectest
