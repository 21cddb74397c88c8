#include "directories.hpp"

#include <warpbeam/wasi/file_systems.hpp>

#include <algorithm>
#include <new>
#include <string>
#include <system_error>
#include <utility>

namespace warpbeam::cli {

namespace {

MappedDirectory parse_directory(std::string_view text) {
    MappedDirectory directory;
    constexpr std::string_view read_only = ":ro";
    constexpr std::string_view scratch = ":scratch";
    const std::string_view given = text;
    if (text.ends_with(read_only)) {
        directory.access = wasi::Access::read_only;
        text.remove_suffix(read_only.size());
    } else if (text.ends_with(scratch)) {
        directory.is_scratch = true;
        text.remove_suffix(scratch.size());
    }
    if (text != given && (text.ends_with(read_only) || text.ends_with(scratch)))
        throw UsageError("'" + std::string(given) + "' has two endings; use one of :ro and :scratch");
    constexpr std::string_view separator = "::";
    const size_t at = text.find(separator);
    directory.host = text.substr(0, at);
    directory.guest = at == std::string_view::npos ? text : text.substr(at + separator.size());
    if (directory.host.empty() || directory.guest.empty())
        throw UsageError("'" + std::string(text) + "' lacks the name of a directory");
    return directory;
}

/// In the words of the operating system.
std::string why_not_opened(wasi::Errno error) {
    using wasi::Errno;
    static constexpr std::pair<Errno, std::errc> rows[] = {
        {Errno::acces, std::errc::permission_denied},
        {Errno::inval, std::errc::invalid_argument},
        {Errno::io, std::errc::io_error},
        {Errno::loop, std::errc::too_many_symbolic_link_levels},
        {Errno::mfile, std::errc::too_many_files_open},
        {Errno::nametoolong, std::errc::filename_too_long},
        {Errno::nfile, std::errc::too_many_files_open_in_system},
        {Errno::noent, std::errc::no_such_file_or_directory},
        {Errno::nomem, std::errc::not_enough_memory},
        {Errno::notdir, std::errc::not_a_directory},
        {Errno::perm, std::errc::operation_not_permitted},
    };
    const auto* const row = std::ranges::find(rows, error, &std::pair<Errno, std::errc>::first);
    return row != std::end(rows) ? std::make_error_code(row->second).message()
                                 : "error " + std::to_string(static_cast<unsigned>(error)) + " of WASI";
}

uint64_t now() noexcept { return wasi::native_host().now(wasi::Clock::realtime).value_or(0); }

} // namespace

void add_directory_option(Options& options, std::vector<MappedDirectory>& directories) {
    options.value(
        "--dir", "HOST[::GUEST][:ro|:scratch]",
        "let the program use the directory HOST, which it finds as GUEST; with :ro it can only read "
        "it; with :scratch, what it changes is forgotten when it ends",
        [&](std::string_view text) { directories.push_back(parse_directory(text)); });
}

void open_directories(wasi::Context& context, const std::vector<MappedDirectory>& directories) {
    for (const MappedDirectory& directory : directories) {
        auto opened = wasi::native_directory(directory.host);
        if (!opened)
            throw Failure("warpbeam: --dir " + printable(directory.host) + ": " +
                          why_not_opened(opened.error()));
        if (directory.is_scratch)
            opened = wasi::layered_directory(std::move(*opened), {}, now);
        if (!opened)
            throw std::bad_alloc{};
        if (const auto added = context.add_directory(directory.guest, std::move(*opened), directory.access);
            !added)
            throw Failure("warpbeam: --dir " + printable(directory.host) + ": " +
                          std::string(added.error().message()));
    }
}

} // namespace warpbeam::cli
