#pragma once

#include "held_term.hpp"

#include <warpbeam/memory/vec.hpp>
#include <warpbeam/wasi/file.hpp>
#include <warpbeam/wasi/seeded_random.hpp>
#include <warpbeam/wasi/wasi.hpp>

#include <memory>
#include <optional>
#include <string>

/// What an instance sees of the world by WASI. Its standard streams are buffers that Erlang fills and empties
/// between slices, so a call that waits for input, or sleeps, occupies no scheduler.

namespace warpbeam::erlang {

/// What a program reads. A read that finds nothing is remembered.
class Input final : public wasi::File {
public:
    explicit Input(Allocator& allocator) noexcept : bytes_{allocator} {}
    ~Input() override;
    /// Adds bytes; false if memory runs out.
    [[nodiscard]] bool add(std::span<const uint8_t> bytes) noexcept;
    /// Adds bytes that come before all others; false if memory runs out.
    [[nodiscard]] bool put_first(std::span<const uint8_t> bytes) noexcept;
    void close() noexcept { is_closed_ = true; }
    [[nodiscard]] bool is_closed() const noexcept { return is_closed_; }
    [[nodiscard]] std::span<const uint8_t> left() const noexcept {
        return std::span{bytes_.data(), bytes_.size()}.subspan(taken_);
    }
    /// Whether the program has asked for more than there is, since this was called last.
    [[nodiscard]] bool take_asked() noexcept { return std::exchange(was_asked_, false); }

    [[nodiscard]] wasi::FileType type() const noexcept override { return wasi::FileType::unknown; }
    [[nodiscard]] wasi::Result<size_t> read(std::span<uint8_t> into) noexcept override;
    [[nodiscard]] wasi::Result<wasi::Ready> ready(wasi::Readiness which) noexcept override;

private:
    Vec<uint8_t> bytes_;
    size_t taken_ = 0;
    bool is_closed_ = false;
    bool was_asked_ = false;
};

/// What a program has written. If Erlang takes it away, writing waits while it is full; otherwise it fails
/// then.
class Output final : public wasi::File {
public:
    Output(Allocator& allocator, size_t max_size, bool is_taken) noexcept
        : bytes_{allocator}, max_size_{max_size}, is_taken_{is_taken} {}
    ~Output() override;
    [[nodiscard]] bool is_taken() const noexcept { return is_taken_; }
    [[nodiscard]] std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
    }
    void clear() noexcept { bytes_.clear(); }

    [[nodiscard]] wasi::FileType type() const noexcept override { return wasi::FileType::unknown; }
    [[nodiscard]] wasi::Result<size_t> write(std::span<const uint8_t> bytes) noexcept override;
    [[nodiscard]] wasi::Result<wasi::Ready> ready(wasi::Readiness which) noexcept override;

private:
    Vec<uint8_t> bytes_;
    size_t max_size_;
    bool is_taken_;
};

/// The clocks and random numbers: those of the machine, or given ones. A given clock advances by a step
/// whenever it is read, and at once by the time that a program waits.
class Surroundings final : public wasi::Host {
public:
    struct State {
        bool has_clock = false;
        uint64_t time = 0; ///< in nanoseconds
        uint64_t step = 0;
        std::optional<wasi::SeededRandom> random = {};
        uint64_t monotonic = 0; ///< added to the machine's: a program that was restored sees no jump
    };
    [[nodiscard]] State& state() noexcept { return state_; }

    std::expected<size_t, wasi::Errno> read(std::span<uint8_t>) noexcept override { return 0; }
    std::expected<size_t, wasi::Errno> write(wasi::Stream, std::span<const uint8_t> bytes) noexcept override {
        return bytes.size();
    }
    bool is_terminal(wasi::Stream) const noexcept override { return false; }
    std::expected<uint64_t, wasi::Errno> now(wasi::Clock clock) const noexcept override;
    std::expected<uint64_t, wasi::Errno> resolution(wasi::Clock clock) const noexcept override;
    void sleep(uint64_t) noexcept override {}
    std::expected<void, wasi::Errno> random(std::span<uint8_t> into) noexcept override;
    bool has_time() noexcept override;
    /// Whether the program has asked for what takes long, since this was called last.
    [[nodiscard]] bool take_is_long() noexcept { return std::exchange(is_long_, false); }

private:
    bool is_long_ = false;
    mutable State state_;
};

/// The world of one instance. Used with the instance's lock.
class World {
public:
    /// The world that a term describes; warpbeam_wasi has made it. None if it is malformed, or something
    /// can't be opened, and `why` says so.
    [[nodiscard]] static std::unique_ptr<World> make(ErlNifEnv* env, Term term, std::string& why) noexcept;

    [[nodiscard]] wasi::Context& context() noexcept { return context_; }
    [[nodiscard]] Input& input() noexcept { return *input_; }
    /// Of standard output or error.
    [[nodiscard]] Output& output(wasi::Stream stream) noexcept {
        return stream == wasi::Stream::out ? *out_ : *err_;
    }
    /// Whether there is output that Erlang is to take.
    [[nodiscard]] bool has_output() const noexcept {
        return (out_->is_taken() && !out_->text().empty()) || (err_->is_taken() && !err_->text().empty());
    }
    /// Whether it uses files of the operating system, which may take long.
    [[nodiscard]] bool is_blocking() const noexcept { return is_blocking_; }
    /// Whether the next slice takes long, and is to run on a dirty scheduler. Asked once for each slice.
    [[nodiscard]] bool take_is_long() noexcept { return surroundings_.take_is_long(); }
    /// What the process that calls does with the streams.
    [[nodiscard]] Term streams(ErlNifEnv* env) const noexcept { return streams_.copy_to(env); }
    /// The term that it was made of, without the input that was given at first.
    [[nodiscard]] Term made_of(ErlNifEnv* env) const noexcept;

    /// What a call waits for, if that is why it has stopped.
    struct Wait {
        bool for_input = false;
        uint64_t nanoseconds = 0; ///< UINT64_MAX: for ever
    };
    [[nodiscard]] std::optional<Wait> take_wait() noexcept;

    /// Writes descriptors, files in memory, input that is not read, and clocks.
    [[nodiscard]] std::expected<void, Error> save(SnapshotSink& sink) noexcept;
    /// Reads that into a world that was made as the other one. The bytes are not trusted.
    [[nodiscard]] std::expected<void, Error> restore(std::span<const uint8_t> bytes) noexcept;

private:
    World(Term term, Term streams) noexcept;
    /// @{ False if the term is malformed; `why` says more if it is not that.
    bool read_strings(ErlNifEnv* env, Term args, Term variables, std::string& why) noexcept;
    bool read_directories(ErlNifEnv* env, Term list, std::string& why) noexcept;
    bool read_surroundings(ErlNifEnv* env, Term clock, Term random) noexcept;
    /// @}
    Surroundings surroundings_; // before the context, which uses it
    wasi::Context context_;
    Ref<Input> input_;
    Ref<Output> out_;
    Ref<Output> err_;
    HeldTerm term_;
    HeldTerm streams_; ///< a part of it; the rest, with all files, is not to be copied for each output
    bool is_blocking_ = false;
};

} // namespace warpbeam::erlang
