# Turns the tables of docs/configuration.md into the CONFIGURATION FILE section of wc-preload(1).
function quoted(text) {
  gsub(/`/, "", text)
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  gsub(/^ +| +$/, "", text)
  if (text ~ /^[.']/) text = "\\&" text
  return text
}

/^## \[/ {
  sub(/^## /, "")
  print ".SS " quoted($0)
  next
}
/^\| `/ {
  split($0, cells, /\|/)
  print ".TP"
  print ".B " quoted(cells[5])
  print quoted(cells[3]) (cells[4] ~ /`/ ? " (default " quoted(cells[4]) ")" : "")
}
