#include "inspect_code.hpp"

#include "files.hpp"
#include "find_func.hpp"

#include <warpbeam/text/print.hpp>
#include <warpbeam/vm/disassembly.hpp>

#include <cstdio>

namespace warpbeam::cli {

namespace {

/// The instructions of a body, one after the other.
class Body {
public:
    explicit Body(const FuncBody& body) : begin_{body.code_offset}, size_{body.code.size()} {
        auto text = print_body(body.code);
        if (!text)
            throw Failure("warpbeam: " + std::string(text.error().message()));
        text_ = std::move(*text);
        rest_ = {text_.lines.data(), text_.lines.size()};
    }

    /// Prints the remaining ones up to an offset in the module; the last is the `end` of the function.
    void print_to(size_t offset) {
        while (next_ <= text_.offsets.size()) {
            const bool is_end = next_ == text_.offsets.size();
            const size_t at = begin_ + (is_end ? size_ - 1 : text_.offsets[next_]);
            if (at > offset)
                return;
            const size_t length = is_end ? 0 : rest_.find('\n');
            const std::string_view line = is_end ? "  end" : rest_.substr(0, length);
            std::printf("%7zu%.*s\n", at, WARPBEAM_PRINTED(line));
            rest_.remove_prefix(is_end ? 0 : length + 1);
            ++next_;
        }
    }

private:
    size_t begin_;
    size_t size_;
    BodyText text_;
    std::string_view rest_;
    size_t next_ = 0;
};

/// Returns whether the code is correct.
bool print(const Engine& engine, const Module& module, uint32_t func) {
    const std::string name{module.func_name(func)};
    std::printf("function %u%s%s\n", func, name.empty() ? "" : " $", printable(name, true).c_str());
    const auto listing = list_code(engine, module, func);
    if (!listing) {
        std::printf("  finding: %.*s\n", WARPBEAM_PRINTED(listing.error().message()));
        return false;
    }
    Body body{module.bodies()[func - module.imported_funcs()]};
    for (const CodeLine& line : listing->lines()) {
        if (line.offset != Error::no_offset) {
            body.print_to(line.offset);
            std::printf("%20s0x%04zx  %.*s\n", "", line.position, WARPBEAM_PRINTED(line.text));
        } else {
            if (line.position != 0)
                body.print_to(SIZE_MAX);
            std::printf("%20s%.*s\n", "", WARPBEAM_PRINTED(line.text));
        }
    }
    body.print_to(SIZE_MAX);
    if (!listing->finding().empty())
        std::printf("  finding: %.*s\n", WARPBEAM_PRINTED(listing->finding()));
    return listing->finding().empty();
}

} // namespace

int inspect_code(std::span<const uint8_t> bytes, const Config& config, std::optional<std::string_view> func) {
    Engine engine{config};
    const auto module = engine.load(bytes, {.borrow = true});
    if (!module)
        throw Failure("warpbeam: " + explain(module.error()));
    uint32_t begin = module->imported_funcs();
    auto end = static_cast<uint32_t>(module->funcs().size());
    if (func) {
        begin = find_func(*module, *func);
        end = begin + 1;
    }
    bool ok = true;
    for (uint32_t i = begin; i < end; ++i)
        ok &= print(engine, *module, i);
    return ok ? exit_success : exit_failure;
}

} // namespace warpbeam::cli
