// Writes all modules of scripts as files in the binary format: suite_seeds DIRECTORY FILE.wast...

#include "script_modules.hpp"

#include <cstdio>
#include <filesystem>

int main(int argc, char** argv) {
    using namespace warpbeam;
    if (argc < 3) {
        std::fputs("usage: suite_seeds DIRECTORY FILE.wast...\n", stderr);
        return 2;
    }
    const std::filesystem::path directory = argv[1];
    std::filesystem::create_directories(directory);
    size_t count = 0;
    for (int i = 2; i < argc; ++i) {
        const std::string stem = std::filesystem::path{argv[i]}.stem().string();
        size_t number = 0;
        for (const fuzz::Bytes& module : fuzz::modules_of_script(fuzz::read_file(argv[i]))) {
            std::ofstream file(directory / (stem + "." + std::to_string(number++) + ".wasm"),
                               std::ios::binary);
            file.write(reinterpret_cast<const char*>(module.data()),
                       static_cast<std::streamsize>(module.size()));
            ++count;
        }
    }
    std::printf("%zu modules\n", count);
    return 0;
}
