#!/usr/bin/env bash
# Plays the attacks of the review on the rules and programs of commit 6f1cecb, where they succeed, then runs the tests of the rules and programs as
# they are now, and prints a table: run.sh FOLDER_FOR_OUTPUT [old|new]
#
# The old commit is taken into a worktree in the system's folder for what is temporary. CARGO_TARGET_DIR may name a folder with what was
# built before; CARGO a program to be called instead of cargo.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:?a folder for the output}
part=${2:-both}
old_commit=6f1cecb
cargo=${CARGO:-cargo}
mkdir -p "$out"
out=$(cd "$out" && pwd)

# Runs the tests of a package whose names contain one of the filters, one after the other.
tests() {
  local package=$1
  shift
  "$cargo" test --release -p "$package" --no-fail-fast -- --show-output --test-threads 1 "$@" 2>&1 || true
}

old() {
  local tree
  tree=$(mktemp -d)/old
  git -C "$root" worktree add --quiet --detach "$tree" "$old_commit"
  # shellcheck disable=SC2064
  trap "git -C '$root' worktree remove --force '$tree'" EXIT
  cp "$here/rules.rs" "$tree/crates/training-run/tests/attacks.rs"
  cp "$here/ledger.rs" "$tree/crates/execution/tests/it/attacks.rs"
  cp "$here/transport.rs" "$tree/crates/transport/tests/it/attacks.rs"
  cp "$here/rpc.rs" "$tree/crates/rpc/tests/it/attacks.rs"
  cp "$here/processes.rs" "$tree/crates/cli/tests/it/attacks.rs"
  for crate in execution transport rpc cli; do
    echo 'mod attacks;' >>"$tree/crates/$crate/tests/it/main.rs"
  done
  echo 'ed25519-dalek.workspace = true' >>"$tree/crates/execution/Cargo.toml"
  (
    cd "$tree"
    # A worktree has no packages of its own to look for.
    for pair in rules:training-run ledger:execution transport:transport rpc:rpc processes:gleaner; do
      echo "== ${pair%%:*}"
      tests "${pair#*:}" a01_ a02_ a03_ a04_ a05_ a06_ a07_ a08_ a09_ a10_ a11_ a12_ a13_ a14_
    done
    cp "$here/thief.rs" crates/cli/tests/it/attacks.rs
    git apply "$here/thief.patch"
    echo "== thief"
    tests gleaner a06_
  ) | sed -e "s|$tree|OLD|g" >"$out/old.txt"
}

new() {
  local now
  now=$(git -C "$root" rev-parse --short HEAD)
  (
    cd "$root"
    echo "== commit $now"
    awk -F'|' '$4 != "" { print $4 }' "$here/rows.txt" | sort -u | while read -r name; do
      case $name in
        attacks::* | sizes::*) tests training-run "$name" ;;
        run_sizes::*) tests execution "$name" ;;
        tests::*) tests native-modules "$name" ;;
        terms::*) tests worker "$name" ;;
        shares::*) tests transport "$name" ;;
        bounds::*) tests rpc "$name" ;;
        *) tests gleaner "$name" ;;
      esac
    done
  ) | sed -e "s|$root|NEW|g" >"$out/new.txt"
}

# Says how a test ended in a file of output: a test's name in it has no `section::`.
verdict() {
  local file=$1 section=$2 name=$3
  awk -v section="$section" -v name="$name" '
    /^== / { current = $2 }
    $1 == "test" && (section == "" || current == section) {
      found = $2
      sub(/^attacks::/, "", found)
      if (found == name || $2 == name) print $NF
    }' "$file" | tail -1
}

table() {
  echo "| row | attack | on $old_commit: the attack succeeds | now: the attack fails |"
  echo "| --- | --- | --- | --- |"
  local row what old_name new_name before after
  while IFS='|' read -r row what old_name new_name; do
    before="not shown" after="not shown"
    if [[ -n $old_name ]]; then
      before=$(verdict "$out/old.txt" "${old_name%%::*}" "${old_name#*::}")
      before="${old_name#*::}: ${before:-did not run}"
    fi
    if [[ -n $new_name ]]; then
      after=$(verdict "$out/new.txt" "" "$new_name")
      after="$new_name: ${after:-did not run}"
    fi
    echo "| $row | $what | $before | $after |"
  done <"$here/rows.txt"
}

[[ $part == new ]] || old
[[ $part == old ]] || new
table | tee "$out/table.md"
