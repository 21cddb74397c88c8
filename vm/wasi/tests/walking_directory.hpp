#pragma once

#include <warpbeam/wasi/file.hpp>

#include <string>
#include <utility>
#include <vector>

namespace warpbeam::wasi::testing {

/// Passes everything on to another directory but refuses to `descend`, so that paths are walked name by name,
/// as where openat2 is missing.
class WalkingDirectory final : public Directory {
public:
    explicit WalkingDirectory(Ref<Directory> inner) noexcept : inner_{std::move(inner)} {}

    static Ref<Directory> around(Ref<Directory> inner) noexcept {
        const auto made = create_file<WalkingDirectory>(Allocator::standard(), std::move(inner));
        return Ref<Directory>::share(made.get());
    }

    /// What it was asked to descend, which it can't.
    std::vector<std::string> descents;

    Result<Ref<Directory>> descend(std::string_view path) noexcept override {
        descents.emplace_back(path);
        return std::unexpected{Errno::nosys};
    }
    Result<Filestat> stat() noexcept override { return inner_->stat(); }
    Result<> set_times(const NewTimes& times) noexcept override { return inner_->set_times(times); }
    Result<Ref<File>> open(std::string_view name, const OpenMode& mode) noexcept override {
        return wrapped(inner_->open(name, mode));
    }
    Result<Ref<Directory>> enter(std::string_view name) noexcept override {
        auto entered = inner_->enter(name);
        if (!entered)
            return std::unexpected{entered.error()};
        return around(std::move(*entered));
    }
    Result<Filestat> stat_entry(std::string_view name) noexcept override { return inner_->stat_entry(name); }
    Result<Vec<char>> read_link(std::string_view name) noexcept override { return inner_->read_link(name); }
    Result<Ref<File>> reopen() noexcept override { return wrapped(inner_->reopen()); }
    Result<> list(Vec<DirectoryEntry>& entries) noexcept override { return inner_->list(entries); }
    Result<> make_directory(std::string_view name) noexcept override { return inner_->make_directory(name); }
    Result<> remove_directory(std::string_view name) noexcept override {
        return inner_->remove_directory(name);
    }
    Result<> unlink(std::string_view name) noexcept override { return inner_->unlink(name); }
    Result<> symlink(std::string_view target, std::string_view name) noexcept override {
        return inner_->symlink(target, name);
    }
    Result<> link(std::string_view name, Directory& to, std::string_view to_name) noexcept override {
        return inner_->link(name, inner_of(to), to_name);
    }
    Result<> rename(std::string_view name, Directory& to, std::string_view to_name) noexcept override {
        return inner_->rename(name, inner_of(to), to_name);
    }
    Result<> set_entry_times(std::string_view name, const NewTimes& times) noexcept override {
        return inner_->set_entry_times(name, times);
    }
    const void* kind() const noexcept override { return &own_kind; }

private:
    static constexpr char own_kind = 0;
    static Directory& inner_of(Directory& directory) noexcept {
        return directory.kind() == &own_kind ? *static_cast<WalkingDirectory&>(directory).inner_ : directory;
    }
    static Result<Ref<File>> wrapped(Result<Ref<File>> opened) noexcept {
        if (!opened || (*opened)->as_directory() == nullptr)
            return opened;
        return Ref<File>::share(around(Ref<Directory>::share((*opened)->as_directory())).get());
    }

    Ref<Directory> inner_;
};

} // namespace warpbeam::wasi::testing
