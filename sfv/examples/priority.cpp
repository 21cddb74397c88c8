// Priority (RFC 9218): a dictionary with the urgency u and the flag i. Read with the pull parser and written
// with the writer, without allocating.

#include "example.hpp"

#include <warpbeam/sfv/parser.hpp>
#include <warpbeam/sfv/writer.hpp>

#include <span>

namespace sfv = warpbeam::sfv;

// [readme
struct Priority {
    int urgency = 3;
    bool incremental = false;
};

/// A malformed field is ignored; so is a single member with an invalid value.
Priority read_priority(std::string_view field) {
    Priority priority;
    sfv::Parser parser{sfv::FieldType::dictionary, field};
    while (parser.next_member()) {
        const sfv::RawItem& value = parser.value();
        if (parser.key() == "u" && value.is(sfv::Type::integer) && value.integer() >= 0 &&
            value.integer() <= 7)
            priority.urgency = static_cast<int>(value.integer());
        else if (parser.key() == "i" && value.is(sfv::Type::boolean))
            priority.incremental = value.boolean();
    }
    return parser.finish() ? priority : Priority{};
}

std::string_view write_priority(const Priority& priority, std::span<char> buffer) {
    sfv::Writer writer{sfv::FieldType::dictionary, buffer};
    writer.key("u").value(priority.urgency);
    if (priority.incremental)
        writer.key("i").value(true);
    return writer.finish().value_or("");
}
// readme]

int main() {
    EXPECT(read_priority("u=1, i").urgency == 1);
    EXPECT(read_priority("u=1, i").incremental);
    EXPECT(read_priority("u=1, i=?0, u=5").urgency == 5);
    EXPECT(read_priority("u=9, i").urgency == 3);
    EXPECT(read_priority("u=1, i, !").urgency == 3);
    char buffer[16];
    EXPECT(write_priority({1, true}, buffer) == "u=1, i");
    EXPECT(write_priority({}, buffer) == "u=3");
}
