#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each header of the core compiles alone, and twice in a row. Usage: core-headers.sh SRC COMPILER...
set -eu

src=$1
shift
count=0

for header in "$src"/core/*.h; do
    name=core/${header##*/}
    printf '#include "%s"\n#include "%s"\nint main(void)\n{\n\treturn 0;\n}\n' "$name" "$name" |
        "$@" -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wundef -Wstrict-prototypes -Werror \
            -I "$src" -fsyntax-only -x c - || {
        echo "$name does not compile alone" >&2
        exit 1
    }
    count=$((count + 1))
done

echo "$count headers"
[ "$count" -ge 5 ]
