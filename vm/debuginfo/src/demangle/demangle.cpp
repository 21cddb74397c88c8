#include "demangle/itanium_parser.hpp"
#include "demangle/itanium_printer.hpp"
#include "demangle/output.hpp"

namespace warpbeam {
namespace demangling {

bool itanium(std::string_view name, Output& out, Allocator& allocator) noexcept {
    std::string_view rest = name;
    // Some systems put an underscore before all names.
    if (rest.starts_with("__Z"))
        rest.remove_prefix(1);
    if (!rest.starts_with("_Z"))
        return false;
    ItaniumParser parser{rest.substr(2), allocator};
    const Node* const root = parser.parse();
    if (parser.out_of_memory()) {
        out.lose_memory();
        return false;
    }
    if (root == nullptr)
        return false;
    ItaniumPrinter printer{out};
    printer.print(*root);
    return printer.good();
}

} // namespace demangling

std::expected<Vec<char>, Error> demangle(std::string_view name, Allocator& allocator) noexcept {
    // Longer names have no readable form that is short enough, and would take memory.
    constexpr size_t max_mangled = 4 * max_demangled;
    using Demangler = bool (*)(std::string_view, demangling::Output&, Allocator&) noexcept;
    constexpr Demangler demanglers[] = {
        [](std::string_view mangled, demangling::Output& out, Allocator&) noexcept {
            return demangling::rust_legacy(mangled, out);
        },
        [](std::string_view mangled, demangling::Output& out, Allocator&) noexcept {
            return demangling::rust_v0(mangled, out);
        },
        demangling::itanium,
    };
    if (name.starts_with('_') && name.size() <= max_mangled)
        for (const Demangler demangler : demanglers) {
            demangling::Output out{allocator};
            const bool done = demangler(name, out, allocator) && out.good();
            if (out.out_of_memory())
                return std::unexpected(Error{ErrorCode::out_of_memory});
            if (done)
                return out.take();
        }
    Vec<char> same{allocator};
    if (!same.append(name))
        return std::unexpected(Error{ErrorCode::out_of_memory});
    return same;
}

} // namespace warpbeam
