#pragma once

#include "module_text.hpp"

#include <warpbeam/coredump/core_dump.hpp>
#include <warpbeam/vm/trap.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A core dump with the modules that it was made from, as far as they are found.

namespace warpbeam::cli {

class LoadedCore {
public:
    LoadedCore(const LoadedCore&) = delete;
    LoadedCore& operator=(const LoadedCore&) = delete;
    /// Reads a core dump; `bytes` must outlive it. `modules` are the files that were given for its modules;
    /// other modules are looked for where the dump says, then beside the dump. Throws Failure, also for a
    /// file that was given and does not fit.
    LoadedCore(std::string_view path, std::span<const uint8_t> bytes,
               std::span<const std::string_view> modules);

    [[nodiscard]] const CoreDump& dump() const { return dump_; }
    /// The file of a module, by its index in the dump; empty if it was not found.
    [[nodiscard]] const std::string& file(size_t module) const { return files_[module].path; }
    /// That module; empty if it was not found.
    [[nodiscard]] const Module& module(size_t index) const { return files_[index].loaded->module; }
    /// The names in it.
    [[nodiscard]] const Names& names(size_t index) const { return files_[index].loaded->names; }
    /// The module of an instance; empty if it is not known.
    [[nodiscard]] Module module_of(uint32_t instance) const;
    /// What is known about a frame. The module is empty if it was not found, or does not have the function;
    /// the offset is unknown if the function does not reach that far.
    [[nodiscard]] Frame frame(const CoreFrame& frame) const;

private:
    /// What a file has.
    struct Loaded {
        Module module;              ///< empty if the file has none
        std::vector<size_t> starts; ///< of the bodies
        Names names{module};
    };
    struct File {
        std::string path;
        std::shared_ptr<const Loaded> loaded;
    };
    [[nodiscard]] bool fits(const Module& module, size_t index) const;
    void give(std::string_view path);
    void find(size_t index, std::string_view core_path);
    /// What a file has. It is read once, however often a dump names it.
    [[nodiscard]] const std::shared_ptr<const Loaded>& load(const std::string& path);

    CoreDump dump_;
    std::vector<std::vector<const CoreInstance*>> instances_;     ///< by the index of the module
    std::map<std::string, std::shared_ptr<const Loaded>> loaded_; ///< by the canonical path
    std::vector<File> files_;                                     ///< by the index of the module
};

} // namespace warpbeam::cli
