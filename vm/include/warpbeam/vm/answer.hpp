#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/trap.hpp>
#include <warpbeam/vm/value.hpp>

#include <expected>
#include <span>

namespace warpbeam {

namespace vm {
class AnswerCell;
}

/// The right to answer one host call of an Execution (`Execution::token`). Copies share it: the call is
/// answered once. The answer has its effect when the execution is resumed.
///
/// Thread-safety: any thread may hold tokens and call every function, also while the store is in use and
/// after it was destroyed. A reference in an answer must be kept alive (root.hpp) until `answer` has
/// returned. https://webassembly.github.io/spec/core/exec/instructions.html#host-functions
class WARPBEAM_API AnswerToken {
public:
    /// Empty.
    AnswerToken() noexcept;
    AnswerToken(const AnswerToken&) noexcept;
    AnswerToken& operator=(const AnswerToken&) noexcept;
    ~AnswerToken();

    /// The state of the call.
    enum class State : uint8_t {
        open,     ///< it waits for an answer
        answered, ///< the answer waits for `Execution::resume`
        closed,   ///< it was answered, or its execution was dropped; also for an empty token
    };
    /// Its state.
    [[nodiscard]] State state() const noexcept;

    /// The call will return these values. Errors: `usage` if it is not open, or the number or types of the
    /// values do not match; the call stays open then; `out_of_memory`. Whether references are of the right
    /// store and type is checked when the execution is resumed: if not, `resume` says so, and the call is
    /// open again.
    [[nodiscard]] std::expected<void, Error> answer(std::span<const Value> values) const noexcept;
    /// The call will trap, or throw the exception that the trap carries. Errors: `usage` if it is not open.
    [[nodiscard]] std::expected<void, Error> refuse(Trap trap) const noexcept;

private:
    friend class Execution;
    friend class Caller;
    explicit AnswerToken(Ref<vm::AnswerCell> cell) noexcept;
    Ref<vm::AnswerCell> cell_;
};

} // namespace warpbeam
