# Turns `wc-preload --help` into the OPTIONS section of wc-preload(1), so that the two cannot disagree.
# In the help a heading stands at the margin and ends with a colon; options are indented, and their
# description begins two spaces behind them. (mawk knows no {n,m}: repetitions are spelled out.)
function quoted(text) {
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  if (text ~ /^[.']/) text = "\\&" text
  return text
}

/^(Examples|Exit status|Not yet available)/ { wanted = 0 }
/^[A-Z][^:]*:$/ && !/^(Examples|Exit status|Not yet available)/ {
  wanted = 1
  sub(/:$/, "")
  print ".SS " quoted($0)
  next
}
!wanted || /^ *$/ { next }
/^ +-/ {
  sub(/^ +/, "")
  description = ""
  if (match($0, /   */)) {
    description = substr($0, RSTART + RLENGTH)
    $0 = substr($0, 1, RSTART - 1)
  }
  print ".TP"
  print ".B " quoted($0)
  if (description != "") print quoted(description)
  next
}
{
  sub(/^ +/, "")
  print quoted($0)
}
