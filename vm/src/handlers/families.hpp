#pragma once

#include "isa/operand.hpp"

#include <warpbeam/loader/instr_table.hpp>

/// How the lowering finds handlers. Every function returns null where there is no handler for these classes;
/// each instruction has at least the variants with operands in slots or the accumulator and the destinations
/// `acc` and `slot`.

namespace warpbeam::vm {

/// The variants of a binary numeric instruction, indexed by `variant`; null for other instructions.
const Handler* i32_binary(Op op) noexcept;
const Handler* i64_binary(Op op) noexcept;
const Handler* float_binary(Op op) noexcept;
inline Handler binary_variant(const Handler* variants, Dst d, Src l, Src r) noexcept {
    return variants[(static_cast<size_t>(d) * src_count + static_cast<size_t>(l)) * src_count +
                    static_cast<size_t>(r)];
}

/// The variants of a unary numeric instruction: `d * src_count + s`.
const Handler* unary(Op op) noexcept;
inline Handler unary_variant(const Handler* variants, Dst d, Src s) noexcept {
    return variants[static_cast<size_t>(d) * src_count + static_cast<size_t>(s)];
}

/// The same of vectors.
const Handler* vector_binary(Op op) noexcept;
const Handler* vector_unary(Op op) noexcept;
/// Operators on three vectors in a, b, c.
Handler vector_ternary(Op op, Dst d, Src a, Src b, Src c) noexcept;
/// Shifts: the vector is a, the count b or uimm. Replacements of a lane: `c` is its number.
Handler vector_scalar(Op op, Dst d, Src vector, Src scalar) noexcept;
/// i8x16.shuffle; two words follow.
Handler shuffle(Dst d, Src l, Src r) noexcept;
/// The vector is in the slots a, `c` is the number of the lane.
Handler extract_lane(Op op, Dst d) noexcept;

/// Compare and branch, `l * src_count + r`. `op` is a comparison, or i32.and / i64.and for a test of bits;
/// `negated` jumps when it does not hold.
const Handler* compare_branch(Op op, bool negated) noexcept;
inline Handler branch_variant(const Handler* variants, Src l, Src r) noexcept {
    return variants[static_cast<size_t>(l) * src_count + static_cast<size_t>(r)];
}
/// `local += step; if (local op right) jump`, the latch of a counting loop. `d` is the local's slot, `a` the
/// step (its slot, or a 16-bit constant), `imm` the jump, the first word behind the head the right operand's
/// slot or value. `local` is l0, l1 or slot.
Handler latch(Op op, bool negated, Src local, Src step, Src right) noexcept;

/// d = a + (b << c), all i32.
Handler add_shl(Dst d, Src l, Src r) noexcept;

/// Loads and stores of memory 0 with 32-bit addresses. `a` is the address, `uimm` the offset; a constant
/// address comes with its offset added as the first word. A store's value is `d`, or the last word.
Handler load(Op op, Dst d, Src address) noexcept;
Handler store(Op op, Src address, Src value) noexcept;
/// The address is a + b, or a + (b << log2 of the access); `c` is the offset. Or it is a + uimm, and the
/// first word is the offset.
Handler load_sum(Op op, Dst d, Src l, Src r) noexcept;
Handler load_indexed(Op op, Dst d, Src l, Src r) noexcept;
Handler store_sum(Op op, Src l, Src r, Src value) noexcept;
/// Any memory (`c` is its index; the first word is the offset), addresses of 32 or 64 bits; operands in
/// slots.
Handler load_any(Op op, bool is_64) noexcept;
Handler store_any(Op op, bool is_64) noexcept;

/// Integer (and reference) moves: d = a or the first word. Floating-point ones likewise.
Handler move_int(Dst d, Src s) noexcept;
Handler move_float(Dst d, Src s) noexcept;
/// d = a condition (slot c): a or b. Constants are the words behind the head.
Handler select_int(Dst d, Src condition, Src a, Src b) noexcept;
Handler select_float(Dst d, Src condition, Src a, Src b) noexcept;
Handler select_v128(Dst d, Src condition, Src a, Src b) noexcept;

/// Moves that leave the accumulators alone: d = a; d = a and b = c; d = the first word; `c` slots from a to
/// d; two slots from a to d; two slots d = the first two words.
Handler copy() noexcept;
Handler copy_pair() noexcept;
Handler copy_const() noexcept;
Handler copy_range() noexcept;
Handler copy_v128() noexcept;
Handler copy_const_v128() noexcept;
/// d = acc, d = facc (as 64 bits, as 128)
Handler copy_acc() noexcept;
Handler copy_facc() noexcept;
Handler copy_facc_v128() noexcept;
/// Makes the locals in slots d, a, b the pinned ones.
Handler set_pins() noexcept;

/// Control.
Handler jump() noexcept;       ///< to imm
Handler jump_table() noexcept; ///< index a; imm entries, then the default's, as 32-bit jumps behind the head
/// Counts fuel, looks for an interrupt; null when there is neither to do.
Handler poll(bool fuel, bool interrupt) noexcept;
Handler trap() noexcept; ///< uimm is the Exit
/// The stub of a function that is lowered at its first call.
Handler lower_now() noexcept;
Handler jump_if_null(bool null) noexcept; ///< a is (not) null: jump to imm

/// Calls. uimm is where the callee's frame begins. Two words follow: what is called, and the caller's pins.
Handler call() noexcept;                   ///< a CodeCell
Handler call_import() noexcept;            ///< a function index
Handler call_indirect(Src index) noexcept; ///< type id | table << 32; the index is slot a
Handler call_ref() noexcept;               ///< the reference is slot a
Handler return_call() noexcept;            ///< as call, with the arguments at the frame's beginning
Handler return_call_import() noexcept;
Handler return_call_indirect() noexcept;
Handler return_call_ref() noexcept;
Handler return_void() noexcept;     ///< the results are in place
Handler return_int(Src s) noexcept; ///< the result is a, or the first word
Handler return_float(Src s) noexcept;

/// Exceptions.
Handler throw_() noexcept;    ///< of tag uimm, with what it carries from slot a on
Handler throw_ref() noexcept; ///< the reference is slot a

Handler global_get_int(Dst d) noexcept; ///< global uimm
Handler global_get_float(Dst d) noexcept;
Handler global_set_int(Src s) noexcept; ///< global uimm = a; a constant is the first word
Handler global_set_float(Src s) noexcept;
Handler global_get_v128(Dst d) noexcept;
Handler global_set_v128(Src s) noexcept;

/// Atomic accesses, but for waiting: `a` is the address and the first word the offset; `c` is the value, `b`
/// what is expected. The result goes to d and to acc. Those of memory 0 with 32-bit addresses take the
/// address or the value from acc. Those of any memory have its index as their second word.
Handler atomic(Op op, Src address, Src value) noexcept;
Handler atomic_any(Op op, bool is_64) noexcept;
Handler atomic_fence() noexcept;
/// Their operands are as those of `slow`, through which they are found too.
Handler wait_or_notify(Op op) noexcept;

/// Wide arithmetic: the results go to slots d and d + 1. A product's operands are slots a and b, those of a
/// sum slots a to c and the first word.
Handler wide(Op op) noexcept;

/// A field or element is accessed as the memory instruction `access` accesses memory. The object is a, a
/// field's offset uimm, an index b (a constant: uimm); what is written is d, or the first word.
Handler struct_get(Op access, Dst d, Src object) noexcept;
Handler struct_set(Op access, Src object, Src value) noexcept;
Handler array_get(Op access, Dst d, Src array, Src index) noexcept;
Handler array_set(Op access, Src array, Src index, Src value) noexcept;
/// The first word is the layout. The fields are the b slots from a on. If these are at most four, and all
/// fields are as wide as a slot, `words` is their number, else 0.
Handler struct_new(size_t words, Dst d) noexcept;
Handler struct_new_default(Dst d) noexcept;
/// The first word is the target: the layout of a structure or array type (`to_layout`), or the code of any
/// other heap type.
Handler ref_test(bool to_layout, bool nullable, Dst d, Src s) noexcept;
Handler ref_cast(bool to_layout, bool nullable, Dst d, Src s) noexcept;
Handler br_on_cast(bool to_layout, bool nullable, bool fail, Src s) noexcept; ///< to imm
/// a is the reference, the first word the slot of the descriptor; to imm.
Handler br_on_cast_desc_eq(bool nullable, bool fail) noexcept;
/// As `unary` and `slow`: what these give for instructions on objects.
const Handler* unary_gc(Op op) noexcept;
Handler slow_gc(Op op) noexcept;
Handler slow_descriptor(Op op) noexcept;

/// Everything else: operands in consecutive slots from `a` on, the result in slot `a` (and in acc); the
/// immediates are the words behind the head, in the order of the binary format.
Handler slow(Op op) noexcept;

} // namespace warpbeam::vm
