#pragma once

#include <warpbeam/memory/ref.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/answer.hpp>
#include <warpbeam/vm/engine.hpp>

#include <atomic>
#include <optional>

namespace warpbeam::vm {

/// Where the answer to one host call is put down by any thread, and taken by the store's. The thread that
/// changes the state from `open` to `busy` may write the answer.
class AnswerCell : public RefCounted<AnswerCell> {
public:
    /// Called when the call can't be answered any more, since its execution was dropped.
    using Dropped = void (*)(void* data) noexcept;
    /// Called in the thread that answers, once the answer can be taken.
    using Notify = void (*)(void* data) noexcept;

    AnswerCell(Allocator& allocator, const Engine& engine, const FuncType& type, Dropped dropped,
               void* data) noexcept
        : RefCounted{allocator}, engine_{engine}, type_{type}, values_{allocator}, dropped_{dropped},
          data_{data} {}

    // For the holders of tokens.
    [[nodiscard]] AnswerToken::State state() const noexcept;
    [[nodiscard]] std::expected<void, Error> answer(std::span<const Value> values) noexcept;
    [[nodiscard]] std::expected<void, Error> refuse(Trap trap) noexcept;

    // For the store.

    /// Whether there is an answer. Only then the others may be asked.
    [[nodiscard]] bool is_answered() const noexcept {
        return state_of(word_.load(std::memory_order_acquire)) == State::answered;
    }
    /// Replaces what is called, which then does not run any more; false if it is too late, since there is an
    /// answer.
    [[nodiscard]] bool notify(Notify answered, void* data) noexcept;
    [[nodiscard]] std::span<const Value> values() const noexcept { return values_; }
    /// The trap to answer with, if it is one.
    [[nodiscard]] std::optional<Trap>& trap() noexcept { return trap_; }
    /// The answer can't be used: the call is open again, and nothing is called for the next answer.
    void reopen() noexcept;
    /// Whether the call could be closed: nobody has answered it.
    [[nodiscard]] bool close() noexcept {
        uint8_t word = 0;
        return change(State::open, State::closed, word);
    }
    /// The answer was taken.
    void finish() noexcept { set(State::closed); }
    /// The execution was dropped.
    void drop() noexcept;

private:
    enum class State : uint8_t {
        open,
        arming, ///< the store writes what is called
        busy,   ///< another thread writes the answer
        answered,
        closed,
    };
    // A word has a state and this bit, which lasts until what is called has returned, even if the call is
    // open again or closed by then.
    static constexpr uint8_t telling = 8;
    static constexpr uint8_t states = 7;

    [[nodiscard]] static State state_of(uint8_t word) noexcept { return static_cast<State>(word & states); }
    /// Whether the calling thread may write the answer.
    [[nodiscard]] bool begin() noexcept;
    void publish() noexcept;
    /// Changes the state if it is `from`; the bits stay. `word` is then what it was.
    [[nodiscard]] bool change(State from, State to, uint8_t& word) noexcept;
    void set(State state) noexcept;
    void wait_until_told() const noexcept {
        while ((word_.load(std::memory_order_acquire) & telling) != 0) {
        }
    }

    const Engine engine_; ///< keeps the types
    const FuncType& type_;
    std::atomic<uint8_t> word_ = static_cast<uint8_t>(State::open);
    Vec<Value> values_;
    std::optional<Trap> trap_;
    const Dropped dropped_;
    void* const data_;
    Notify notify_ = nullptr;
    void* notify_data_ = nullptr;
};

} // namespace warpbeam::vm
