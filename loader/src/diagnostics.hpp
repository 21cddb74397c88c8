#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/loader/feature.hpp>

#include <optional>
#include <string_view>

namespace warpbeam {

/// Collects the loader's fault. After the first one, decoding functions return false and nothing more is
/// read, so the hot paths carry only a bool.
class Diagnostics {
public:
    /// Messages use memory from `allocator`.
    explicit Diagnostics(Allocator& allocator) noexcept : allocator_{allocator} {}
    Diagnostics(const Diagnostics&) = delete;
    Diagnostics& operator=(const Diagnostics&) = delete;

    /// The section or function in which later faults lie.
    void enter_section(const char* name) noexcept { section_ = name; }
    void enter_function(uint32_t index) noexcept { function_ = index; }
    void leave_function() noexcept { function_ = Error::no_function; }

    /// Records a fault of one kind at a byte offset. These all return false.
    struct Report {
        ErrorCode code;
        Diagnostics& diagnostics;
        [[gnu::format(printf, 3, 4)]] bool operator()(size_t offset, const char* format, ...) const noexcept;
    };
    const Report malformed{ErrorCode::malformed, *this};
    const Report invalid{ErrorCode::invalid, *this};
    const Report limit{ErrorCode::limit, *this};
    /// The module uses `feature`, which is switched off, for `what`.
    bool unsupported(size_t offset, Feature feature, std::string_view what) noexcept;
    /// Marks the fault just reported as caused only by a feature that is switched off. Returns false.
    bool for_lack_of(Feature feature) noexcept;
    bool out_of_memory() noexcept;

    [[nodiscard]] bool failed() const noexcept { return error_.has_value(); }
    /// The fault, with its position added to the text. `function_name` may be empty.
    [[nodiscard]] Error finish(std::string_view function_name) noexcept;
    [[nodiscard]] uint32_t function() const noexcept { return function_; }

private:
    Allocator& allocator_;
    std::optional<Error> error_;
    const char* section_ = nullptr;
    uint32_t function_ = Error::no_function;
};

} // namespace warpbeam
