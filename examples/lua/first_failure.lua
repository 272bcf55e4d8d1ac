-- The first system call that fails, with the stack that led to it; then nothing more.
--
--   wc-preload -b ./examples/lua/first_failure.lua ls /nonexistent
--   wc-preload -b ./examples/lua/first_failure.lua:error=EACCES ./prog
--
-- Naming e.stack is enough: the tracer unwinds the stack, -k is not needed.

local wanted, found

function open(options) wanted = options.error end

local function describe(frame)
  local name = frame.symbol or string.format("0x%x", frame.offset or 0)
  local where = frame.file and string.format("%s:%d", frame.file, frame.line or 0) or frame.object
  return where and name .. " in " .. where or name
end

function syscall_exit(e)
  if found or not e.error or (wanted and e.error ~= wanted) then return end
  found = true
  local within = e["function"] and " in " .. e["function"] or ""
  write("first failure" .. within .. ": " .. e.text .. "\n")
  for depth, frame in ipairs(e.stack or {}) do
    write(string.format("  #%-2d %s\n", depth - 1, quote(describe(frame))))
  end
end

function close()
  if not found then write(wanted and "no call has failed with " .. wanted .. "\n" or "no call has failed\n") end
end
