// Drives GuestAllocator through what the input says, against a model that remembers every block and what was
// written there: blocks never overlap, nor leave the memory, nor touch the pages that the guest grew itself,
// and keep their contents whatever the guest does outside of them.

#include <warpbeam/vm/guest_allocator.hpp>

#include <cstdlib>
#include <map>
#include <vector>

namespace {

using namespace warpbeam;

void require(bool condition) {
    if (!condition)
        std::abort();
}

/// Takes numbers off the input.
class Input {
public:
    explicit Input(std::span<const uint8_t> bytes) : bytes_{bytes} {}
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    uint8_t byte() {
        if (bytes_.empty())
            return 0;
        const uint8_t first = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return first;
    }
    /// Mostly small, now and then of any size up to 64 bits.
    uint64_t size() {
        const uint8_t kind = byte();
        uint64_t value = byte();
        if (kind >= 128)
            value = value << 8 | byte();
        for (int i = 0; kind >= 250 && i < 6; ++i)
            value = value << 8 | byte();
        return value;
    }

private:
    std::span<const uint8_t> bytes_;
};

struct Block {
    GuestBuffer buffer;
    uint8_t pattern;
};

class Model {
public:
    Model(Store& store, Memory memory) : memory_{memory}, allocator_{*GuestAllocator::over(store, memory)} {}

    void run(Input input) {
        while (!input.empty()) {
            switch (const uint8_t choice = input.byte(); choice % 8) {
            case 0:
            case 1:
            case 2:
            case 3:
                allocate(input.size(), uint64_t{1} << input.byte() % 14, choice);
                break;
            case 4:
            case 5:
                if (!blocks_.empty())
                    free(input.byte() % blocks_.size());
                break;
            case 6:
                require(!allocator_.free(input.size() | 1)); // nothing begins at an odd address
                break;
            default:
                if (const auto old = memory_.grow(1u + input.byte() % 2u))
                    guest_pages_.emplace_back(*old << 16, memory_.size());
                break;
            }
        }
        while (!blocks_.empty())
            free(0);
    }

private:
    void allocate(uint64_t size, uint64_t alignment, uint8_t pattern) {
        auto buffer = allocator_.allocate(size, alignment);
        if (!buffer)
            return require(buffer.error().code() == TrapCode::out_of_memory);
        const uint64_t begin = buffer->address();
        const uint64_t end = begin + size;
        require(begin % alignment == 0 && buffer->size() == size && end >= begin && end <= memory_.size());
        const auto after = ends_.lower_bound(begin);
        require(after == ends_.end() || (after->first != begin && end <= after->first));
        require(after == ends_.begin() || std::prev(after)->second <= begin);
        for (const auto& [first, last] : guest_pages_)
            require(end <= first || last <= begin);
        ends_[begin] = end;
        require(buffer->view().fill(0, size, pattern).has_value());
        blocks_.push_back({std::move(*buffer), pattern});
    }

    void free(size_t index) {
        Block& block = blocks_[index];
        for (const uint8_t byte : *block.buffer.view().bytes())
            require(byte == block.pattern);
        ends_.erase(block.buffer.address());
        require(block.buffer.free().has_value());
        std::swap(block, blocks_.back());
        blocks_.pop_back();
    }

    Memory memory_;
    GuestAllocator allocator_;
    std::vector<Block> blocks_;
    std::map<uint64_t, uint64_t> ends_;
    std::vector<std::pair<uint64_t, uint64_t>> guest_pages_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static Engine engine;
    Store store{engine, {.memory_bytes = 1 << 22}};
    Input input{{data, size}};
    const auto memory = Memory::create(store, {{.min = input.byte() % 3u, .max = 40, .has_max = true}});
    require(memory.has_value());
    Model{store, *memory}.run(input);
    return 0;
}
