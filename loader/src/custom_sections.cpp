#include <warpbeam/loader/custom_sections.hpp>
#include <warpbeam/loader/utf8.hpp>

namespace warpbeam {

uint8_t CustomReader::byte(ByteReader& in) noexcept {
    uint8_t value = 0;
    expect(good_ && in.byte(value) == LebFault::none);
    return good_ ? value : uint8_t{0};
}

uint32_t CustomReader::u32(ByteReader& in) noexcept {
    const uint8_t* const start = in.position();
    uint32_t value = 0;
    expect(good_ && in.number(value) == LebFault::none);
    if (!good_)
        return 0;
    const std::span<const uint8_t> bytes = in.since(start);
    expect_canonical(bytes.size() == 1 || bytes.back() != 0);
    return value;
}

uint32_t CustomReader::count(ByteReader& in) noexcept {
    const uint32_t value = u32(in);
    expect_canonical(value != 0);
    return value;
}

std::span<const uint8_t> CustomReader::sized(ByteReader& in) noexcept {
    const uint32_t size = u32(in);
    std::span<const uint8_t> value;
    expect(good_ && in.bytes(size, value) == LebFault::none);
    return value;
}

std::optional<NameReader::Entry> NameReader::next() noexcept {
    while (good()) {
        if (names_left_ != 0) {
            --names_left_;
            const Entry read = entry();
            return good() ? std::optional{read} : std::nullopt;
        }
        if (owners_left_ != 0) {
            --owners_left_;
            begin_owner();
            continue;
        }
        expect(subsection_.at_end());
        if (!good() || in_.at_end())
            break;
        begin_subsection();
    }
    return std::nullopt;
}

void NameReader::begin_subsection() noexcept {
    const uint8_t id = byte(in_);
    const std::span<const uint8_t> contents = sized(in_);
    expect(id > last_space_);
    last_space_ = id;
    const bool known = id < name_space_count;
    expect_canonical(known);
    if (!known || (wanted_ >> id & 1) == 0)
        return;
    subsection_ = ByteReader{contents};
    owner_ = 0;
    next_owner_ = 0;
    next_index_ = 0;
    const auto space = static_cast<NameSpace>(id);
    if (space == NameSpace::module)
        names_left_ = 1;
    else
        (has_owners(space) ? owners_left_ : names_left_) = count(subsection_);
}

void NameReader::begin_owner() noexcept {
    owner_ = u32(subsection_);
    expect(owner_ >= next_owner_);
    next_owner_ = uint64_t{owner_} + 1;
    next_index_ = 0;
    names_left_ = count(subsection_);
}

NameReader::Entry NameReader::entry() noexcept {
    const auto space = static_cast<NameSpace>(last_space_);
    const uint32_t index = space == NameSpace::module ? 0 : u32(subsection_);
    const std::span<const uint8_t> name = sized(subsection_);
    expect(index >= next_index_ && is_utf8(name));
    next_index_ = uint64_t{index} + 1;
    return {space, owner_, index, {reinterpret_cast<const char*>(name.data()), name.size()}};
}

std::optional<BranchHint> BranchHintReader::next() noexcept {
    while (good() && hints_left_ == 0 && funcs_left_ != 0) {
        --funcs_left_;
        func_ = u32(in_);
        hints_left_ = count(in_);
        expect_canonical(func_ >= next_func_);
        next_func_ = uint64_t{func_} + 1;
        next_offset_ = 0;
    }
    if (hints_left_ == 0)
        expect(in_.at_end());
    if (!good() || hints_left_ == 0)
        return std::nullopt;
    --hints_left_;
    const uint32_t offset = u32(in_);
    const std::span<const uint8_t> value = sized(in_);
    expect_canonical(offset >= next_offset_);
    next_offset_ = uint64_t{offset} + 1;
    expect(value.size() == 1 && value[0] <= 1);
    return good() ? std::optional{BranchHint{func_, offset, value[0] == 1}} : std::nullopt;
}

} // namespace warpbeam
