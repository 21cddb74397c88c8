// Lua, an interpreter in the interpreter: `fib`, or `tables` with strings and sorting; and how often.
#include "../programs/bench.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

static const char fib[] =
    "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end\n"
    "return fib(20)";
static const char tables[] =
    "local words, seen, seed = {}, {}, ...\n"
    "for i = 1, 2000 do\n"
    "  seed = (seed * 1103515245 + 12345) % 2147483648\n"
    "  local word = string.format('%x', seed // 65536 % 997) .. string.char(97 + seed // 256 % 26)\n"
    "  seen[word] = (seen[word] or 0) + 1\n"
    "  words[#words + 1] = word\n"
    "end\n"
    "table.sort(words, function(a, b) return a < b end)\n"
    "local text = table.concat(words, ',')\n"
    "local found = 0\n"
    "for word in text:gmatch('[^,]+') do found = (found * 31 + seen[word] * #word) % 1000003 end\n"
    "return found";

int main(int argc, char** argv) {
    const uint32_t count = iterations(argc - 1, argv + 1, 1);
    const char* const script = argc > 1 && strcmp(argv[1], "tables") == 0 ? tables : fib;
    uint32_t sum = checksum_start;
    lua_State* const lua = luaL_newstate();
    luaL_openlibs(lua);
    for (uint32_t round = 0; round < count; round++) {
        if (luaL_loadstring(lua, script) != LUA_OK)
            fail(lua_tostring(lua, -1));
        lua_pushinteger(lua, (lua_Integer)round);
        if (lua_pcall(lua, 1, 1, 0) != LUA_OK)
            fail(lua_tostring(lua, -1));
        sum = checksum(sum, (uint32_t)lua_tointeger(lua, -1));
        lua_settop(lua, 0);
    }
    printf("Lua: %08" PRIx32 "\n", sum);
    return 0;
}
