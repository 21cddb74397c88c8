// What modules do, in lines that other engines can be compared with: outcomes [--plan FILE] [--eager]
// [--collect-always] [--guard-pages] [--fuel] MODULE...
//
// For each module: whether it could be instantiated, the outcome of calls of its exported functions with
// arguments that depend only on its types, and then its memories, tables and globals. `host` gives the
// functions that outcomes.js and wasmtime_engine.py give, too; the last line has what they were called with.
// The plan has the same calls as JSON, for the other engines. Functions with vectors, exceptions or
// continuations can't be called from JavaScript and are left out. Those with references are called after all
// others, since not every engine's binding has them. With --fuel, each part gets a million units, so that
// modules which would not end can be left out.

#include <warpbeam/loader/type_codes.hpp>
#include <warpbeam/vm/linker.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace warpbeam;

constexpr size_t rounds = 3;
constexpr uint64_t max_elements = 64;
constexpr size_t large_memory = size_t{64} << 20; ///< whose contents take too long to look at
constexpr uint64_t max_fuel = 1'000'000;

/// The checksum that zlib has.
class Crc {
public:
    void add(std::span<const uint8_t> bytes) {
        for (const uint8_t byte : bytes)
            state_ = table[(state_ ^ byte) & 0xff] ^ state_ >> 8;
    }
    void add(uint64_t number) {
        std::array<uint8_t, 8> bytes{};
        for (uint8_t& byte : bytes) {
            byte = static_cast<uint8_t>(number);
            number >>= 8;
        }
        add(bytes);
    }
    [[nodiscard]] uint32_t value() const { return ~state_; }

private:
    static constexpr std::array<uint32_t, 256> table = [] {
        std::array<uint32_t, 256> made{};
        for (uint32_t i = 0; i < made.size(); ++i) {
            uint32_t entry = i;
            for (int bit = 0; bit < 8; ++bit)
                entry = (entry & 1) != 0 ? 0xedb8'8320 ^ entry >> 1 : entry >> 1;
            made[i] = entry;
        }
        return made;
    }();
    uint32_t state_ = ~0u;
};

enum class Class { number, reference, other };

Class class_of(const TypeRegistry& types, ValType type) {
    if (!type.is_ref())
        return type == ValType::v128 ? Class::other : Class::number;
    const HeapType top = types.top_of(type.heap());
    return type.nullable() && (top == HeapType::func || top == HeapType::extern_ || top == HeapType::any)
               ? Class::reference
               : Class::other;
}

const char* name_of(ValType type) {
    const PlainType* const number = row_of(type.kind());
    return number != nullptr ? number->keyword.data() : "ref";
}

