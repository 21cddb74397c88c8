#include "custom_names.hpp"

#include "command.hpp"

#include <warpbeam/loader/leb128.hpp>

namespace warpbeam::cli {

namespace {

/// After a fault there is nothing left.
class Bytes {
public:
    explicit Bytes(std::span<const uint8_t> bytes) : at_{bytes.data()}, end_{at_ + bytes.size()} {}

    [[nodiscard]] bool at_end() const { return at_ == end_; }
    uint8_t byte() { return at_end() ? uint8_t{0} : *at_++; }
    uint32_t u32() {
        uint32_t value = 0;
        if (decode_leb128<uint32_t, 32>(at_, end_, value) == LebFault::none)
            return value;
        at_ = end_;
        return 0;
    }
    std::span<const uint8_t> sized() {
        const size_t size = u32();
        if (size > static_cast<size_t>(end_ - at_)) {
            at_ = end_;
            return {};
        }
        at_ += size;
        return {at_ - size, size};
    }

private:
    const uint8_t* at_;
    const uint8_t* end_;
};

} // namespace

CustomNames::CustomNames(const Module& module) {
    const auto read = [this](Bytes& in, NameSpace space, uint32_t owner) {
        for (uint32_t count = in.u32(); count > 0 && !in.at_end(); --count) {
            const uint32_t index = in.u32();
            const std::span<const uint8_t> name = in.sized();
            names_.try_emplace({space, owner, index},
                               printable({reinterpret_cast<const char*>(name.data()), name.size()}, true));
        }
    };
    for (const CustomSection& section : module.custom_sections()) {
        if (section.name != "name")
            continue;
        for (Bytes all{section.bytes}; !all.at_end();) {
            const auto space = static_cast<NameSpace>(all.byte());
            Bytes in{all.sized()};
            if (space == NameSpace::local || space == NameSpace::label || space == NameSpace::field) {
                for (uint32_t count = in.u32(); count > 0 && !in.at_end(); --count) {
                    const uint32_t owner = in.u32();
                    read(in, space, owner);
                }
            } else if (space != NameSpace::module) {
                read(in, space, 0);
            }
        }
    }
}

std::string CustomNames::before(NameSpace space, uint32_t index, uint32_t owner) const {
    const auto found = names_.find({space, owner, index});
    return found != names_.end() ? "$" + found->second + " " : std::string{};
}

std::string CustomNames::list(NameSpace space, uint32_t owner) const {
    std::string text;
    for (auto at = names_.lower_bound({space, owner, 0}); at != names_.end(); ++at) {
        if (std::get<0>(at->first) != space || std::get<1>(at->first) != owner)
            break;
        text += (text.empty() ? "$" : ", $") + at->second + " " + std::to_string(std::get<2>(at->first));
    }
    return text;
}

std::vector<BranchHint> branch_hints(const Module& module) {
    std::vector<BranchHint> hints;
    for (const CustomSection& section : module.custom_sections()) {
        if (section.name != "metadata.code.branch_hint")
            continue;
        Bytes in{section.bytes};
        for (uint32_t funcs = in.u32(); funcs > 0 && !in.at_end(); --funcs) {
            const uint32_t func = in.u32();
            for (uint32_t count = in.u32(); count > 0 && !in.at_end(); --count) {
                const uint32_t offset = in.u32();
                const std::span<const uint8_t> value = in.sized();
                if (value.size() == 1)
                    hints.push_back({func, offset, value[0] == 1});
            }
        }
    }
    return hints;
}

} // namespace warpbeam::cli
