#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

/// Ends the example with a failure when it does not do what it says.
inline void expect(bool holds, const char* what) {
    if (holds)
        return;
    std::fprintf(stderr, "not so: %s\n", what);
    std::exit(1);
}
#define EXPECT(what) expect(static_cast<bool>(what), #what)
