#!/usr/bin/env bash
# Prints what CHANGELOG.md says of a version: .github/changelog_section.sh 0.1.0
# A version without a section, or whose section still says that it is not released, stops a release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

heading="$(grep -F "## [$1]" CHANGELOG.md || true)"
[[ -n $heading ]] || { echo "CHANGELOG.md has no section [$1]" >&2; exit 1; }
[[ $heading =~ ^##\ \[[^]]+\]\ -\ [0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] || { echo "CHANGELOG.md: [$1] has no date: $heading" >&2; exit 1; }
awk -v begin="$heading" '$0 == begin { inside = 1; next } inside && /^## \[/ { exit } inside' CHANGELOG.md