/// The bits of an argument: some number at a limit, or any. No NaN, whose bits not every binding passes on.
uint64_t argument(ValType type, uint64_t seed) {
    seed = (seed ^ seed >> 30) * 0xbf58'476d'1ce4'e5b9;
    seed = (seed ^ seed >> 27) * 0x94d0'49bb'1331'11eb;
    seed ^= seed >> 31;
    const size_t choice = seed % 8;
    switch (type.kind()) {
    case ValType::i32: {
        const uint32_t values[] = {0, 1, ~0u, 0x8000'0000, 0x7fff'ffff, 65536};
        return choice < std::size(values) ? values[choice] : seed >> (choice == 6 ? 32 : 56);
    }
    case ValType::i64: {
        const uint64_t values[] = {0, 1, ~uint64_t{0}, uint64_t{1} << 63, ~(uint64_t{1} << 63), 0xffff'ffff};
        return choice < std::size(values) ? values[choice] : seed >> (choice == 6 ? 0 : 56);
    }
    case ValType::f32: {
        const float values[] = {0, -0.0f, 1.5f, -3e9f, 3e38f, 1e-45f, 2147483648.0f, 0.1f};
        return std::bit_cast<uint32_t>(values[choice]);
    }
    case ValType::f64: {
        const double values[] = {0, -0.0, 1.5, -3e9, 1e308, 5e-324, 9223372036854775808.0, 0.1};
        return std::bit_cast<uint64_t>(values[choice]);
    }
    default:
        return 0;
    }
}

std::string text_of(const Value& value) {
    char text[40];
    if (!value.type().is_ref()) {
        const bool narrow = value.type() == ValType::i32 || value.type() == ValType::f32;
        std::snprintf(text, sizeof text, "%s:%" PRIx64, name_of(value.type()),
                      narrow ? value.slots()[0] & 0xffff'ffff : value.slots()[0]);
        return text;
    }
    return value.is_null() ? "null" : "ref";
}

std::string text_of(const Trap& trap) {
    if (trap.code() == TrapCode::uncaught_exception)
        return "exception";
    return "trap " + std::string{text_of(trap.code())};
}

std::string text_of(const InstantiationError& error) {
    if (error.code() == ErrorCode::unlinkable)
        return "unlinkable";
    if (error.code() == ErrorCode::limit || error.code() == ErrorCode::out_of_memory)
        return "trap out of memory";
    return "error " + std::string{error.message()};
}

/// One module, its instance and what its host functions were called with.
class Run {
public:
    explicit Run(const Engine& engine) : store_{engine}, linker_{engine} { define(); }

    void module(const Module& module) {
        store_.set_fuel(max_fuel);
        const auto made = linker_.instantiate(store_, module);
        if (!made) {
            const Trap* const trap = made.error().trap();
            std::printf("instance %s\n",
                        trap != nullptr ? text_of(*trap).c_str() : text_of(made.error()).c_str());
            print_log();
            return;
        }
        std::puts("instance made");
        std::vector<Extern> exports;
        for (const Export& entry : module.exports())
            exports.push_back(made->get(entry));
        calls(exports, Class::number);
        state(exports, "");
        calls(exports, Class::reference);
        state(exports, "later ");
        print_log();
    }

    [[nodiscard]] const std::string& plan() const { return planned_; }

private:
    void define() {
        (void)linker_.func("host", "count", [this]() -> int32_t {
            log_.add(0);
            return static_cast<int32_t>(logged_++);
        });
        (void)linker_.func("host", "numbers", [this](int32_t a, int64_t b, float c, double d) {
            log_.add(static_cast<uint32_t>(a));
            log_.add(static_cast<uint64_t>(b));
            log_.add(std::bit_cast<uint32_t>(c));
            log_.add(std::bit_cast<uint64_t>(d));
            ++logged_;
        });
        (void)linker_.func("host", "half", [this](double x) -> double {
            log_.add(std::bit_cast<uint64_t>(x));
            ++logged_;
            return 0.5;
        });
        (void)linker_.func("host", "both", [this](int64_t x) -> std::tuple<int32_t, int64_t> {
            log_.add(static_cast<uint64_t>(x));
            ++logged_;
            return {-1, x};
        });
    }

    /// Calls the functions of which the widest of all parameters and results is of this class.
    void calls(const std::vector<Extern>& exports, Class wanted) {
        for (size_t i = 0; i < exports.size(); ++i) {
            const Func* const func = std::get_if<Func>(&exports[i]);
            if (func == nullptr || class_of(func->type()) != wanted)
                continue;
            for (size_t round = 0; round < (func->type().params.empty() ? 1 : rounds); ++round)
                call(*func, i, round, wanted);
        }
    }

    [[nodiscard]] Class class_of(ValType type) const { return ::class_of(store_.engine().types(), type); }

    [[nodiscard]] Class class_of(const FuncType& type) const {
        Class widest = Class::number;
        for (const auto types : {type.params, type.results})
            for (const ValType each : types)
                widest = std::max(widest, class_of(each));
        return widest;
    }

    void call(const Func& func, size_t number, size_t round, Class wanted) {
        const FuncType type = func.type();
        std::vector<Value> args;
        planned_ += planned_.empty() ? "" : ",";
        planned_ += "[\"" + std::string{wanted == Class::number ? "numbers" : "references"} + "\"," +
                    std::to_string(number) + "," + std::to_string(round) + ",[";
        for (size_t p = 0; p < type.params.size(); ++p) {
            const uint64_t bits = argument(type.params[p], (number * rounds + round) * 1000 + p);
            const uint64_t slots[2] = {bits, 0};
            args.push_back(type.params[p].is_ref() ? Value::null(type.params[p].heap())
                                                   : Value::from_slots(type.params[p], slots));
            char text[64];
            std::snprintf(text, sizeof text, "%s[\"%s\",\"%" PRIx64 "\"]", p == 0 ? "" : ",",
                          name_of(type.params[p]), bits);
            planned_ += text;
        }
        planned_ += "],[";
        for (size_t r = 0; r < type.results.size(); ++r)
            planned_ += std::string{r == 0 ? "\"" : ",\""} + name_of(type.results[r]) + "\"";
        planned_ += "]]";
        std::vector<Value> results(type.results.size());
        store_.set_fuel(max_fuel);
        const auto called = func.call(args, results);
        std::printf("call %zu.%zu", number, round);
        if (!called) {
            std::printf(" %s\n", text_of(called.error()).c_str());
            return;
        }
        for (const Value& result : results)
            std::printf(" %s", text_of(result).c_str());
        std::putchar('\n');
    }

    void state(const std::vector<Extern>& exports, const char* when) {
        planned_ += planned_.empty() ? "" : ",";
        planned_ += "[\"state\",\"" + std::string{when} + "\",[";
        bool first = true;
        for (size_t i = 0; i < exports.size(); ++i) {
            std::string kind;
            if (const Memory* const memory = std::get_if<Memory>(&exports[i])) {
                const std::span<const uint8_t> data = memory->data();
                Crc crc;
                crc.add(data.first(std::min(data.size(), large_memory)));
                std::printf("%smemory %zu %zu %x%s\n", when, i, data.size(), crc.value(),
                            data.size() > large_memory ? " large" : "");
                kind = "memory";
            } else if (const Table* const table = std::get_if<Table>(&exports[i])) {
                if (class_of(table->type().element) == Class::other)
                    continue;
                std::printf("%stable %zu %" PRIu64 " ", when, i, table->size());
                for (uint64_t at = 0; at < std::min(table->size(), max_elements); ++at)
                    std::putchar(table->get(at)->is_null() ? '0' : '1');
                std::putchar('\n');
                kind = "table";
            } else if (const Global* const global = std::get_if<Global>(&exports[i])) {
                if (class_of(global->type().content) == Class::other)
                    continue;
                std::printf("%sglobal %zu %s\n", when, i, text_of(global->get()).c_str());
                kind = name_of(global->type().content);
            } else {
                continue;
            }
            planned_ += (first ? "[" : ",[") + std::to_string(i) + ",\"" + kind + "\"]";
            first = false;
        }
        planned_ += "]]";
    }

    void print_log() { std::printf("host %zu %x\n", logged_, log_.value()); }

    Store store_;
    Linker linker_;
    Crc log_;
    size_t logged_ = 0;
    std::string planned_;
};

} // namespace

int main(int argc, char** argv) {
    // What came before a crash is to be seen.
    (void)std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    Config config;
    config.features = FeatureSet::all();
    config.waiting = false;
    std::FILE* plan = nullptr;
    std::vector<const char*> files;
    for (int i = 1; i < argc; ++i) {
        const std::string_view arg = argv[i];
        if (arg == "--eager")
            config.eager = true;
        else if (arg == "--collect-always")
            config.collect_always = true;
        else if (arg == "--guard-pages")
            config.guard_pages = true;
        else if (arg == "--fuel")
            config.fuel = true;
        else if (arg == "--plan" && i + 1 < argc)
            plan = std::fopen(argv[++i], "w");
        else
            files.push_back(argv[i]);
    }
    const Engine engine{config};
    for (const char* const name : files) {
        std::ifstream file{name, std::ios::binary};
        const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>{file}, {}};
        std::printf("module %s\n", name);
        const auto module = engine.load(bytes);
        if (!module) {
            std::printf("not valid: %s\n", std::string{module.error().message()}.c_str());
            if (plan != nullptr)
                std::fprintf(plan, "null\n");
            continue;
        }
        Run run{engine};
        run.module(*module);
        if (plan != nullptr)
            std::fprintf(plan, "[%s]\n", run.plan().c_str());
    }
    if (plan != nullptr)
        std::fclose(plan);
    return 0;
}
