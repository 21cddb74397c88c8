#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

/// What the programs of this folder have in common: [-n RUNS] FILE...

/// Calls `bench(path, bytes, runs)` for each file. The exit status: 0 if all were good, 1 if one was not, and
/// 2 if the arguments are wrong.
template <typename Bench>
int bench_files(int argc, char** argv, Bench bench) {
    int runs = 20;
    int first = 1;
    bool is_right = true;
    if (argc > 2 && std::string_view{argv[1]} == "-n") {
        const char* const end = argv[2] + std::strlen(argv[2]);
        const auto [stop, error] = std::from_chars(argv[2], end, runs);
        is_right = error == std::errc{} && stop == end && runs > 0;
        first = 3;
    }
    if (!is_right || first >= argc) {
        std::fprintf(stderr, "usage: %s [-n RUNS] FILE...\n", argv[0]);
        return 2;
    }
    bool good = true;
    for (int i = first; i < argc; ++i) {
        std::ifstream file{argv[i], std::ios::binary};
        if (!file) {
            std::fprintf(stderr, "cannot open %s\n", argv[i]);
            good = false;
            continue;
        }
        const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>{file}, {}};
        good &= bench(argv[i], bytes, runs);
    }
    return good ? 0 : 1;
}
