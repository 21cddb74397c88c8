// Runs a libFuzzer target on random inputs, the same in each run: random_inputs COUNT. Any compiler can build
// it, so the target is a test everywhere.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
    const unsigned long count = argc == 2 ? std::strtoul(argv[1], nullptr, 10) : 1000;
    for (unsigned long i = 0; i < count; ++i) {
        std::mt19937_64 random{i};
        std::vector<uint8_t> input(random() % 600);
        for (uint8_t& byte : input)
            byte = static_cast<uint8_t>(random());
        std::fprintf(stderr, "\r%lu", i); // shows the input if it aborts
        (void)LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    std::fprintf(stderr, "\r%lu inputs\n", count);
    return 0;
}
