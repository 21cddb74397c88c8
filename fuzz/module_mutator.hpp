#pragma once

#include <warpbeam/loader/instr_table.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <vector>

namespace warpbeam::fuzz {

using Bytes = std::vector<uint8_t>;

/// A section of a module: its id and its contents.
struct Section {
    uint8_t id;
    Bytes contents;
};

/// Changes modules in the binary format in their own terms: sections, functions and instructions. Sizes and
/// counts are kept right, so more of what it makes gets past the decoder than if any bytes change.
class ModuleMutator {
public:
    /// Changes `size` bytes in a buffer of `max_size`, and returns how many they are then:
    /// `LLVMFuzzerMutate`.
    using ChangeBytes = size_t (*)(uint8_t* bytes, size_t size, size_t max_size);

    /// The same seed makes the same changes, if `change_bytes` does.
    ModuleMutator(uint64_t seed, ChangeBytes change_bytes) : random_{seed}, change_bytes_{change_bytes} {}

    /// `module` with one change. Bytes that are no sequence of sections are changed as bytes.
    [[nodiscard]] Bytes mutate(std::span<const uint8_t> module);
    /// `module` with a section, or functions, of `other`. Empty if one of them is no sequence of sections.
    [[nodiscard]] Bytes cross(std::span<const uint8_t> module, std::span<const uint8_t> other);

private:
    size_t below(size_t limit) { return random_() % limit; }
    void change_any(Bytes& bytes);
    void change_order(std::vector<Section>& sections);
    void change_bodies(Bytes& code);
    bool change_instrs(Bytes& module);
    template <typename Condition>
    std::optional<Op> any_of(Condition condition);

    std::mt19937_64 random_;
    ChangeBytes change_bytes_;
};

/// The sections of a module; none if it has another header, or a section does not end where it should.
[[nodiscard]] std::vector<Section> split_sections(std::span<const uint8_t> module);
/// The module of these sections.
[[nodiscard]] Bytes join_sections(const std::vector<Section>& sections);
/// The elements of a section that is a vector of things with a size of their own, as functions are; none if
/// it is something else.
[[nodiscard]] std::vector<Bytes> split_sized(std::span<const uint8_t> contents);
/// The contents of that section.
[[nodiscard]] Bytes join_sized(const std::vector<Bytes>& elements);

} // namespace warpbeam::fuzz
