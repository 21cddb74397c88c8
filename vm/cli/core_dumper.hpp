#pragma once

#include <warpbeam/vm/active_stack.hpp>
#include <warpbeam/vm/store.hpp>

#include <string>
#include <utility>
#include <vector>

namespace warpbeam::cli {

/// Writes a core dump of a program that has trapped: `--coredump`. See docs/coredumps.md.
class CoreDumper final : public TrapObserver {
public:
    /// `program` is its name, which need not be a path. The store must be one that lives longer.
    CoreDumper(std::string path, std::string program, Store& store);
    CoreDumper(const CoreDumper&) = delete;
    CoreDumper& operator=(const CoreDumper&) = delete;
    ~CoreDumper();

    /// Names a module, whose instances will be part of the dump; `name` is its path.
    void name(const Module& module, std::string_view name);
    /// An instance that is part of the dump even if none of its functions is active.
    void add(const Instance& instance);

    void trapped(const Trap& trap, const ActiveStack& stack) noexcept override;
    /// The same for a program that was stopped and is not continued.
    void take(const ActiveStack& stack);

    /// After the trap was reported: writes the dump if there was a trap, and says so. Memories and globals
    /// are those of now. If that is impossible, says why; the program's exit status is that of the trap.
    void finish() noexcept;

private:
    class Frames;
    void write();
    [[nodiscard]] uint32_t number_of(const Instance& instance);

    std::string path_;
    std::string program_;
    Store& store_;
    std::vector<std::pair<Module, std::string>> names_;
    std::vector<Instance> instances_;
    bool has_trapped_ = false;
    std::string frames_; ///< as in the file
    size_t frame_count_ = 0;
    std::string fault_; ///< why frames are missing; empty if none are
};

} // namespace warpbeam::cli
