-- Files below the directory that is its argument.
local directory = arg[1]
local path = directory .. "/numbers.txt"
local out = assert(io.open(path, "w"))
for i = 1, 5000 do out:write(i, " ", i * i, "\n") end
out:close()

local sum = 0
for number, square in io.lines(path, "n", "n") do sum = sum + square - number end
print(sum)

local file = assert(io.open(path, "r+"))
print(file:seek("end"), file:seek("set", 10), file:read(5), file:read("l"))
file:seek("set", 0)
file:write("one")
file:close()
for line in io.lines(path) do print(line) break end

print(os.rename(path, directory .. "/renamed.txt"))
print(io.open(path) == nil, (select(2, io.open(path))))
print(os.remove(directory .. "/renamed.txt"))

-- A module beside the scripts.
local module = assert(io.open(directory .. "/module.lua", "w"))
module:write("return {name = ..., double = function(x) return 2 * x end}")
module:close()
package.path = directory .. "/?.lua"
print(require("module").name, require("module").double(21))

print(#io.read("a"), os.getenv("GREETING"), os.getenv("NONE"))
print(os.time({year = 2024, month = 2, day = 29, hour = 12}), os.date("!%Y-%m-%d", 86400 * 365))
io.stderr:write("done\n")
os.exit(5)
