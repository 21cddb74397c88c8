#include "call_tree.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

/// A flame graph: each function is a box as wide as what it took, above its caller. The image needs nothing
/// but itself: a viewer without scripts shows it whole, and with scripts a click zooms.

namespace warpbeam::cli {

namespace {

constexpr double width = 1200;
constexpr int margin = 10;
constexpr int row = 18;
constexpr int header = 56;
constexpr double character = 6.6; ///< the width of one at the size of the text
constexpr double narrowest = 0.3; ///< boxes below that are left out

/// Safe in XML, as text or between quotes. Control characters, which XML can't have at all, are escaped by
/// `display_name` already.
std::string xml(std::string_view text) {
    std::string safe;
    for (const char c : text) {
        switch (c) {
        case '&':
            safe += "&amp;";
            break;
        case '<':
            safe += "&lt;";
            break;
        case '>':
            safe += "&gt;";
            break;
        case '"':
            safe += "&quot;";
            break;
        case '\'':
            safe += "&#39;";
            break;
        default:
            safe += c;
        }
    }
    return safe;
}

/// As much of a name as a box has room for, without cutting through a character.
std::string_view fitting(std::string_view name, double box) {
    const auto most = static_cast<size_t>(std::max(0.0, (box - 6) / character));
    if (most < 3)
        return {};
    size_t characters = 0;
    for (size_t i = 0; i < name.size(); ++i) {
        const bool begins = (static_cast<unsigned char>(name[i]) & 0xc0) != 0x80;
        if (begins && characters++ == most)
            return name.substr(0, i);
    }
    return name;
}

/// A warm colour that is the same for a function in every graph.
std::string colour(std::string_view name) {
    uint32_t hash = 2166136261;
    for (const char c : name)
        hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
    char text[32];
    std::snprintf(text, sizeof text, "hsl(%u,%u%%,%u%%)", 12 + hash % 42, 72 + hash / 64 % 24,
                  62 + hash / 4096 % 12);
    return text;
}

/// Zooms to the box that is clicked, and back with a click on the lowest one or on the background.
constexpr std::string_view script = R"js(
const boxes = [...document.querySelectorAll('g.box')].map(g => ({
  g, rect: g.querySelector('rect'), text: g.querySelector('text'), name: g.dataset.name,
  x: +g.dataset.x, w: +g.dataset.w, y: +g.dataset.y }));
const total = 1180, left = 10, letter = 6.6;
function zoom(to) {
  const scale = total / to.w;
  for (const b of boxes) {
    const around = b.x <= to.x + 1e-6 && b.x + b.w >= to.x + to.w - 1e-6 && b.y >= to.y;
    const x = around ? left : left + (b.x - to.x) * scale, w = around ? total : b.w * scale;
    b.g.style.display = around || (b.x >= to.x - 1e-6 && b.x + b.w <= to.x + to.w + 1e-6 && b.y < to.y)
      ? '' : 'none';
    b.rect.setAttribute('x', x); b.rect.setAttribute('width', w); b.text.setAttribute('x', x + 3);
    const room = Math.floor((w - 6) / letter);
    b.text.textContent = room < 3 ? '' : [...b.name].slice(0, room).join('');
  }
}
for (const b of boxes) b.g.addEventListener('click', event => { zoom(b); event.stopPropagation(); });
document.documentElement.addEventListener('click', () => zoom({ x: 0, w: total, y: 1e9 }));
)js";

class Drawing {
public:
    explicit Drawing(const CallTree& tree)
        : tree_{tree}, totals_{tree.totals()}, places_(totals_.size()), ends_(totals_.size()) {
        for (size_t node = 0; node < totals_.size(); ++node)
            if (!is_narrow(node))
                deepest_ = std::max(deepest_, tree.nodes()[node].depth);
    }

    std::string svg(std::string_view title) {
        const int height = header + static_cast<int>(deepest_ + 1) * row + margin;
        char head[400];
        std::snprintf(head, sizeof head,
                      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%d\" "
                      "viewBox=\"0 0 %.0f %d\" font-family=\"monospace\" font-size=\"11\">\n"
                      "<rect width=\"100%%\" height=\"100%%\" fill=\"#fffdf7\"/>\n",
                      width, height, width, height);
        std::string out = head;
        out += "<text x=\"10\" y=\"22\" font-size=\"15\">" + xml(title) +
               "</text>\n<text x=\"10\" y=\"40\" fill=\"#555\">" + xml(amount(totals_[0])) +
               "; a box is a function above its caller, as wide as its share; click to zoom</text>\n";
        for (uint32_t node = 0; node < totals_.size(); ++node)
            if (!is_narrow(node))
                out += box(node, height);
        return out + "<script><![CDATA[" + std::string(script) + "]]></script>\n</svg>\n";
    }

private:
    [[nodiscard]] double scaled(uint64_t weight) const {
        return (width - 2 * margin) * static_cast<double>(weight) /
               static_cast<double>(std::max<uint64_t>(totals_[0], 1));
    }
    [[nodiscard]] bool is_narrow(size_t node) const {
        return node != CallTree::root && scaled(totals_[node]) < narrowest;
    }
    [[nodiscard]] std::string amount(uint64_t weight) const {
        char text[64];
        const double share =
            100 * static_cast<double>(weight) / static_cast<double>(std::max<uint64_t>(totals_[0], 1));
        if (tree_.counts_fuel())
            std::snprintf(text, sizeof text, "%" PRIu64 " units of fuel, %.2f %%", weight, share);
        else
            std::snprintf(text, sizeof text, "%.3f ms, %.2f %%", static_cast<double>(weight) / 1e6, share);
        return text;
    }
    /// Children lie side by side above their parent, in the order in which they were first seen.
    std::string box(uint32_t node, int height) {
        const CallTree::Node& of = tree_.nodes()[node];
        if (node != CallTree::root) {
            places_[node] = places_[of.parent] + ends_[of.parent];
            ends_[of.parent] += totals_[node];
        }
        const std::string name = node == CallTree::root ? "all" : tree_.name_of(of.func);
        const double x = scaled(places_[node]);
        const double w = scaled(totals_[node]);
        const int y = height - margin - static_cast<int>(of.depth + 1) * row;
        char place[200];
        std::snprintf(place, sizeof place, "\" data-x=\"%.4f\" data-w=\"%.4f\" data-y=\"%d\"><title>", x, w,
                      y);
        char rect[300];
        std::snprintf(
            rect, sizeof rect,
            "</title><rect x=\"%.3f\" y=\"%d\" width=\"%.3f\" height=\"%d\" rx=\"1\" stroke=\"#fffdf7\" "
            "stroke-width=\"0.5\" fill=\"%s\"/><text x=\"%.3f\" y=\"%d\" pointer-events=\"none\">",
            x + margin, y, w, row - 1, node == CallTree::root ? "#ddd" : colour(name).c_str(), x + margin + 3,
            y + 13);
        const std::string safe = xml(name);
        return "<g class=\"box\" data-name=\"" + safe + place + safe + " (" + xml(amount(totals_[node])) +
               ")" + rect + xml(fitting(name, w)) + "</text></g>\n";
    }

    const CallTree& tree_;
    std::vector<uint64_t> totals_;
    std::vector<uint64_t> places_; ///< where boxes begin, in the tree's unit
    std::vector<uint64_t> ends_;   ///< how much of a box has others above it
    uint32_t deepest_ = 0;
};

} // namespace

std::string flame_graph(const CallTree& tree, std::string_view title) { return Drawing{tree}.svg(title); }

} // namespace warpbeam::cli
