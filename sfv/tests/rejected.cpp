// Compiled by rejected_test.cmake with a CASE that must not compile, and with one that must.

#include <warpbeam/sfv/convert.hpp>

#include <array>
#include <deque>
#include <filesystem>
#include <list>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

using namespace warpbeam::sfv;

enum class Colour { red };

auto even() {
    return std::views::iota(0, 9) | std::views::filter([](int number) { return number % 2 == 0; });
}

auto made = CASE;
