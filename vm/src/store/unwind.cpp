#include "handlers/entry_points.hpp"
#include "handlers/run.hpp"
#include "isa/catch_table.hpp"
#include "store/store_impl.hpp"

#include <algorithm>

namespace warpbeam::vm {
namespace {

struct Throw {
    const ExceptionObject& exception;
    const InstanceData* inst;
    const Instr* ip;
    bool after;      ///< whether `ip` is a return address
    uint64_t excess; ///< of the frames up to this one
    const Code* code = nullptr;

    /// The clause that catches the exception in the frame whose instruction is `ip`.
    [[nodiscard]] const CatchClause* find() noexcept {
        code = inst->code->find(ip, after, code);
        if (code == nullptr)
            return nullptr;
        const CatchClause* const clauses = clauses_of(*code);
        uint32_t i = first_clause(*code, position_in(*code, ip, after));
        while (i != CatchClause::none && !catches(clauses[i]))
            i = clauses[i].next;
        if (i != CatchClause::none)
            return clauses + i;
        excess -= excess_of(*code);
        return nullptr;
    }

private:
    [[nodiscard]] bool catches(const CatchClause& clause) const noexcept {
        if (clause.tag == CatchClause::all)
            return true;
        return clause.tag != CatchClause::never && inst->tags[clause.tag] == exception.tag;
    }
};

} // namespace

Exit make_exception(Execution& execution, const TagInst& tag, Slot* payload, Slot& exception) noexcept {
    const size_t slots = slots_of(execution.store->types().func(tag.type).params);
    Heap& heap = execution.store->heap;
    const ExceptionObject* const object = heap.allocate_exception(tag, {payload, slots});
    if (object == nullptr)
        return heap.failure();
    exception = reinterpret_cast<uintptr_t>(object);
    return Exit::none;
}

const CatchClause* unwind(Execution& execution, Slot reference) noexcept {
    const auto& exception = *reinterpret_cast<const ExceptionObject*>(static_cast<uintptr_t>(reference));
    Throw thrown{exception, execution.inst, execution.ip, false, execution.excess};
    Slot* fp = execution.fp;
    Record* rp = execution.rp;
    Continuation* continuation = execution.continuation;
    const CatchClause* clause = thrown.find();
    while (clause == nullptr) {
        const Record& record = *rp++;
        if (is_bottom_record(record)) {
            // The exception goes on where the continuation was resumed.
            if (continuation == nullptr)
                return nullptr;
            continuation = continuation->parent;
            const StackState& waiting = waiting_state(execution, continuation);
            thrown.inst = waiting.inst;
            thrown.ip = waiting.ip;
            thrown.after = false;
            thrown.excess = waiting.excess;
            fp = waiting.fp;
            rp = waiting.rp;
            clause = thrown.find();
            continue;
        }
        if (is_restore_record(record)) {
            thrown.inst = reinterpret_cast<const InstanceData*>((rp++)->ip);
            continue;
        }
        thrown.ip = record.ip;
        thrown.after = true;
        fp = record.fp;
        clause = thrown.find();
    }
    leave_continuations(execution, continuation);
    if (clause->tag != CatchClause::all) {
        const FuncType& type = execution.store->types().func(exception.tag->type);
        std::copy_n(exception.payload(), slots_of(type.params), fp + clause->payload);
    }
    if (clause->exception != CatchClause::unwanted)
        fp[clause->exception] = reference;
    execution.ip = thrown.code->entry()->after(clause->target);
    execution.fp = fp;
    execution.rp = rp;
    execution.excess = thrown.excess;
    execution.inst = const_cast<InstanceData*>(thrown.inst);
    // If a host function threw it, it is no longer a trap.
    execution.store->pending.forget();
    return clause;
}

} // namespace warpbeam::vm
