-- All that happens to one file, through whatever descriptor it is open.
--
--   wc-preload -b ./examples/lua/watch_fd.lua:path=/etc/passwd sort /etc/passwd
--
-- Each line: seconds since the first one, process, function, system call. The descriptor is known
-- from the call that has opened it until the one that closes it; dup(2) and its kin are followed.

local path, first
local open_in = {}  -- by process: set of descriptors
local duplicates = { dup = true, dup2 = true, dup3 = true }

function open(options) path = options.path or error("option path=FILE is needed", 0) end

local function descriptors(pid)
  open_in[pid] = open_in[pid] or {}
  return open_in[pid]
end

function syscall_exit(e)
  local fds = descriptors(e.pid)
  local argument = e.args[1]
  local concerns = fds[argument] or e.fd_path == path or e.path == path
  if e.name == "dup2" or e.name == "dup3" then
    if fds[e.args[2]] and not e.error then concerns, fds[e.args[2]] = true, nil end
  end
  if not concerns then return end
  first = first or e.ts
  write(string.format("%9.6f %d %s: %s\n", (e.ts - first) / 1e9, e.pid, e["function"] or "-", e.text))
  if e.error then return end
  if e.path == path and e.name:find("^open") then fds[e.ret] = true end
  if duplicates[e.name] and fds[argument] then fds[e.ret] = true end
  if e.name == "fcntl" and fds[argument] and e.text:find("F_DUPFD", 1, true) then fds[e.ret] = true end
  if e.name == "close" then fds[argument] = nil end
end

function process(e)
  if e.event == "fork" and not e.thread then
    local copy = {}
    for fd in pairs(descriptors(e.pid)) do copy[fd] = true end
    open_in[e.child] = copy
  elseif e.event == "exit" and not e.thread then
    open_in[e.pid] = nil
  end
end
