-- From where are library functions called, and how often? One line a call site.
--
--   wc-preload -b ./examples/lua/count_by_caller.lua -F malloc,free -a ./prog
--
-- With -a also calls that make no system call.

local counts = {}

local function place(caller)
  if not caller then return "?" end
  if caller.file then return string.format("%s (%s:%d)", caller.symbol or "?", caller.file, caller.line or 0) end
  if caller.symbol then return string.format("%s+0x%x in %s", caller.symbol, caller.offset, caller.object) end
  return string.format("%s+0x%x", caller.object or "?", caller.offset)
end

function call(e)
  local key = e["function"] .. " from " .. place(e.caller)
  counts[key] = (counts[key] or 0) + (e.weight or 1)
end

function close()
  local keys = {}
  for key in pairs(counts) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
  end)
  for _, key in ipairs(keys) do write(string.format("%8d %s\n", counts[key], quote(key))) end
end
