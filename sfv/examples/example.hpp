#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

/// Ends the example with a failure if the condition does not hold.
inline void expect(bool holds, const char* what) {
    if (holds)
        return;
    std::fprintf(stderr, "failed: %s\n", what);
    std::exit(1);
}
#define EXPECT(what) expect(static_cast<bool>(what), #what)
