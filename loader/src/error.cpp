#include <warpbeam/loader/error.hpp>
#include <warpbeam/loader/text.hpp>
#include <warpbeam/memory/ref.hpp>

namespace warpbeam {

struct Error::Details {
    explicit Details(Allocator& allocator) noexcept : message{allocator} {}
    RefCount owners;
    Text message;
};

std::string_view text_of(ErrorCode code) noexcept {
    switch (code) {
    case ErrorCode::malformed:
        return "malformed module";
    case ErrorCode::invalid:
        return "invalid module";
    case ErrorCode::unsupported:
        return "unsupported feature";
    case ErrorCode::limit:
        return "limit exceeded";
    case ErrorCode::out_of_memory:
        return "out of memory";
    case ErrorCode::unlinkable:
        return "incompatible import type";
    case ErrorCode::usage:
        return "invalid use of the API";
    }
    return {};
}

Error::Error(ErrorCode code, const char* format, ...) noexcept : code_{code} {
    va_list arguments;
    va_start(arguments, format);
    print(Allocator::standard(), format, arguments);
    va_end(arguments);
}

Error::Error(Allocator& allocator, ErrorCode code, const char* format, ...) noexcept : code_{code} {
    va_list arguments;
    va_start(arguments, format);
    print(allocator, format, arguments);
    va_end(arguments);
}

Error Error::vformat(Allocator& allocator, ErrorCode code, const char* format, va_list arguments) noexcept {
    Error error{code};
    error.print(allocator, format, arguments);
    return error;
}

Error::Error(const Error& other) noexcept
    : details_{other.details_}, offset_{other.offset_}, function_{other.function_}, code_{other.code_},
      missing_feature_{other.missing_feature_} {
    if (details_ != nullptr)
        details_->owners.add();
}

Error::~Error() {
    if (details_ != nullptr && details_->owners.drop())
        destroy(details_->message.allocator(), details_);
}

std::string_view Error::message() const noexcept {
    return details_ != nullptr && !details_->message.view().empty() ? details_->message.view()
                                                                    : text_of(code_);
}

Error::Details* Error::begin_addition() noexcept {
    if (details_ != nullptr)
        return own_details(details_->message.allocator());
    Details* const details = own_details(Allocator::standard());
    if (details != nullptr)
        details->message.add(text_of(code_));
    return details;
}

Error& Error::add(const char* format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    if (Details* const details = begin_addition())
        details->message.vprint(format, arguments);
    va_end(arguments);
    return *this;
}

Error& Error::add_line(const char* format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    if (Details* const details = begin_addition())
        details->message.add_line().vprint(format, arguments);
    va_end(arguments);
    return *this;
}

Error::Details* Error::own_details(Allocator& allocator) noexcept {
    if (details_ != nullptr && details_->owners.is_only_one())
        return details_;
    auto* const fresh = create<Details>(allocator, allocator);
    if (fresh == nullptr)
        return nullptr;
    if (details_ != nullptr)
        fresh->message.add(details_->message);
    Error old = std::move(*this);
    details_ = fresh;
    return fresh;
}

void Error::print(Allocator& allocator, const char* format, va_list arguments) noexcept {
    // The arguments may include names from the module; Text makes them safe to print.
    if (Details* const details = own_details(allocator))
        details->message.vprint(format, arguments);
}

} // namespace warpbeam
