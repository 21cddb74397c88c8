// A stack machine that interprets bytecode: a big switch in a loop, so an interpreter on an interpreter. Its
// programs are assembled at start and use branches, calls, locals and memory.
#include "bench.h"

#include <string.h>

// clang-format off
typedef enum {
    HALT, PUSH, LOAD, STORE, ADD_LOCAL, FETCH, PUT, ADD, SUB, MUL, REM, AND, XOR, SHR, LESS, EQUAL, NOT, DUP,
    SWAP, DROP, JUMP, JUMP_IF, JUMP_UNLESS, CALL, RETURN,
} Op;

// clang-format on

// Operands: a signed 16-bit immediate for PUSH, JUMP*, CALL; one byte for LOAD, STORE; both for ADD_LOCAL.
static uint8_t code[1024];
static uint32_t here;

enum { memory_words = 512, stack_words = 4096, locals_per_frame = 8 };
static int32_t memory[memory_words];

static void byte(int32_t value) { code[here++] = (uint8_t)value; }

static void half(int32_t value) {
    byte(value & 0xff);
    byte(value >> 8 & 0xff);
}

static void op(Op o) { byte((int32_t)o); }
static void push(int32_t value) { op(PUSH), half(value); }
static void load(int32_t local) { op(LOAD), byte(local); }
static void store(int32_t local) { op(STORE), byte(local); }
static void add_local(int32_t local, int32_t value) { op(ADD_LOCAL), byte(local), half(value); }
static void jump(Op o, uint32_t target) { op(o), half((int32_t)target); }

// Returns the position to be patched by `land` once the target is known.
static uint32_t jump_ahead(Op o) {
    jump(o, 0);
    return here - 2;
}

static void land(uint32_t place) {
    code[place] = (uint8_t)here;
    code[place + 1] = (uint8_t)(here >> 8);
}

static int32_t half_at(uint32_t pc) { return (int16_t)(uint16_t)(code[pc] | (uint32_t)code[pc + 1] << 8); }

static uint64_t executed;

static int32_t run(uint32_t pc, int32_t argument) {
    static int32_t stack[stack_words];
    int32_t* local = stack;
    int32_t* sp = stack + locals_per_frame; // the next free word
    memset(stack, 0, sizeof(int32_t) * locals_per_frame);
    local[0] = argument;
    for (;;) {
        executed++;
        switch ((Op)code[pc++]) {
        case HALT:
            return sp[-1];
        case PUSH:
            *sp++ = half_at(pc), pc += 2;
            break;
        case LOAD:
            *sp++ = local[code[pc++]];
            break;
        case STORE:
            local[code[pc++]] = *--sp;
            break;
        case ADD_LOCAL:
            local[code[pc]] += half_at(pc + 1), pc += 3;
            break;
        case FETCH:
            sp[-1] = memory[(uint32_t)sp[-1] % memory_words];
            break;
        case PUT:
            sp -= 2, memory[(uint32_t)sp[0] % memory_words] = sp[1];
            break;
        case ADD:
            sp--, sp[-1] = (int32_t)((uint32_t)sp[-1] + (uint32_t)sp[0]);
            break;
        case SUB:
            sp--, sp[-1] = (int32_t)((uint32_t)sp[-1] - (uint32_t)sp[0]);
            break;
        case MUL:
            sp--, sp[-1] = (int32_t)((uint32_t)sp[-1] * (uint32_t)sp[0]);
            break;
        case REM:
            sp--, sp[-1] = (int32_t)(sp[0] == 0 ? 0 : (uint32_t)sp[-1] % (uint32_t)sp[0]);
            break;
        case AND:
            sp--, sp[-1] &= sp[0];
            break;
        case XOR:
            sp--, sp[-1] ^= sp[0];
            break;
        case SHR:
            sp--, sp[-1] = (int32_t)((uint32_t)sp[-1] >> (sp[0] & 31));
            break;
        case LESS:
            sp--, sp[-1] = sp[-1] < sp[0];
            break;
        case EQUAL:
            sp--, sp[-1] = sp[-1] == sp[0];
            break;
        case NOT:
            sp[-1] = !sp[-1];
            break;
        case DUP:
            sp[0] = sp[-1], sp++;
            break;
        case SWAP: {
            int32_t top = sp[-1];
            sp[-1] = sp[-2], sp[-2] = top;
            break;
        }
        case DROP:
            sp--;
            break;
        case JUMP:
            pc = (uint32_t)half_at(pc);
            break;
        case JUMP_IF:
            pc = *--sp != 0 ? (uint32_t)half_at(pc) : pc + 2;
            break;
        case JUMP_UNLESS:
            pc = *--sp == 0 ? (uint32_t)half_at(pc) : pc + 2;
            break;
        case CALL: { // one argument; the frame of the callee stands above the return address
            int32_t given = sp[-1];
            if (sp + 2 * locals_per_frame > stack + stack_words)
                fail("stack of the machine");
            sp[-1] = (int32_t)(pc + 2), sp[0] = (int32_t)(local - stack);
            local = sp + 1;
            memset(local, 0, sizeof(int32_t) * locals_per_frame);
            local[0] = given;
            sp = local + locals_per_frame;
            pc = (uint32_t)half_at(pc);
            break;
        }
        case RETURN: { // one result
            int32_t result = sp[-1];
            sp = local - 2;
            pc = (uint32_t)sp[0];
            local = stack + sp[1];
            *sp++ = result;
            break;
        }
        default:
            fail("known opcode");
        }
    }
}

