// What Lua's libraries want and WASI does not have. Included before every file of Lua.
#include <stdio.h>
#include <stdlib.h>

// os.tmpname then fails, and says so.
#define LUA_TMPNAMBUFSIZE 1
#define lua_tmpnam(buffer, failed) ((buffer)[0] = '\0', (failed) = 1)

#define tmpfile() ((FILE*)NULL)
#define system(command) ((void)(command), -1)
