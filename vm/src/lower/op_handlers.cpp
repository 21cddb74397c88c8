#include "lower/op_handlers.hpp"

namespace warpbeam::vm {

OpHandlerTable::OpHandlerTable(const HandlerTable& all) noexcept {
    for (const HandlerGroup& group : all.groups()) {
        const uint8_t column = columns[static_cast<size_t>(group.form)];
        if (group.family == Family::none)
            plain_[static_cast<size_t>(group.form)] = {group.rows[0], group.form, Op::nop};
        for (size_t i = 0; column != no_column && i < group.count; ++i) {
            const Op op = op_at(group.family, i);
            if (const size_t code = static_cast<size_t>(op) - first_code; code < code_count)
                by_code_[code][column] = {group.rows[i], group.form, op};
        }
    }
}

const OpHandlerTable& op_handlers() noexcept {
    static const OpHandlerTable made{handler_table()};
    return made;
}

} // namespace warpbeam::vm