// The longest Collatz chain that starts below the argument.
static uint32_t assemble_collatz(void) {
    enum { limit, start, n, length, longest };
    uint32_t entry = here;
    push(1), store(start);
    uint32_t next_start = here;
    load(start), load(limit), op(LESS);
    uint32_t done = jump_ahead(JUMP_UNLESS);
    load(start), store(n);
    push(0), store(length);
    uint32_t step = here;
    load(n), push(1), op(EQUAL);
    uint32_t reached_one = jump_ahead(JUMP_IF);
    add_local(length, 1);
    load(n), push(1), op(AND);
    uint32_t odd = jump_ahead(JUMP_IF);
    load(n), push(1), op(SHR), store(n);
    jump(JUMP, step);
    land(odd);
    load(n), op(DUP), op(DUP), op(ADD), op(ADD), push(1), op(ADD), store(n);
    jump(JUMP, step);
    land(reached_one);
    load(longest), load(length), op(LESS);
    uint32_t no_record = jump_ahead(JUMP_UNLESS);
    load(length), store(longest);
    land(no_record);
    add_local(start, 1);
    jump(JUMP, next_start);
    land(done);
    load(longest), op(HALT);
    return entry;
}

// Fills the memory with pseudo-random words, bubble sorts the first 96 and folds them all into one.
static uint32_t assemble_sort(void) {
    enum { seed, i, end, fold };
    const int32_t sorted = 96;
    uint32_t entry = here;
    uint32_t fill = here;
    load(seed), push(25173), op(MUL), push(13849), op(ADD), op(DUP), store(seed);
    push(8), op(SHR), load(i), op(SWAP), op(PUT);
    add_local(i, 1);
    load(i), push(memory_words), op(LESS);
    jump(JUMP_IF, fill);
    push(sorted - 1), store(end);
    uint32_t pass = here;
    push(0), store(i);
    uint32_t next_pair = here;
    load(i), push(1), op(ADD), op(FETCH), load(i), op(FETCH), op(LESS);
    uint32_t ordered = jump_ahead(JUMP_UNLESS);
    load(i), op(DUP), op(FETCH), load(i), push(1), op(ADD), op(FETCH);
    load(i), op(SWAP), op(PUT);
    op(SWAP), op(DROP), load(i), push(1), op(ADD), op(SWAP), op(PUT);
    land(ordered);
    add_local(i, 1);
    load(i), load(end), op(LESS);
    jump(JUMP_IF, next_pair);
    add_local(end, -1);
    load(end);
    jump(JUMP_IF, pass);
    push(0), store(i);
    uint32_t next_word = here;
    load(fold), push(31), op(MUL), load(i), op(FETCH), op(XOR), store(fold);
    add_local(i, 1);
    load(i), push(memory_words), op(LESS);
    jump(JUMP_IF, next_word);
    load(fold), op(HALT);
    return entry;
}

// A recursion of two calls per level, taken modulo a prime.
static uint32_t assemble_recursion(void) {
    enum { n };
    uint32_t body = here;
    load(n), push(2), op(LESS), op(NOT);
    uint32_t recurse = jump_ahead(JUMP_IF);
    load(n), op(RETURN);
    land(recurse);
    load(n), push(1), op(SUB), jump(CALL, body);
    load(n), push(2), op(SUB), jump(CALL, body);
    push(3), op(MUL), op(ADD), push(30011), op(REM), op(RETURN);
    uint32_t entry = here;
    load(n), jump(CALL, body), op(HALT);
    return entry;
}

int main(int argc, char** argv) {
    uint32_t count = iterations(argc, argv, 20);
    uint32_t collatz = assemble_collatz();
    uint32_t sort = assemble_sort();
    uint32_t recursion = assemble_recursion();
    uint32_t sum = checksum_start;
    for (uint32_t i = 0; i < count; i++) {
        sum = checksum(sum, (uint32_t)run(collatz, (int32_t)(120 + i % 16)));
        sum = checksum(sum, (uint32_t)run(sort, (int32_t)i));
        sum = checksum(sum, (uint32_t)run(recursion, (int32_t)(12 + i % 3)));
    }
    printf("%" PRIu64 " instructions: %08" PRIx32 "\n", executed, sum);
    return 0;
}
