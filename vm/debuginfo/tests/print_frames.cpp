// print_frames MODULE: what DebugInfo knows of every address of the code section, as llvm-symbolizer prints
// it.

#include <warpbeam/debuginfo/debug_info.hpp>
#include <warpbeam/debuginfo/demangle.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

int main(int argc, char** argv) {
    using namespace warpbeam;
    std::ifstream file{argc == 2 ? argv[1] : "", std::ios::binary};
    const std::vector<char> bytes{std::istreambuf_iterator<char>{file}, {}};
    const auto module = Module::load({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    if (!module) {
        std::fprintf(stderr, "usage: print_frames MODULE (%s)\n", module.error().message().data());
        return 1;
    }
    DebugInfo info{*module};
    for (const SectionRange& section : module->sections()) {
        if (section.id != 10)
            continue;
        for (size_t address = 0; address < section.size; ++address) {
            const auto frames = info.frames_at(section.offset + address);
            if (!frames)
                return 1;
            std::printf("0x%zx\n", address);
            for (const SourceFrame& frame : *frames) {
                Vec<char> path;
                const auto name = demangle(frame.function.empty() ? "??" : frame.function);
                if (!name || !frame.file.append_to(path))
                    return 1;
                std::printf("%.*s\n%.*s:%u:%u\n", static_cast<int>(name->size()), name->data(),
                            static_cast<int>(path.size()), path.data(), frame.line, frame.column);
            }
            std::printf("\n");
        }
    }
    if (const Error* const damage = info.damage())
        std::fprintf(stderr, "%.*s\n", static_cast<int>(damage->message().size()), damage->message().data());
    return info.damage() != nullptr ? 2 : 0;
}
