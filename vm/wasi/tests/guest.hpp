#pragma once

#include "guest_module.hpp"

#include <gtest/gtest.h>
#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/memory_view.hpp>
#include <warpbeam/wasi/file_systems.hpp>
#include <warpbeam/wasi/wasi.hpp>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A program that calls each function of WASI with what a test passes.

namespace warpbeam::wasi::testing {

/// A program in a store of its own. What it calls returns the errno; a text among the arguments becomes its
/// address and size.
class Guest {
public:
    static constexpr uint32_t page = 65536;
    static constexpr uint64_t all_rights = rights::all;
    /// @{ Where results are, and lists of buffers.
    static constexpr uint32_t result = 64;
    static constexpr uint32_t list = 256;
    static constexpr uint32_t data = 8192;
    /// @}

    explicit Guest(GuestAbi with = {}, Host& host = native_host(), const Config& config = {},
                   Allocator& allocator = Allocator::standard())
        : abi{with}, context{host, allocator}, engine{config}, linker{engine}, store{engine} {
        EXPECT_TRUE(define(linker, context, abi.is_wide ? Pointers::bits64 : Pointers::bits32));
        const auto bytes = parse_wat(guest_text(abi));
        EXPECT_TRUE(bytes) << bytes.error().message();
        const auto module = engine.load(*bytes);
        EXPECT_TRUE(module) << module.error().message();
        EXPECT_EQ(pointers_of(*module), abi.is_wide ? Pointers::bits64 : Pointers::bits32);
        if (config.fuel)
            store.set_fuel(UINT64_MAX);
        const auto made = linker.instantiate(store, *module);
        EXPECT_TRUE(made) << made.error().message();
        instance = *made;
        memory = *instance->memory("memory");
    }

    template <typename... A>
    Errno call(std::string_view name, const A&... args) {
        const auto called = try_call(name, args...);
        EXPECT_TRUE(called) << name;
        return called.value_or(Errno::nosys);
    }
    /// The same for a call that may trap.
    template <typename... A>
    std::expected<Errno, TrapCode> try_call(std::string_view name, const A&... args) {
        const std::vector<Value> values = arguments(name, args...);
        Value returned;
        const auto called = instance->func(name)->call(values, {&returned, 1});
        if (!called)
            return std::unexpected{called.error().code()};
        return static_cast<Errno>(returned.as<uint32_t>());
    }
    /// What a function gets for these arguments.
    template <typename... A>
    std::vector<Value> arguments(std::string_view name, const A&... args) {
        const auto* const signature = std::ranges::find(signatures, name, &Signature::name);
        std::vector<uint64_t> numbers;
        next_text_ = page - 16384;
        (add_argument(numbers, args), ...);
        EXPECT_EQ(numbers.size(), signature->params.size()) << name;
        std::vector<Value> values;
        for (size_t i = 0; i < numbers.size(); ++i)
            if (signature->params[i] == 'l' || (signature->params[i] == 'p' && abi.is_wide))
                values.emplace_back(numbers[i]);
            else
                values.emplace_back(static_cast<uint32_t>(numbers[i]));
        return values;
    }

    // ---- Memory ----

    template <typename T>
    T at(uint64_t address) {
        return MemoryView{*memory}.read<T>(address).value();
    }
    uint64_t pointer_at(uint64_t address) {
        return abi.is_wide ? at<uint64_t>(address) : at<uint32_t>(address);
    }
    std::string text(uint64_t address, size_t size) {
        const auto bytes = MemoryView{*memory}.at(address, size).value();
        return {bytes.begin(), bytes.end()};
    }
    template <typename T>
    void put(uint64_t address, T value) {
        ASSERT_TRUE(MemoryView{*memory}.write(address, value));
    }
    void put_pointer(uint64_t address, uint64_t value) {
        if (abi.is_wide)
            put(address, value);
        else
            put(address, static_cast<uint32_t>(value));
    }
    void put_text(uint64_t address, std::string_view bytes) {
        std::ranges::copy(bytes, MemoryView{*memory}.at(address, bytes.size())->begin());
    }
    [[nodiscard]] uint32_t pointer_size() const { return abi.is_wide ? 8 : 4; }
    /// Writes buffers to `list`.
    void put_buffers(std::initializer_list<std::pair<uint64_t, uint64_t>> buffers) {
        uint64_t address = list;
        for (const auto& [start, size] : buffers) {
            put_pointer(address, start);
            put_pointer(address + pointer_size(), size);
            address += 2 * pointer_size();
        }
    }

    // ---- Frequent calls ----

    /// Opens a file and returns its number.
    uint32_t open(std::string_view path, uint32_t how = 0, uint32_t flags = 0, uint64_t wanted = all_rights,
                  uint32_t directory = 3) {
        EXPECT_EQ(try_open(path, how, flags, wanted, directory), Errno::success) << path;
        return at<uint32_t>(result);
    }
    Errno try_open(std::string_view path, uint32_t how = 0, uint32_t flags = 0, uint64_t wanted = all_rights,
                   uint32_t directory = 3, uint32_t lookup = 1) {
        return call("path_open", directory, lookup, path, how, wanted & openable(directory), all_rights,
                    flags, result);
    }
    uint32_t open_directory(std::string_view path, uint32_t directory = 3) {
        return open(path, oflags::directory, 0, rights::directory, directory);
    }
    Errno write(uint32_t fd, std::string_view bytes) {
        put_text(data, bytes);
        put_buffers({{data, bytes.size()}});
        return call("fd_write", fd, list, 1, result);
    }
    /// At most `size` bytes; nothing after an error, which `last` then is.
    std::string read(uint32_t fd, uint64_t size = 100) {
        put_buffers({{data, size}});
        last = call("fd_read", fd, list, 1, result);
        return last == Errno::success ? text(data, static_cast<size_t>(pointer_at(result))) : "";
    }

    GuestAbi abi;
    Context context;
    Engine engine;
    Linker linker;
    Store store;
    std::optional<Instance> instance;
    std::optional<Memory> memory;
    Errno last = Errno::success;

private:
    /// A program asks for what it may have.
    uint64_t openable(uint32_t directory) const {
        const Descriptor* const descriptor = context.descriptors().find(directory);
        return descriptor != nullptr ? descriptor->inheriting : all_rights;
    }
    template <typename A>
    void add_argument(std::vector<uint64_t>& numbers, const A& argument) {
        if constexpr (std::is_convertible_v<A, std::string_view>) {
            const std::string_view bytes{argument};
            put_text(next_text_, bytes);
            numbers.insert(numbers.end(), {next_text_, bytes.size()});
            next_text_ += bytes.size();
        } else {
            numbers.push_back(static_cast<uint64_t>(argument));
        }
    }
    uint64_t next_text_ = 0;
};

} // namespace warpbeam::wasi::testing
