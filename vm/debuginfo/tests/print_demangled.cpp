// print_demangled: reads names, one a line, and prints their readable forms.

#include <warpbeam/debuginfo/demangle.hpp>

#include <cstdio>
#include <iostream>
#include <string>

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        const auto readable = warpbeam::demangle(line);
        if (!readable)
            return 1;
        std::printf("%.*s\n", static_cast<int>(readable->size()), readable->data());
    }
    return 0;
}
