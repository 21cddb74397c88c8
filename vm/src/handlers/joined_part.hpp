#pragma once

#include "handlers/joined.hpp"
#include "handlers/joined_list.hpp"

/// The handlers of one part of the list.

namespace warpbeam::vm {

#if WARPBEAM_JOINS

template <size_t i>
constexpr Handler joined_handler() noexcept {
    return []<size_t... part>(std::index_sequence<part...>) -> Handler {
        return &joined<BodyOfChoice<joined_list[i].parts[part]>...>;
    }(std::make_index_sequence<joined_list[i].count>{});
}
template <size_t part>
inline constexpr auto joined_of_part = []<size_t... i>(std::index_sequence<i...>) {
    return std::array<Handler, sizeof...(i)>{joined_handler<joined_begin(part) + i>()...};
}(std::make_index_sequence<joined_begin(part + 1) - joined_begin(part)>{});

#else

template <size_t part>
inline constexpr std::array<Handler, 0> joined_of_part{};

#endif

extern const std::span<const Handler> joined_0;
extern const std::span<const Handler> joined_1;
extern const std::span<const Handler> joined_2;
extern const std::span<const Handler> joined_3;

} // namespace warpbeam::vm
