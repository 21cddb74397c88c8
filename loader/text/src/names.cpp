#include "names.hpp"

#include <warpbeam/memory/hash.hpp>
#include <warpbeam/text/lexer.hpp>

namespace warpbeam::text {

Symbol Names::intern(std::string_view token) noexcept {
    const size_t begin = bytes_.size();
    if (!append_decoded(token, bytes_)) {
        fault_->out_of_memory();
        return no_symbol;
    }
    const Range range{begin, bytes_.size() - begin};
    const auto view = [&](const Range& r) {
        return std::string_view{reinterpret_cast<const char*>(bytes_.data()) + r.begin, r.size};
    };
    const uint32_t hash = SeededHash{this}.add(view(range)).finish();
    const uint32_t found =
        symbol_index_.find(hash, [&](uint32_t i) { return view(symbols_[i]) == view(range); });
    if (found != HashIndex::npos) {
        bytes_.truncate(begin);
        return found + 1;
    }
    const auto position = static_cast<uint32_t>(symbols_.size());
    if (!symbols_.push(range) || !symbol_index_.insert(hash, position)) {
        fault_->out_of_memory();
        return no_symbol;
    }
    return position + 1;
}

std::string_view Names::text(Symbol symbol) const noexcept {
    if (symbol == no_symbol)
        return {};
    const Range& range = symbols_[symbol - 1];
    return {reinterpret_cast<const char*>(bytes_.data()) + range.begin, range.size};
}

uint32_t Names::hash(Space space, uint32_t owner, Symbol symbol) const noexcept {
    return SeededHash{this}.add(uint64_t{owner} << 32 | symbol).add(static_cast<uint8_t>(space)).finish();
}

uint32_t Names::find_binding(Space space, uint32_t owner, Symbol symbol) const noexcept {
    return binding_index_.find(hash(space, owner, symbol), [&](uint32_t i) {
        const Binding& b = bindings_[i];
        return b.space == space && b.owner == owner && b.symbol == symbol;
    });
}

bool Names::bind(Space space, uint32_t owner, Symbol symbol, uint32_t index) noexcept {
    if (find_binding(space, owner, symbol) != HashIndex::npos)
        return false;
    const auto position = static_cast<uint32_t>(bindings_.size());
    if (!bindings_.push({space, owner, symbol, index}) ||
        !binding_index_.insert(hash(space, owner, symbol), position))
        fault_->out_of_memory();
    return true;
}

std::optional<uint32_t> Names::find(Space space, uint32_t owner, Symbol symbol) const noexcept {
    const uint32_t position = find_binding(space, owner, symbol);
    return position == HashIndex::npos ? std::nullopt : std::optional{bindings_[position].index};
}

} // namespace warpbeam::text
