#include "store/answer_cell.hpp"

#include "store/errors.hpp"

#include <warpbeam/loader/type_registry.hpp>

namespace warpbeam::vm {
namespace {

Error not_open() noexcept {
    return Error{ErrorCode::usage, "the host call was answered already, or its execution was dropped"};
}

/// Whether a value may be of a type, as far as any thread can tell.
bool may_fit(const Value& value, ValType type, const TypeRegistry& types) noexcept {
    if (!type.is_ref() || !value.type().is_ref())
        return value.type() == type;
    return types.contains(value.type()) && types.top_of(value.type().heap()) == types.top_of(type.heap()) &&
           (type.nullable() || !value.is_null());
}

} // namespace

AnswerToken::State AnswerCell::state() const noexcept {
    switch (state_.load(std::memory_order_acquire)) {
    case State::open:
    case State::arming:
    case State::busy:
        return AnswerToken::State::open;
    case State::telling:
    case State::answered:
        return AnswerToken::State::answered;
    case State::closed:
        break;
    }
    return AnswerToken::State::closed;
}

std::expected<void, Error> AnswerCell::answer(std::span<const Value> values) noexcept {
    const std::span<const ValType> types = type_.results;
    if (values.size() != types.size())
        return std::unexpected{Error{ErrorCode::usage, "the host call returns %zu values, but %zu were given",
                                     types.size(), values.size()}};
    for (size_t i = 0; i < values.size(); ++i)
        if (!may_fit(values[i], types[i], engine_.types()))
            return std::unexpected{Error{ErrorCode::usage, "value %zu has the wrong type", i}};
    if (!begin())
        return std::unexpected{not_open()};
    values_.clear();
    if (!values_.append(values)) {
        state_.store(State::open, std::memory_order_release);
        return std::unexpected{no_memory()};
    }
    publish();
    return {};
}

std::expected<void, Error> AnswerCell::refuse(Trap trap) noexcept {
    if (!begin())
        return std::unexpected{not_open()};
    trap_ = std::move(trap);
    publish();
    return {};
}

bool AnswerCell::begin() noexcept {
    while (!change(State::open, State::busy))
        if (state_.load(std::memory_order_acquire) > State::arming)
            return false;
    return true;
}

void AnswerCell::publish() noexcept {
    state_.store(notify_ != nullptr ? State::telling : State::answered, std::memory_order_release);
    if (notify_ != nullptr) {
        notify_(notify_data_);
        (void)change(State::telling, State::answered); // unless the answer was taken already
    }
}

bool AnswerCell::notify(Notify answered, void* data) noexcept {
    while (!change(State::open, State::arming)) {
        const State now = state_.load(std::memory_order_acquire);
        if (now == State::answered || now == State::closed)
            return false;
        // Another thread needs only a few instructions to finish.
    }
    notify_ = answered;
    notify_data_ = data;
    state_.store(State::open, std::memory_order_release);
    return true;
}

void AnswerCell::reopen() noexcept {
    values_.clear();
    trap_.reset();
    state_.store(State::open, std::memory_order_release);
}

void AnswerCell::drop() noexcept {
    // Another thread that writes an answer at this moment takes only a few instructions to finish.
    while (!change(State::open, State::closed))
        if (const State now = state_.load(std::memory_order_acquire);
            now == State::closed || now == State::answered) {
            finish();
            break;
        }
    if (dropped_ != nullptr)
        dropped_(data_);
}

} // namespace warpbeam::vm
