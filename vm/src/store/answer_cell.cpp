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
    switch (state_of(word_.load(std::memory_order_acquire))) {
    case State::open:
    case State::arming:
    case State::busy:
        return AnswerToken::State::open;
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
        set(State::open);
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

bool AnswerCell::change(State from, State to, uint8_t& word) noexcept {
    word = word_.load(std::memory_order_acquire);
    while (state_of(word) == from)
        if (word_.compare_exchange_weak(word,
                                        static_cast<uint8_t>((word & ~states) | static_cast<uint8_t>(to)),
                                        std::memory_order_acq_rel))
            return true;
    return false;
}

void AnswerCell::set(State state) noexcept {
    uint8_t word = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(word,
                                        static_cast<uint8_t>((word & ~states) | static_cast<uint8_t>(state)),
                                        std::memory_order_acq_rel)) {
    }
}

bool AnswerCell::begin() noexcept {
    uint8_t word = 0;
    while (!change(State::open, State::busy, word))
        if (state_of(word) > State::arming)
            return false;
    return true;
}

void AnswerCell::publish() noexcept {
    // From here on the store may take the answer, and change what is called.
    const Notify tell = notify_;
    void* const data = notify_data_;
    if (tell == nullptr)
        return set(State::answered);
    word_.store(static_cast<uint8_t>(State::answered) | telling, std::memory_order_release);
    tell(data);
    word_.fetch_and(static_cast<uint8_t>(~telling), std::memory_order_release);
}

bool AnswerCell::notify(Notify answered, void* data) noexcept {
    wait_until_told();
    // Another thread that writes an answer needs only a few instructions to finish.
    uint8_t word = 0;
    while (!change(State::open, State::arming, word))
        if (state_of(word) == State::closed || (state_of(word) == State::answered && (word & telling) == 0))
            return false;
    notify_ = answered;
    notify_data_ = data;
    set(State::open);
    return true;
}

void AnswerCell::reopen() noexcept {
    values_.clear();
    trap_.reset();
    notify_ = nullptr;
    set(State::open);
}

void AnswerCell::drop() noexcept {
    // The same.
    uint8_t word = 0;
    while (!change(State::open, State::closed, word))
        if (state_of(word) == State::closed || state_of(word) == State::answered) {
            finish();
            break;
        }
    wait_until_told();
    if (dropped_ != nullptr)
        dropped_(data_);
}

} // namespace warpbeam::vm
