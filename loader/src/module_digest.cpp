#include "module_impl.hpp"

namespace warpbeam {

// In a file of its own, so that programs that need no digest are not linked with SHA-256.
Digest Module::digest() const noexcept {
    using State = LazyDigest::State;
    if (impl_ == nullptr)
        return sha256({});
    LazyDigest& kept = impl_->digest;
    if (kept.state.load(std::memory_order_acquire) == State::known)
        return kept.value;
    // Threads that ask at once don't wait for each other: each computes it, and the first one keeps it.
    const Digest digest = sha256(bytes());
    State expected = State::none;
    if (kept.state.compare_exchange_strong(expected, State::being_written, std::memory_order_relaxed)) {
        kept.value = digest;
        kept.state.store(State::known, std::memory_order_release);
    }
    return digest;
}

} // namespace warpbeam
