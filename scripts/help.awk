# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Print the targets and variables that makefiles document: `## Title` starts a
# group, `target: … ## text` is a target, `#: NAME=value  text` a variable.

/^## / { title = substr($0, 4); next }
/^[a-z][a-z0-9-]*:.*## / {
	if (title != "") {
		printf "\n%s\n", title
		title = ""
	}
	name = $0
	sub(/:.*/, "", name)
	text = $0
	sub(/.*## /, "", text)
	printf "  make %-18s %s\n", name, text
}
/^#: / {
	text = substr($0, 4)
	name = text
	sub(/  .*/, "", name)
	sub(/^[^ ]+( [^ ]+)*  +/, "", text)
	vars = vars sprintf("  %-23s %s\n", name, text)
}
END { printf "\nVariables\n%s", vars }
