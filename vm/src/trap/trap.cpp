#include "trap/trap_details.hpp"

namespace warpbeam {

Trap::Trap(const Trap& other) noexcept
    : code_{other.code_}, status_{other.status_}, details_{other.details_} {
    if (details_ != nullptr)
        details_->owners.add();
}

Trap::~Trap() {
    // A loop, since a chain of causes may be long.
    Details* details = details_;
    while (details != nullptr && details->owners.drop()) {
        Details* const cause = details->cause ? std::exchange(details->cause->details_, nullptr) : nullptr;
        destroy(details->allocator, details);
        details = cause;
    }
}

Trap::Details* Trap::own_details(Allocator& allocator) noexcept {
    auto* const fresh = create<Details>(allocator, allocator);
    if (fresh == nullptr)
        return nullptr;
    if (details_ != nullptr) {
        fresh->message.add(details_->message);
        fresh->omitted = details_->omitted;
        if (!fresh->frames.append(details_->frames))
            fresh->omitted += details_->frames.size();
        fresh->cause = details_->cause;
        fresh->exception = details_->exception;
        fresh->payload = details_->payload;
    }
    Trap old = std::move(*this);
    details_ = fresh;
    return fresh;
}

Trap Trap::host(const char* format, ...) noexcept {
    Trap trap{TrapCode::host};
    va_list arguments;
    va_start(arguments, format);
    if (Details* const details = trap.own_details(Allocator::standard()))
        details->message.vprint(format, arguments);
    va_end(arguments);
    return trap;
}

Trap Trap::with_message(TrapCode code, const char* format, ...) noexcept {
    Trap trap{code};
    va_list arguments;
    va_start(arguments, format);
    if (Details* const details = trap.own_details(Allocator::standard()))
        details->message.vprint(format, arguments);
    va_end(arguments);
    return trap;
}

Trap Trap::with_message(Allocator& allocator, TrapCode code, const char* format, ...) noexcept {
    Trap trap{code};
    va_list arguments;
    va_start(arguments, format);
    if (Details* const details = trap.own_details(allocator))
        details->message.vprint(format, arguments);
    va_end(arguments);
    return trap;
}

Trap Trap::with_text(TrapCode code, const Text& message) noexcept {
    Trap trap{code};
    if (Details* const details = trap.own_details(message.allocator()))
        details->message.add(message);
    return trap;
}

Trap Trap::exit(int32_t status) noexcept {
    Trap trap = with_message(TrapCode::exit, "exit with status %d", status);
    trap.status_ = status;
    return trap;
}

std::string_view Trap::message() const noexcept {
    return details_ != nullptr && !details_->message.view().empty() ? details_->message.view()
                                                                    : text_of(code_);
}

std::span<const Frame> Trap::backtrace() const noexcept {
    return details_ != nullptr ? std::span<const Frame>{details_->frames} : std::span<const Frame>{};
}

size_t Trap::omitted_frames() const noexcept { return details_ != nullptr ? details_->omitted : 0; }

void Trap::set_payload(Allocator& allocator, void* object, const void* tag, Drop drop) noexcept {
    const auto payload =
        Ref<TrapPayload>::adopt(create<TrapPayload>(allocator, allocator, object, tag, drop));
    if (!payload)
        drop(allocator, object);
    else if (Details* const details = own_details(allocator))
        details->payload = payload;
}

const void* Trap::find_payload(const void* tag) const noexcept {
    return details_ != nullptr && details_->payload && details_->payload->tag == tag
               ? details_->payload->object
               : nullptr;
}

const Trap* Trap::cause() const noexcept {
    return details_ != nullptr && details_->cause ? &*details_->cause : nullptr;
}

Trap& Trap::caused_by(const Trap& cause) noexcept {
    // The copy keeps the cause alive even if it is this same trap.
    const Trap copy = cause;
    const Details* const one = details_ != nullptr ? details_ : cause.details_;
    if (Details* const details = own_details(one != nullptr ? one->allocator : Allocator::standard()))
        details->cause = copy;
    return *this;
}

} // namespace warpbeam
