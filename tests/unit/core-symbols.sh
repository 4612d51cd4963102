#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The core library reads no file and no clock and allocates nothing: everything that it wants from
# outside stands in the list below. Usage: core-symbols.sh NM ARCHIVE SANITIZERS
set -eu
export LC_ALL=C

nm=$1
archive=$2
sanitizers=$3

allowed='
bcmp
memchr
memcmp
memcpy
memmove
memrchr
memset
strchr
strcmp
strlen
strncmp
snprintf
vsnprintf
__memcpy_chk
__memmove_chk
__memset_chk
__snprintf_chk
__vsnprintf_chk
__stack_chk_fail
__divti3
__udivti3
_GLOBAL_OFFSET_TABLE_
'

# What a sanitizer or a profiler adds, only in a build that asked for it. Some of the functions that
# the address sanitizer wraps are called by their plain names.
tools='^__(asan|ubsan|tsan|msan|sanitizer|llvm_profile|gcov)_|^__gcov|^__start___sancov|^__stop___sancov'

symbols=$("$nm" "$archive" | sed -n 's/^[0-9a-f ]* *\([A-Za-z]\) \([^ ]*\)$/\1 \2/p')
defined=$(printf '%s\n' "$symbols" | sed -n 's/^[^Uw] //p' | sort -u)
undefined=$(printf '%s\n' "$symbols" | sed -n 's/^[Uw] //p' | sort -u)

# A library without these is not the one that was meant.
for function in policy_step replay_run meminfo_parse process_stat_parse config_loader_parse; do
    if ! printf '%s\n' "$defined" | grep -qx "$function"; then
        echo "$archive does not define $function" >&2
        exit 1
    fi
done

outside=$({ printf '%s\n' "$defined" "$defined"; printf '%s\n' "$undefined"; } | sort | uniq -u)
[ "$sanitizers" = none ] || outside=$(printf '%s\n' "$outside" | grep -Ev "$tools" || true)

status=0
for symbol in $outside; do
    case $allowed in
    *"
$symbol
"*) ;;
    *)
        echo "core uses $symbol, which is not in the list of $0" >&2
        status=1
        ;;
    esac
done
exit $status
