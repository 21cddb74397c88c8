-- Sorting, strings, closures, metatables: what most scripts are made of.
local words = {}
for word in ("the quick brown fox jumps over the lazy dog and the cat"):gmatch("%a+") do
  words[#words + 1] = word
end
table.sort(words)
print(table.concat(words, " "))

local numbers, state = {}, 42
for i = 1, 20000 do
  state = (state * 1103515245 + 12345) % 2147483648
  numbers[i] = state
end
table.sort(numbers, function(a, b) return a > b end)
local ordered = true
for i = 2, #numbers do ordered = ordered and numbers[i - 1] >= numbers[i] end
print(#numbers, numbers[1], numbers[#numbers], ordered)

print(("%5.2f|%-8s|%08x|%q"):format(3.14159, "left", 48879, 'a "quoted"\nline'))
print(("hello world"):gsub("o", "0"), ("x=1, y=2"):gsub("(%w+)=(%w+)", "%2=%1"))
print(string.pack("<i4", 100):byte(1, -1))
print(7 // 2, 7 % -3, 2 ^ 53, 1 << 62, math.maxinteger + 1 == math.mininteger, 10 / 3)
print(utf8.char(8364, 228), utf8.len("€ä"), #"€ä")

local Account = {}
Account.__index = Account
Account.__add = function(a, b) return Account.new(a.balance + b.balance) end
Account.__tostring = function(a) return "account of " .. a.balance end
Account.__close = function(a) print("closed", a) end
function Account.new(balance) return setmetatable({balance = balance}, Account) end
do
  local both <close> = Account.new(10) + Account.new(32)
  print(both)
end

local trash = {}
for i = 1, 200000 do trash[i % 100] = {i, tostring(i)} end
collectgarbage()
print(collectgarbage("count") < 10000)
