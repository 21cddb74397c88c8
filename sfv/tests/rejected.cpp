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

auto made = CASE;
