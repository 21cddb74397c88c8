#pragma once

#include "demangle/output.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace warpbeam::demangling {

/// Reads a name in the second encoding of Rust and writes what it means, in one pass. After a fault nothing
/// more is written.
/// https://rust-lang.github.io/rfcs/2603-rust-symbol-name-mangling-v0.html#syntax-of-mangled-names
class RustReader {
public:
    RustReader(std::string_view name, Output& out) noexcept : name_{name}, out_{out} {}

    bool read() noexcept;

private:
    /// In types, generic arguments follow directly; elsewhere after `::`.
    enum class Place : uint8_t { value, type };
    struct Identifier {
        std::string_view text;
        uint64_t number = 0; ///< tells identifiers of the same text apart
        bool is_punycode = false;
    };

    [[nodiscard]] bool good() const noexcept { return good_ && out_.good(); }
    void fail() noexcept { good_ = false; }
    [[nodiscard]] char peek() const noexcept { return good_ && at_ < name_.size() ? name_[at_] : '\0'; }
    char next() noexcept {
        const char c = peek();
        if (c == '\0')
            fail();
        ++at_;
        return c;
    }
    bool accept(char c) noexcept {
        const bool found = peek() == c;
        at_ += found ? 1 : 0;
        return found;
    }
    void print(std::string_view words) noexcept {
        if (!muted_ && good_)
            out_.add(words);
    }
    void print_number(uint64_t number) noexcept {
        if (!muted_ && good_)
            out_.add_number(number);
    }

    // ---- rust_v0.cpp: names and paths ----
    uint64_t decimal() noexcept;
    uint64_t base62() noexcept;
    uint64_t optional_base62(char tag) noexcept { return accept(tag) ? add_one(base62()) : 0; }
    uint64_t add_one(uint64_t number) noexcept {
        if (number == UINT64_MAX)
            fail();
        return number + 1;
    }
    Identifier identifier() noexcept;
    Identifier plain_identifier() noexcept;
    void print_name(const Identifier& name) noexcept;

    /// Whether the generic arguments at the end were left open.
    bool path(Place place, bool leave_open = false) noexcept;
    void nested_path(Place place) noexcept;
    void impl_path() noexcept;
    void generic_arg() noexcept;
    void lifetime(uint64_t index) noexcept;
    void binder() noexcept;

    // ---- rust_types.cpp: types and constants ----
    void type() noexcept;
    void function() noexcept;
    void dyn_bounds() noexcept;
    void dyn_trait() noexcept;
    void constant(bool is_argument = false) noexcept;
    void escaped(char c, char quote) noexcept;
    void integer(bool is_signed) noexcept;
    void character() noexcept;
    void text() noexcept;
    void fields() noexcept;
    std::string_view hex_digits() noexcept;
    template <typename Each>
    size_t list(Each each) noexcept {
        size_t count = 0;
        for (; good() && !accept('E'); ++count) {
            if (count > 0)
                print(", ");
            each();
        }
        return count;
    }
    template <typename Then>
    void back_reference(Then then) noexcept {
        const size_t tag = at_ - 1;
        const uint64_t target = base62();
        if (!good() || target >= tag) {
            fail();
            return;
        }
        if (muted_)
            return;
        const size_t after = std::exchange(at_, static_cast<size_t>(target));
        then();
        at_ = after;
    }
    /// Nesting, which must not exhaust the stack; and steps, which references may repeat.
    class Level {
    public:
        explicit Level(RustReader& reader) noexcept : reader_{reader} {
            if (++reader.depth_ > 160 || ++reader.steps_ > 20'000)
                reader.fail();
        }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;
        ~Level() { --reader_.depth_; }

    private:
        RustReader& reader_;
    };

    std::string_view name_;
    Output& out_;
    size_t at_ = 0;
    uint64_t bound_lifetimes_ = 0;
    unsigned depth_ = 0;
    unsigned steps_ = 0;
    bool good_ = true;
    bool muted_ = false;
};

} // namespace warpbeam::demangling
