-- Which files does the program wait for? One line a path: system calls, their time, the slowest.
--
--   wc-preload -b ./examples/lua/latency_by_path.lua ls -l
--   wc-preload -b ./examples/lua/latency_by_path.lua:top=5 ls -l
--
-- A path is what a system call was given, or what its first descriptor is.

local top = 20
local paths = {}

function open(options)
  if options.top then
    top = math.tointeger(options.top) or error("option top takes a number, not " .. options.top, 0)
  end
end

function syscall_exit(e)
  local path = e.path or e.fd_path
  if not path then return end
  local row = paths[path]
  if not row then
    row = { path = path, calls = 0, total = 0, slowest = 0 }
    paths[path] = row
  end
  row.calls = row.calls + 1
  row.total = row.total + e.dur
  row.slowest = math.max(row.slowest, e.dur)
end

function close()
  local rows = {}
  for _, row in pairs(paths) do rows[#rows + 1] = row end
  table.sort(rows, function(a, b)
    if a.total ~= b.total then return a.total > b.total end
    return a.path < b.path
  end)
  write("   calls   total us  slowest us  path\n")
  for i = 1, math.min(top, #rows) do
    local row = rows[i]
    write(string.format("%8d %10.1f %11.1f  %s\n", row.calls, row.total / 1e3, row.slowest / 1e3, quote(row.path)))
  end
  if #rows > top then write(string.format("and %d more paths (option top)\n", #rows - top)) end
end
