#pragma once

#include <gtest/gtest.h>
#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/linker.hpp>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace warpbeam {

/// Serves every request, of whatever kind, until `budget` were made, or all but one, and counts the bytes
/// that are out.
class CountingAllocator final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        void* const block = serves() ? Allocator::standard().allocate(size, alignment) : nullptr;
        live_ += block != nullptr ? size : 0;
        return block;
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        live_ -= size;
        Allocator::standard().deallocate(block, size, alignment);
    }
    void* reserve(size_t size) noexcept override {
        void* const base = serves() ? Allocator::reserve(size) : nullptr;
        live_ += base != nullptr ? size : 0;
        return base;
    }
    bool commit(void* base, size_t from, size_t to) noexcept override {
        const bool done = serves() && Allocator::commit(base, from, to);
        live_ += done ? to - from : 0;
        return done;
    }
    bool map_file(void* base, size_t from, size_t to, int file) noexcept override {
        return serves() && Allocator::map_file(base, from, to, file);
    }
    bool restore(void* base, size_t from, size_t to) noexcept override {
        return serves() && Allocator::restore(base, from, to);
    }
    bool decommit(void* base, size_t from, size_t to) noexcept override {
        const bool done = serves() && Allocator::decommit(base, from, to);
        live_ -= done ? to - from : 0;
        return done;
    }
    void release(void* base, size_t size, size_t committed) noexcept override {
        live_ -= size + committed;
        Allocator::release(base, size, committed);
    }
    /// From now on only so many calls succeed.
    void allow(size_t budget) {
        calls_ = 0;
        budget_ = budget;
    }
    /// From now on all calls but the one after the first `n` succeed.
    void refuse_one(size_t n) {
        calls_ = 0;
        refused_ = n;
    }
    /// The calls that succeeded since `allow`.
    [[nodiscard]] size_t calls() const { return calls_; }
    [[nodiscard]] size_t live() const { return live_; }

private:
    bool serves() {
        if (calls_ == budget_)
            return false;
        return calls_++ != refused_;
    }

    size_t calls_ = 0;
    size_t budget_ = SIZE_MAX;
    size_t refused_ = SIZE_MAX;
    size_t live_ = 0;
};

/// The binary of a module in the text format.
inline Vec<uint8_t> assemble(std::string_view wat) {
    auto bytes = parse_wat(wat);
    if (!bytes)
        throw std::runtime_error{std::string{bytes.error().message()}};
    return std::move(*bytes);
}

/// Tests run a second time with code that is changed when it is to stop, instead of checking.
inline Config tested(Config config) {
    config.patched_interruption |= std::getenv("WARPBEAM_TEST_PATCHED_INTERRUPTION") != nullptr;
    return config;
}

/// One engine and one store with a linker, and modules written as text.
class VmTest : public ::testing::Test {
protected:
    explicit VmTest(const Config& config = {}, const StoreLimits& limits = {})
        : engine{tested(config)}, store{engine, limits}, linker{engine} {}

    Module load(std::string_view wat) {
        const Vec<uint8_t> bytes = assemble(wat);
        auto module = engine.load(bytes);
        if (!module)
            throw std::runtime_error{std::string{module.error().message()}};
        return *module;
    }
    Instance instantiate(std::string_view wat) {
        auto instance = linker.instantiate(store, load(wat));
        if (!instance)
            throw std::runtime_error{std::string{instance.error().message()}};
        return *instance;
    }
    /// The message of an instantiation that fails.
    std::string refusal(std::string_view wat) {
        const auto instance = linker.instantiate(store, load(wat));
        EXPECT_FALSE(instance);
        return instance ? std::string{} : std::string{instance.error().message()};
    }
    /// Calls an export without arguments or results; the message of its trap, empty when it returns.
    static std::string trap_of(Instance instance, std::string_view name) {
        const auto func = instance.func(name);
        EXPECT_TRUE(func) << func.error().message();
        const auto called = func->call();
        return called ? std::string{} : std::string{called.error().message()};
    }
    /// Calls an export with one i32 result.
    static int32_t value_of(Instance instance, std::string_view name) {
        const auto func = instance.func<int32_t()>(name);
        EXPECT_TRUE(func) << func.error().message();
        const auto result = (*func)();
        EXPECT_TRUE(result) << result.error().message();
        return *result;
    }
    /// Calls the export `f` of a module, which takes and returns an i32; what goes wrong is thrown.
    int32_t call_f(std::string_view wat, int32_t argument) {
        const auto f = instantiate(wat).func<int32_t(int32_t)>("f");
        if (!f)
            throw std::runtime_error{std::string{f.error().message()}};
        const auto result = (*f)(argument);
        if (!result)
            throw std::runtime_error{std::string{result.error().message()}};
        return *result;
    }

    Engine engine;
    Store store;
    Linker linker;
};

} // namespace warpbeam
