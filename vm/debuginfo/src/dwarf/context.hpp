#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/loader/module.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace warpbeam::dwarf {

/// A custom section, and its name for messages.
struct Section {
    const char* name;
    std::span<const uint8_t> bytes = {};
};

/// The sections of a module. A section that is absent is empty.
struct Sections {
    explicit Sections(const Module& module) noexcept;

    Section info{".debug_info"};
    Section abbrev{".debug_abbrev"};
    Section str{".debug_str"};
    Section line{".debug_line"};
    Section line_str{".debug_line_str"};
    Section ranges{".debug_ranges"};
    Section rnglists{".debug_rnglists"};
    Section addr{".debug_addr"};
    Section str_offsets{".debug_str_offsets"};

    /// The contents of the code section, to whose start addresses refer.
    size_t code_offset = 0;
    uint32_t code_size = 0;
};

/// What the readers share: the sections, memory, a bound on the work, and what went wrong.
///
/// Readers return false when they can't go on. Either memory ran out, or there is damage; then what was found
/// before is used.
class Context {
public:
    Context(const Module& module, Allocator& from) noexcept;

    const Sections sections;
    Allocator& allocator;

    /// Bytes that are looked for the end of a text take a step for each of these.
    static constexpr size_t bytes_per_step = 64;
    /// Takes `steps` from what may still be done. Sections can refer to the same bytes again and again, so
    /// that reading what each reference means would take quadratic time. Honest ones stay far below the
    /// bound, which is a multiple of their size.
    [[nodiscard]] bool work(const Section& section, uint64_t offset, uint64_t steps = 1) noexcept {
        if (steps <= work_left_) {
            work_left_ -= steps;
            return true;
        }
        work_left_ = 0;
        return damaged(section, offset, "it takes too much work for its size");
    }
    /// As long as it exists, a question is answered, which has a bound of its own.
    class Question {
    public:
        explicit Question(Context& context) noexcept
            : context_{context}, before_{std::exchange(context.work_left_, steps_per_question)} {}
        Question(const Question&) = delete;
        Question& operator=(const Question&) = delete;
        ~Question() { context_.work_left_ = before_; }

    private:
        static constexpr uint64_t steps_per_question = 200'000;
        Context& context_;
        const uint64_t before_;
    };

    /// Keeps the first damage. Returns false.
    bool damaged(const Section& section, uint64_t offset, const char* what) noexcept;
    [[nodiscard]] const std::optional<Error>& damage() const noexcept { return damage_; }

    /// If not `done`, memory has run out. Returns `done`.
    [[nodiscard]] bool allocated(bool done) noexcept {
        out_of_memory_ |= !done;
        return done;
    }
    [[nodiscard]] bool out_of_memory() const noexcept { return out_of_memory_; }

    /// Whether there is code at these addresses. Linkers set those of functions that they leave out to 0, or
    /// to the highest numbers; no function begins at 0, where the number of functions is.
    [[nodiscard]] bool is_code(uint64_t begin, uint64_t end) const noexcept {
        return begin != 0 && begin < end && end <= sections.code_size;
    }

private:
    uint64_t work_left_;
    std::optional<Error> damage_;
    bool out_of_memory_ = false;
};

} // namespace warpbeam::dwarf
