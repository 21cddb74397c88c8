#include "platform.hpp"

#ifdef __linux__
#include <atomic>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace warpbeam {

#ifdef __linux__

namespace {

std::atomic<uint64_t> forks{1};

/// Whether a file may have this length; extending one further would kill the process.
bool is_allowed(size_t length) noexcept {
    rlimit limit{};
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && length <= limit.rlim_cur;
}

} // namespace

uint64_t process_forks() noexcept {
    static const bool counts = pthread_atfork([] { forks.fetch_add(1); }, nullptr, nullptr) == 0;
    return counts ? forks.load() : 0;
}

int make_memory_file(size_t size) noexcept {
    if (!is_allowed(size))
        return -1;
    const int file = memfd_create("warpbeam image", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, static_cast<off_t>(size)) == 0)
        return file;
    close(file);
    return -1;
}

bool write_memory_file(int file, std::span<const uint8_t> bytes, uint64_t offset) noexcept {
    while (!bytes.empty()) {
        const ssize_t count = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count <= 0)
            return false;
        bytes = bytes.subspan(static_cast<size_t>(count));
        offset += static_cast<uint64_t>(count);
    }
    return true;
}

bool read_memory_file(int file, std::span<uint8_t> bytes, uint64_t offset) noexcept {
    const auto count = static_cast<ssize_t>(bytes.size());
    return pread(file, bytes.data(), bytes.size(), static_cast<off_t>(offset)) == count;
}

void close_memory_file(int file) noexcept {
    if (file >= 0)
        close(file);
}
#else

uint64_t process_forks() noexcept { return 0; }
int make_memory_file(size_t) noexcept { return -1; }
bool write_memory_file(int, std::span<const uint8_t>, uint64_t) noexcept { return false; }
bool read_memory_file(int, std::span<uint8_t>, uint64_t) noexcept { return false; }
void close_memory_file(int) noexcept {}

#endif

} // namespace warpbeam
