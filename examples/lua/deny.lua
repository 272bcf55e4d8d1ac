-- A rule of one's own: below a folder nothing is opened for writing, made or removed.
--
--   wc-preload -b ./examples/lua/deny.lua:below=/etc ./prog
--
-- Option error=NAME: what the program is told (EACCES). The syscall is not executed. Paths are
-- compared as the program gives them: a relative one, a symbolic link and ".." get past this rule,
-- which is against mistakes, not against attackers.

local below, code
local denied = 0

-- By name: which of the arguments has the flags of open(2), or true if it always changes something.
local changing = {
  open = 2, openat = 3, creat = true, unlink = true, unlinkat = true, rename = true, renameat = true,
  renameat2 = true, mkdir = true, mkdirat = true, rmdir = true, truncate = true, symlink = true,
  symlinkat = true, link = true, linkat = true, chmod = true, fchmodat = true, chown = true,
}
local O_ACCMODE, O_CREAT, O_TRUNC = 3, 64, 512

function open(options)
  below = options.below or error("option below=FOLDER is needed", 0)
  code = options.error or "EACCES"
end

local function is_below(path)
  return path == below or path:sub(1, #below + 1) == below .. "/"
end

local function changes(e)
  local place = changing[e.name]
  if place == true or not place then return place end
  local flags = e.args[place]
  return math.type(flags) == "integer" and flags & (O_ACCMODE | O_CREAT | O_TRUNC) ~= 0
end

function syscall_enter(e)
  if not changes(e) then return end
  for path in e.text:gmatch('"(.-)"') do -- rename(2) and its kin have two; as they are printed
    if is_below(path) then
      denied = denied + 1
      write(string.format("denied: %s(%s) by %d\n", e.name, path, e.pid))
      return "fail", code
    end
  end
end

function close() write(string.format("%d denied\n", denied)) end
