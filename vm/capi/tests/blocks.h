#ifndef BLOCKS_H
#define BLOCKS_H

#include <stdlib.h>

/* Blocks of memory with an alignment, which Windows frees by a function of their own. Null if there is no
 * room. */
#ifdef _WIN32
#include <malloc.h>
static inline void* new_block(size_t size, size_t alignment) { return _aligned_malloc(size, alignment); }
static inline void free_block(void* block) { _aligned_free(block); }
#else
static inline void* new_block(size_t size, size_t alignment) {
    void* block = NULL;
    const size_t least = alignment < sizeof(void*) ? sizeof(void*) : alignment;
    return posix_memalign(&block, least, size) == 0 ? block : NULL;
}
static inline void free_block(void* block) { free(block); }
#endif

#endif
