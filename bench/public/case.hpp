#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

/// Runs one program of the public collection in one engine, and prints the nanoseconds of CPU time that each
/// call of `run` took:
///
///     ENGINE MODULE --run TYPE:ARGUMENT                     calls run(ARGUMENT)
///     ENGINE MODULE --setup TYPE:ARGUMENT [--input FILE]    calls run(setup(ARGUMENT)), after writing the
///     file to
///                                                           where `input_ptr` says
///            [--rounds N] [--check NAME:TYPE:RESULT] [--output FILE]
///
/// A check calls NAME with what `setup` has returned, after the last round; a file is compared with what
/// `output_ptr` says. `setup` takes nothing if its argument is `void`.

namespace bench_case {

enum class Type : uint8_t { none, i32, i64, f64 };
struct Number {
    Type type = Type::none;
    uint64_t bits = 0;
};

[[noreturn]] inline void fail(const char* what, const std::string& which) {
    std::fprintf(stderr, "%s: %s\n", what, which.c_str());
    std::exit(1);
}

inline std::vector<uint8_t> read_file(const std::string& path) {
    std::FILE* const file = std::fopen(path.c_str(), "rb");
    if (file == nullptr)
        fail("can't be read", path);
    std::vector<uint8_t> bytes;
    uint8_t part[65536];
    for (size_t count; (count = std::fread(part, 1, sizeof part, file)) != 0;)
        bytes.insert(bytes.end(), part, part + count);
    std::fclose(file);
    return bytes;
}

/// TYPE:NUMBER
inline Number parse(const std::string& text) {
    const size_t colon = text.find(':');
    const std::string type = text.substr(0, colon);
    if (type == "void")
        return {};
    const char* const digits = colon == std::string::npos ? "" : text.c_str() + colon + 1;
    if (type == "i32")
        return {Type::i32, static_cast<uint32_t>(std::strtol(digits, nullptr, 0))};
    if (type == "i64")
        return {Type::i64, std::strtoull(digits, nullptr, 0)};
    if (type != "f64")
        fail("no type of a number", text);
    const double number = std::strtod(digits, nullptr);
    Number made{Type::f64, 0};
    std::memcpy(&made.bits, &number, sizeof number);
    return made;
}

inline int64_t cpu_time() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1'000'000'000) + now.tv_nsec;
}

/// An engine has `Engine(bytes)`, `call(name, argument, result type)`, which ends the process if that fails,
/// and `memory(address, size)`.
template <typename Engine>
int main(int argc, char** argv) {
    if (argc < 4)
        fail("usage", "ENGINE MODULE --run TYPE:ARGUMENT | --setup TYPE:ARGUMENT [--input FILE] [--rounds N] "
                      "[--check NAME:TYPE:RESULT] [--output FILE]");
    Engine engine{read_file(argv[1])};
    Number argument;
    Type result = Type::none;
    int rounds = 1;
    std::vector<std::string> checks;
    std::string output;
    for (int i = 2; i + 1 < argc; i += 2) {
        const std::string option = argv[i];
        const std::string value = argv[i + 1];
        if (option == "--run") {
            argument = parse(value);
            result = argument.type;
        } else if (option == "--setup") {
            argument = engine.call("setup", parse(value), Type::i32);
        } else if (option == "--input") {
            const std::vector<uint8_t> bytes = read_file(value);
            const uint64_t address = engine.call("input_ptr", argument, Type::i32).bits;
            std::memcpy(engine.memory(address, bytes.size()), bytes.data(), bytes.size());
        } else if (option == "--rounds") {
            rounds = std::atoi(value.c_str());
        } else if (option == "--check") {
            checks.push_back(value);
        } else if (option == "--output") {
            output = value;
        } else {
            fail("no such option", option);
        }
    }
    for (int i = 0; i < rounds; ++i) {
        const int64_t start = cpu_time();
        (void)engine.call("run", argument, result);
        std::printf("%" PRId64 "\n", cpu_time() - start);
    }
    for (const std::string& check : checks) {
        const size_t colon = check.find(':');
        const Number expected = parse(check.substr(colon + 1));
        const Number got = engine.call(check.substr(0, colon).c_str(), argument, expected.type);
        if (got.bits != expected.bits)
            fail("a wrong result", check);
    }
    if (!output.empty()) {
        const std::vector<uint8_t> bytes = read_file(output);
        const uint64_t address = engine.call("output_ptr", argument, Type::i32).bits;
        if (std::memcmp(engine.memory(address, bytes.size()), bytes.data(), bytes.size()) != 0)
            fail("a wrong output", output);
    }
    return 0;
}

} // namespace bench_case
