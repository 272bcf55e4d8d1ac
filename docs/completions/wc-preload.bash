# bash completion for wc-preload. Options, their values and all names are asked of the command itself, so
# they are those of the version that is installed.

# "OPTION ARGUMENT VALUE...", a line each: what --help says. ARGUMENT is "-" where there is none.
_wc_preload_options() {
  "$1" --help 2>/dev/null | awk '
    /^Not yet available/ { exit }
    /^  (    )?-/ {
      sub(/^ +/, "")
      description = ""
      if (match($0, /   */)) { description = substr($0, RSTART + RLENGTH); $0 = substr($0, 1, RSTART - 1) }
      values = ""
      if (match(description, /^[a-z]+( [|] [a-z]+)+/)) values = substr(description, 1, RLENGTH)
      gsub(/ [|]/, "", values)
      argument = match($0, / [A-Z]+$/) ? substr($0, RSTART + 1) : "-"
      count = split($0, words, /[ ,=[]+/)
      for (i = 1; i <= count; i++) if (words[i] ~ /^-/) print words[i], argument, values
    }'
}

# The last name of a comma-separated list; names stand first on the lines of standard input.
_wc_preload_list() {
  local before='' last=$cur name
  case $cur in *,*) before=${cur%,*}, last=${cur##*,} ;; esac
  case $last in !*) before+=! last=${last#!} ;; esac
  while read -r name; do
    [[ $name != "$last"* ]] || COMPREPLY+=("$before$name")
  done
  compopt -o nospace 2>/dev/null
}

# Values that --help tells in words.
_wc_preload_choices() {
  case $1 in
    -E | --engine) echo auto ptrace inproc bpf ;;
    --scope) echo functions main process ;;
    --overflow) echo wait drop ;;
    --frames) echo native python auto ;;
    --status) echo successful failed unfinished all none ;;
    -q | --quiet) echo attach exit signal all none ;;
    -y | --decode-fds) echo path socket all none ;;
    -t | --absolute-timestamps) echo none time unix s us ;;
    --explore) echo all EACCES EAGAIN EINTR EIO EMFILE ENOENT ENOMEM ENOSPC EPERM ;;
    -r | --relative-timestamps | -T | --syscall-times) echo us ;;
  esac
}

_wc_preload_classes() { # _wc_preload_classes TOOL @|%
  "$1" --list-classes 2>/dev/null | awk -v sign="$2" 'substr($1, 1, 1) == sign { print $1 }'
}

_wc_preload_value() { # _wc_preload_value TOOL OPTION VALUE...
  local tool=$1 option=$2
  shift 2
  case $option in
    -F | --functions | --list-functions)
      _wc_preload_list < <("$tool" --list-functions 2>/dev/null | awk '{ print $1 }'
        _wc_preload_classes "$tool" @; echo scope:) ;;
    -e | --syscalls | --list-syscalls)
      _wc_preload_list < <("$tool" --list-syscalls 2>/dev/null | awk '{ print $2 }'
        _wc_preload_classes "$tool" %) ;;
    --status | -q | --quiet | -y | --decode-fds | --explore)
      _wc_preload_list < <(_wc_preload_choices "$option" | tr ' ' '\n') ;;
    --signals)
      _wc_preload_list < <(printf '%s\n' all none; compgen -A signal SIG | grep -v SIGJUNK) ;;
    -u | --user) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
    -b | --backend) mapfile -t COMPREPLY < <(compgen -W "text json summary folded policy ledger sqlite perfetto speedscope html otlp lua raw none" -- "$cur"; compgen -f -- "$cur") ;;
    --expect) mapfile -t COMPREPLY < <(compgen -W "errors: bytes: time: max: calls:" -- "$cur"
      compgen -P @ -f -- "${cur#@}") ;;
    -p | --attach) mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$cur") ;;
    *)
      # shellcheck disable=SC2046  # a list of words
      [[ $# -gt 0 ]] || set -- $(_wc_preload_choices "$option")
      if [[ $# -gt 0 ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$*" -- "$cur")
      else
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      fi ;;
  esac
}

_wc_preload() {
  local tool=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} option argument values at word
  local -A arguments=() choices=()
  COMPREPLY=()
  while read -r option argument values; do
    arguments[$option]=$argument choices[$option]=$values
  done < <(_wc_preload_options "$tool")
  arguments[--list-functions]=LIST arguments[--list-syscalls]=LIST

  # Forward over the options; from the program on, its own completion. readline cuts --option=value into
  # three words.
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=${COMP_WORDS[at]}
    if [[ $word == -- ]]; then
      ((at++))
      break
    elif [[ $word == serve && $at == 1 ]]; then
      continue
    elif [[ $word != -* ]]; then
      break
    fi
    option=$word
    if [[ ${COMP_WORDS[at + 1]-} == = ]]; then
      ((at += 2))
      [[ ${COMP_WORDS[COMP_CWORD]} != = ]] || cur=''
    elif [[ ${arguments[$word]--} != - ]]; then
      ((at++))
    else
      continue
    fi
    if ((at >= COMP_CWORD)); then
      # shellcheck disable=SC2086  # a list of words
      _wc_preload_value "$tool" "$option" ${choices[$option]-}
      return
    fi
  done

  if ((at < COMP_CWORD)) && declare -F _command_offset >/dev/null; then
    _command_offset "$at"
  elif ((at < COMP_CWORD)); then
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  elif [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "${!arguments[*]}" -- "$cur"
      ((COMP_CWORD > 1)) || compgen -W "--build --yes" -- "$cur")
  else
    mapfile -t COMPREPLY < <(((COMP_CWORD > 1)) || compgen -W serve -- "$cur"
      compgen -c -- "$cur"; compgen -f -- "$cur")
  fi
}
complete -o filenames -F _wc_preload wc-preload
