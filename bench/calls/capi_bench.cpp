// Prints what calls cost through the C API: capi_bench [-n CALLS] [--only NUMBER]. With --only it does one
// thing, once, for callgrind.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>
#include <warpbeam.h>

namespace {

constexpr const char* text = R"((module
  (import "host" "number" (func $number (param i32) (result i32)))
  (import "host" "reference" (func $reference (param externref)))
  (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func (export "g") (param externref) (result externref) (local.get 0))
  (func (export "numbers") (param $n i32)
    (loop $l (drop (call $number (local.get $n)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "references") (param $n i32) (param externref)
    (loop $l (call $reference (local.get 1))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))))";

[[noreturn]] void fail(const char* why) {
    std::fprintf(stderr, "%s\n", why);
    std::exit(1);
}

int count = 1'000'000;
int only = 0;
int actions = 0;

/// The nanoseconds of CPU time that each of `count` calls takes: the least of eleven rounds, since other
/// programs only add to it.
template <typename Action>
void measure(const char* what, Action action) {
    ++actions;
    if (only != 0 && only != actions)
        return;
    double least = INFINITY;
    for (int round = only != 0 ? 10 : 0; round < 11; ++round) {
        const std::clock_t start = std::clock();
        action(count);
        least = std::min(least, 1e9 / CLOCKS_PER_SEC * static_cast<double>(std::clock() - start) / count);
    }
    std::printf("%d  %-48s %6.1f ns\n", actions, what, least);
}

void call(const wasm_extern_t* function, const wasm_val_vec_t& args, wasm_val_vec_t* results) {
    if (wasm_func_call(wasm_extern_as_func_const(function), &args, results) != nullptr)
        fail("a trap");
}

wasm_trap_t* number(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    results->data[0].of.i32 = args->data[0].of.i32 + 1;
    return nullptr;
}
wasm_trap_t* reference(const wasm_val_vec_t*, wasm_val_vec_t*) { return nullptr; }

} // namespace

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        if (std::string_view{argv[i]} == "-n" && i + 1 < argc)
            count = std::max(1, std::atoi(argv[++i]));
        else if (std::string_view{argv[i]} == "--only" && i + 1 < argc)
            only = std::atoi(argv[++i]);
        else
            fail("usage: capi_bench [-n CALLS] [--only NUMBER]");
    }

    wasm_engine_t* const engine = wasm_engine_new();
    wasm_store_t* const store = wasm_store_new(engine);
    wasm_byte_vec_t binary;
    if (warpbeam_wat2wasm(text, std::strlen(text), &binary) != nullptr)
        fail("the module is not valid");
    wasm_module_t* const module = wasm_module_new(store, &binary);
    wasm_functype_t* const of_number = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_functype_t* const of_reference = wasm_functype_new_1_0(wasm_valtype_new_externref());
    wasm_extern_t* imported[] = {wasm_func_as_extern(wasm_func_new(store, of_number, number)),
                                 wasm_func_as_extern(wasm_func_new(store, of_reference, reference))};
    const wasm_extern_vec_t imports = WASM_ARRAY_VEC(imported);
    wasm_instance_t* const instance = wasm_instance_new(store, module, &imports, nullptr);
    if (instance == nullptr)
        fail("the module can't be instantiated");
    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    wasm_foreign_t* const foreign = wasm_foreign_new(store);

    wasm_val_t value = WASM_I32_VAL(0);
    wasm_val_vec_t values = {1, &value};
    measure("host to guest, a number and one back", [&](int n) {
        for (int i = 0; i < n; ++i)
            call(exports.data[0], values, &values);
    });
    const auto pass = [&](wasm_ref_t* ref, int n) {
        wasm_val_t arg = WASM_REF_VAL(ref), result;
        wasm_val_vec_t args = {1, &arg}, results = {1, &result};
        for (int i = 0; i < n; ++i) {
            call(exports.data[1], args, &results);
            wasm_val_delete(&result);
        }
    };
    measure("host to guest, a foreign object and it back",
            [&](int n) { pass(wasm_foreign_as_ref(foreign), n); });
    measure("host to guest, a function as externref and back",
            [&](int n) { pass(wasm_extern_as_ref(exports.data[0]), n); });
    measure("guest to host, a number and one back", [&](int n) {
        value.of.i32 = n;
        call(exports.data[2], values, nullptr);
    });
    const auto receive = [&](wasm_ref_t* ref, int n) {
        wasm_val_t both[] = {WASM_I32_VAL(n), WASM_REF_VAL(ref)};
        call(exports.data[3], WASM_ARRAY_VEC(both), nullptr);
    };
    measure("guest to host, a foreign object", [&](int n) { receive(wasm_foreign_as_ref(foreign), n); });
    measure("guest to host, a function as externref",
            [&](int n) { receive(wasm_extern_as_ref(exports.data[0]), n); });
    return 0; // what was made ends with the process
}
