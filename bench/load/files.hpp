#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

/// What the programs of this folder have in common: [-n RUNS] FILE...

inline std::vector<uint8_t> read_file(const char* path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Calls `bench(path, runs)` for each file. The exit status: 0 if all were good.
template <typename Bench>
int bench_files(int argc, char** argv, Bench bench) {
    int runs = 20;
    bool good = true;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view{argv[i]} == "-n" && i + 1 < argc)
            runs = std::max(1, std::atoi(argv[++i]));
        else
            good &= bench(argv[i], runs);
    }
    return good ? 0 : 1;
}
