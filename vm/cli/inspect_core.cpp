#include "inspect_core.hpp"

#include "backtrace.hpp"
#include "core_json.hpp"
#include "loaded_core.hpp"
#include "module_text.hpp"
#include "options.hpp"
#include "trace.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <set>

namespace warpbeam::cli {
namespace {

/// Of the frames of a thread and the values of a frame, this many are shown; JSON has all.
constexpr size_t max_frames = 64;
constexpr size_t max_values = 64;

class CorePrinter {
public:
    explicit CorePrinter(const LoadedCore& core) : core_{core}, dump_{core.dump()} {}

    void head(std::string_view path, size_t size) const {
        std::printf("%s: core dump of %s, %zu bytes\n", printable(path).c_str(),
                    printable(dump_.executable()).c_str(), size);
    }

    void modules() const {
        if (!dump_.modules().empty())
            std::printf("modules:\n");
        for (size_t i = 0; i < dump_.modules().size(); ++i) {
            const std::string& file = core_.file(i);
            std::printf("  %zu: %s%s\n", i, printable(dump_.modules()[i]).c_str(),
                        file.empty()                 ? ", not found (--module FILE says where it is)"
                        : file == dump_.modules()[i] ? ""
                                                     : (", found in " + printable(file)).c_str());
        }
    }

    void instances() const {
        if (!dump_.instances().empty())
            std::printf("instances:\n");
        for (size_t i = 0; i < dump_.instances().size(); ++i) {
            const CoreInstance& instance = dump_.instances()[i];
            std::printf("  %zu: of module %u%s%s\n", i, instance.module,
                        indices(", memories", instance.memories).c_str(),
                        indices(", globals", instance.globals).c_str());
        }
    }

    void threads() {
        for (const CoreThread& thread : dump_.threads()) {
            std::printf("thread %s:%s\n", printable(thread.name).c_str(),
                        thread.frames.empty() ? " no functions were active" : "");
            std::set<std::string> hints;
            const std::span<const CoreFrame> frames{thread.frames};
            for (size_t i = 0; i < std::min(frames.size(), max_frames); ++i) {
                std::printf("%3zu: %s\n", i, place(frames[i], hints).c_str());
                values("locals", thread.locals(frames[i]), frames[i], true);
                values("operands", thread.operands(frames[i]), frames[i], false);
            }
            if (frames.size() > max_frames)
                std::printf("     and %zu more\n", frames.size() - max_frames);
            for (const std::string& hint : hints)
                std::printf("%s\n", hint.c_str());
        }
    }

    void globals() const {
        const std::span<const GlobalType> all = dump_.module().globals();
        if (!all.empty())
            std::printf("globals:\n");
        Types types{dump_.module()};
        const std::vector<std::string> names = global_names();
        for (uint32_t i = 0; i < all.size(); ++i)
            std::printf("  %u: %s%s %s\n", i, names[i].c_str(), types.of(all[i].content).c_str(),
                        global_text(dump_.global(i)).c_str());
    }

    void memories() const {
        const std::span<const MemoryType> all = dump_.module().memories();
        if (!all.empty())
            std::printf("memories:\n");
        Types types{dump_.module()};
        for (uint32_t i = 0; i < all.size(); ++i) {
            ExternType type;
            type.kind = ExternKind::memory;
            type.memory = all[i];
            std::printf("  %u: %s, %" PRIu64 " bytes, %" PRIu64 " of them stored\n", i,
                        types.of(type).c_str(), dump_.memory_size(i), dump_.stored_bytes(i));
        }
    }

    /// Sixteen bytes a line.
    void bytes(const MemoryRange& range) const {
        if (range.memory >= dump_.module().memories().size())
            throw Failure("warpbeam: the core dump has no memory " + std::to_string(range.memory) +
                          "; it has " + std::to_string(dump_.module().memories().size()));
        const uint64_t size = dump_.memory_size(range.memory);
        if (range.address >= size) {
            char text[120];
            std::snprintf(text, sizeof text,
                          "warpbeam: address 0x%" PRIx64 " is outside memory %u, which has 0x%" PRIx64
                          " bytes",
                          range.address, range.memory, size);
            throw Failure(text);
        }
        constexpr size_t width = 16;
        const uint64_t end = range.address + std::min(range.size, size - range.address);
        // Each time, all segments of the dump are looked at: there may be thousands.
        std::vector<uint8_t> part(1 << 16);
        for (uint64_t address = range.address; address < end;) {
            const std::span<const uint8_t> read = std::span{part}.first(dump_.read_memory(
                range.memory, address,
                std::span{part}.first(static_cast<size_t>(std::min<uint64_t>(part.size(), end - address)))));
            for (size_t at = 0; at < read.size(); at += width)
                line(address + at, read.subspan(at, std::min(width, read.size() - at)));
            address += read.size();
        }
    }

private:
    static void line(uint64_t address, std::span<const uint8_t> bytes) {
        std::string hex;
        std::string text;
        for (const uint8_t byte : bytes) {
            char digits[4];
            std::snprintf(digits, sizeof digits, " %02x", byte);
            hex += digits;
            text += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.';
        }
        std::printf("%08" PRIx64 " %-48s  %s\n", address, hex.c_str(), text.c_str());
    }

