#pragma once

#include <string>
#include <string_view>

namespace warpbeam {

/// Text, `count` times, with the number in the place of #.
inline std::string repeat(std::string_view text, size_t count) {
    std::string all;
    for (size_t i = 0; i < count; ++i)
        for (const char c : text)
            if (c == '#')
                all += std::to_string(i);
            else
                all += c;
    return all;
}

} // namespace warpbeam
