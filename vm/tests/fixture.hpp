#pragma once

#include <gtest/gtest.h>
#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/linker.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace warpbeam {

/// Gives out memory until `budget` calls were made, and counts the bytes that are out.
class CountingAllocator final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        if (calls_ == budget_)
            return nullptr;
        ++calls_;
        live_ += size;
        return Allocator::standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        live_ -= size;
        Allocator::standard().deallocate(block, size, alignment);
    }
    /// From now on only so many calls succeed.
    void allow(size_t budget) {
        calls_ = 0;
        budget_ = budget;
    }
    /// The calls that succeeded since `allow`.
    [[nodiscard]] size_t calls() const { return calls_; }
    [[nodiscard]] size_t live() const { return live_; }

private:
    size_t calls_ = 0;
    size_t budget_ = SIZE_MAX;
    size_t live_ = 0;
};

/// The binary of a module in the text format.
inline Vec<uint8_t> assemble(std::string_view wat) {
    auto bytes = parse_wat(wat);
    if (!bytes)
        throw std::runtime_error{std::string{bytes.error().message()}};
    return std::move(*bytes);
}

/// One engine and one store with a linker, and modules written as text.
class VmTest : public ::testing::Test {
protected:
    explicit VmTest(const Config& config = {}, const StoreLimits& limits = {})
        : engine{config}, store{engine, limits}, linker{engine} {}

    Ref<const Module> load(std::string_view wat) {
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

    Engine engine;
    Store store;
    Linker linker;
};

} // namespace warpbeam
