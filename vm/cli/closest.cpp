#include "closest.hpp"

#include "command.hpp"

#include <algorithm>
#include <vector>

namespace warpbeam::cli {
namespace {

/// The number of characters to insert, remove, replace or swap with their neighbour.
size_t distance(std::string_view a, std::string_view b) {
    std::vector<size_t> before(b.size() + 1);
    std::vector<size_t> last(b.size() + 1);
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before.swap(last);
        last.swap(row);
    }
    return last[b.size()];
}

} // namespace

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
    constexpr size_t longest = 64; // names from a module may be of any length
    std::string_view best;
    size_t least = 1 + std::max<size_t>(1, std::min(word.size(), longest) / 4);
    for (const std::string_view candidate : candidates) {
        if (word.size() > longest || candidate.size() > longest)
            continue;
        // Nothing is like a name of which every character differs.
        if (const size_t changes = distance(word, candidate); changes < least && changes < candidate.size()) {
            least = changes;
            best = candidate;
        }
    }
    return best.empty() ? "" : " (did you mean '" + printable(best) + "'?)";
}

} // namespace warpbeam::cli
