-- Errors and coroutines, which Lua does with longjmp.
print(pcall(error, {code = 7}) == false, select(2, pcall(error, "plain", 0)))
print(pcall(function() local none = nil; return none.field end))
print(select("#", pcall(string.rep)), pcall(string.rep))
print(xpcall(function() error("deep") end, function(message) return "handled " .. message end))

local function recurse(n) return 1 + recurse(n + 1) end
local fine, message = pcall(recurse, 0)
print(fine, message:match("stack overflow"))
-- Overflow in C code, which calls itself through metamethods and gsub.
local function nest() return ("x"):gsub("x", nest) end
fine, message = pcall(nest)
print(fine, message:match("overflow"))

local function walk(tree)
  if tree then
    walk(tree[1])
    coroutine.yield(tree[2])
    walk(tree[3])
  end
end
local tree = {{nil, 1, {nil, 2}}, 3, {{nil, 4}, 5, {nil, 6}}}
local seen = {}
for value in coroutine.wrap(function() walk(tree) end) do seen[#seen + 1] = value end
print(table.concat(seen, ","))

-- A generator that is a chain of coroutines.
local function numbers() for i = 2, math.huge do coroutine.yield(i) end end
local function sieve(source, prime)
  return coroutine.wrap(function()
    while true do
      local n = source()
      if n % prime ~= 0 then coroutine.yield(n) end
    end
  end)
end
local source, primes = coroutine.wrap(numbers), {}
for _ = 1, 100 do
  local prime = source()
  primes[#primes + 1] = prime
  source = sieve(source, prime)
end
print(primes[100])

local failing = coroutine.create(function() coroutine.yield(1); error("inside") end)
print(coroutine.resume(failing))
print(coroutine.resume(failing))
print(coroutine.status(failing), coroutine.resume(failing))
-- Yields across pcall.
local across = coroutine.wrap(function()
  local fine, result = pcall(function() return coroutine.yield("out") + 1 end)
  coroutine.yield(tostring(fine) .. result)
end)
print(across(), across(41))
error("at the end")