    static std::string indices(const char* what, std::span<const uint32_t> all) {
        std::string text;
        for (const uint32_t index : all)
            text += " " + (index == CoreDump::missing ? "?" : std::to_string(index));
        return text.empty() ? text : what + text;
    }

    /// Where a frame stood: a line for each function that was inlined there, and for the one itself. Hints
    /// are collected.
    std::string place(const CoreFrame& frame, std::set<std::string>& hints) {
        const Frame known = core_.frame(frame);
        if (!known.module)
            return "function " + std::to_string(frame.func) + " of instance " +
                   std::to_string(frame.instance) + ", " + std::to_string(frame.code_offset) +
                   " bytes into its body";
        // Source positions take time to find, and calls are often recursive.
        std::string& text = described_[{frame.instance, frame.func, frame.code_offset}];
        if (text.empty())
            text = describe(std::span{&known, 1});
        std::string lines;
        for (size_t at = 0; at < text.size();) {
            const size_t end = std::min(text.find('\n', at + 1), text.size());
            const std::string line = text.substr(at + 1, end - at - 1);
            if (line.starts_with("hint:"))
                hints.insert(line);
            else // without its number
                lines += (lines.empty() ? "" : "\n     ") +
                         line.substr(std::min(line.find(": ") + 2, line.size()));
            at = end;
        }
        return lines;
    }

    void values(const char* what, std::span<const CoreValue> all, const CoreFrame& frame,
                bool are_locals) const {
        std::string text;
        for (size_t i = 0; i < std::min(all.size(), max_values); ++i) {
            text += text.empty() ? "" : ", ";
            if (are_locals && frame.instance < dump_.instances().size())
                text += core_.names(dump_.instances()[frame.instance].module)
                            .before(NameSpace::local, static_cast<uint32_t>(i), frame.func);
            text += value_text(all[i]);
        }
        if (!all.empty())
            std::printf("     %s: %s%s\n", what, text.c_str(),
                        all.size() > max_values
                            ? (", and " + std::to_string(all.size() - max_values) + " more").c_str()
                            : "");
    }

    /// The names of the globals: that which the first instance with a name for it has.
    std::vector<std::string> global_names() const {
        std::vector<std::string> all(dump_.module().globals().size());
        for (const CoreInstance& instance : dump_.instances())
            for (uint32_t own = 0; own < instance.globals.size(); ++own)
                if (const uint32_t index = instance.globals[own];
                    index != CoreDump::missing && all[index].empty())
                    all[index] = core_.names(instance.module).before(NameSpace::global, own);
        return all;
    }

    const LoadedCore& core_;
    const CoreDump& dump_;
    std::map<std::tuple<uint32_t, uint32_t, uint32_t>, std::string> described_;
};

} // namespace

MemoryRange parse_memory_range(std::string_view text) {
    MemoryRange range;
    std::string_view rest = text;
    if (const size_t at = rest.find('@'); at != std::string_view::npos) {
        const uint64_t index = parse_count(rest.substr(0, at));
        if (index > UINT32_MAX)
            throw UsageError("'" + std::string(text) + "': there is no such memory");
        range.memory = static_cast<uint32_t>(index);
        rest.remove_prefix(at + 1);
    }
    const size_t plus = rest.find('+');
    range.address = parse_address(rest.substr(0, plus));
    if (plus != std::string_view::npos)
        range.size = parse_address(rest.substr(plus + 1));
    return range;
}

void inspect_core(std::string_view path, std::span<const uint8_t> bytes, const CoreSettings& settings) {
    const LoadedCore core{path, bytes, settings.modules};
    if (settings.as_json) {
        std::printf("%s\n", core_json(core, path).c_str());
        return;
    }
    CorePrinter printer{core};
    for (const MemoryRange& range : settings.ranges)
        printer.bytes(range);
    if (!settings.ranges.empty())
        return;
    printer.head(path, bytes.size());
    printer.modules();
    printer.instances();
    printer.threads();
    printer.globals();
    printer.memories();
}

} // namespace warpbeam::cli
