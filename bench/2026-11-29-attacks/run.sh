#!/usr/bin/env bash
# Plays the attacks of the review on the rules and programs of commit 6f1cecb, where they succeed, then runs the tests of the rules and programs as
# they are now, and prints a table: run.sh FOLDER_FOR_OUTPUT [PART...], parts being rules, ledger, transport, rpc, processes, trap, thief and new; all
# of them by default.
#
# The old commit is taken into a worktree in the system's folder for what is temporary. CARGO_TARGET_DIR may name a folder with what was
# built before; the old commit is built in a folder beside it, since cargo takes crates of another tree for its own. CARGO
# may name a program to be called instead of cargo.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:?a folder for the output}
shift
parts=("$@")
((${#parts[@]})) || parts=(rules ledger transport rpc processes trap thief new)
old_commit=6f1cecb
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-$root/target}
mkdir -p "$out"
out=$(cd "$out" && pwd)

# Runs the tests of a package whose names contain one of the filters, one after the other.
tests() {
  local package=$1
  shift
  "$cargo" test --release -p "$package" --no-fail-fast -- --show-output --test-threads 1 "$@" 2>&1 || true
}

# Takes the old commit into a folder of its own, once.
tree=""
old_tree() {
  [[ -z $tree ]] || return 0
  tree=$(mktemp -d)/old
  git -C "$root" worktree add --quiet --detach "$tree" "$old_commit"
  trap 'git -C "$root" worktree remove --force "$tree"' EXIT
  cp "$here/rules.rs" "$tree/crates/training-run/tests/attacks.rs"
  for pair in ledger:execution transport:transport rpc:rpc processes:cli; do
    cp "$here/${pair%%:*}.rs" "$tree/crates/${pair#*:}/tests/it/attacks.rs"
    echo 'mod attacks;' >>"$tree/crates/${pair#*:}/tests/it/main.rs"
  done
  echo 'ed25519-dalek.workspace = true' >>"$tree/crates/execution/Cargo.toml"
}

old() {
  local part=$1 package=$1
  case $part in
    rules) package=training-run ;;
    ledger) package=execution ;;
    processes | trap | thief) package=gleaner ;;
  esac
  old_tree
  (
    cd "$tree"
    export CARGO_TARGET_DIR=$target-before
    if [[ -f $here/$part.patch ]]; then
      cp "$here/$part.rs" crates/cli/tests/it/attacks.rs
      git apply "$here/$part.patch"
    fi
    tests "$package" a01_ a02_ a03_ a04_ a05_ a06_ a07_ a08_ a09_ a10_ a11_ a12_ a13_ a14_
    if [[ -f $here/$part.patch ]]; then
      git apply --reverse "$here/$part.patch"
    fi
  ) | sed -e "s|$tree|OLD|g" -e "s|$target|TARGET|g" >"$out/old-$part.txt"
}

# Names the package of a test of today's.
package_of() {
  case $1 in
    attacks::* | sizes::*) echo training-run ;;
    run_sizes::*) echo execution ;;
    tests::*) echo native-modules ;;
    terms::*) echo worker ;;
    shares::*) echo transport ;;
    seeds::*) echo simulation ;;
    bounds::*) echo rpc ;;
    *) echo gleaner ;;
  esac
}

new() {
  local name package
  declare -A names
  while read -r name; do
    names[$(package_of "$name")]+=" $name"
  done < <(awk -F'|' '$4 != "" { print $4 }' "$here/rows.txt" | sort -u)
  (
    cd "$root"
    echo "commit $(git rev-parse --short HEAD)"
    for package in "${!names[@]}"; do
      # shellcheck disable=SC2086
      tests "$package" ${names[$package]}
    done
  ) | sed -e "s|$root|NEW|g" -e "s|$target|TARGET|g" >"$out/new.txt"
}

# Says how a test ended, by the output in a file.
verdict() {
  awk -v name="$2" '
    $1 == "test" {
      found = $2
      sub(/^attacks::/, "", found)
      if (found == name || $2 == name) print $NF
    }' "$1" 2>/dev/null | tail -1
}

table() {
  echo "| row | attack | on $old_commit: the attack succeeds | now: the attack fails |"
  echo "| --- | --- | --- | --- |"
  local row what old_name new_name before after
  while IFS='|' read -r row what old_name new_name; do
    before="not shown" after="not shown"
    if [[ -n $old_name ]]; then
      before=$(verdict "$out/old-${old_name%%::*}.txt" "${old_name#*::}")
      before="${old_name#*::}: ${before:-did not run}"
    fi
    if [[ -n $new_name ]]; then
      after=$(verdict "$out/new.txt" "$new_name")
      after="$new_name: ${after:-did not run}"
    fi
    echo "| $row | $what | $before | $after |"
  done <"$here/rows.txt"
}

for part in "${parts[@]}"; do
  if [[ $part == new ]]; then new; else old "$part"; fi
done
table | tee "$out/table.md"
