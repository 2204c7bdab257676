#!/usr/bin/env bash
# Measures settings of the codec with the simulate example: four workers, one process, the code that a run uses.
#   bench/2026-11-28-codec/measure.sh TEXT > results.txt
# Each line is the setting, then what simulate printed. Runs that are in results.txt are in this order.
set -euo pipefail
text=$1
simulate=${SIMULATE:-target/release/examples/simulate} # cargo build --release -p verification --example simulate
half='layers=2 width=64 hidden=176'

run() { # seed, settings
  local seed=$1 name=$2
  shift 2
  local hex
  hex=$(for _ in {1..32}; do printf '%02x' "$seed"; done)
  printf '%s seed=%s %s :: ' "$name" "$seed" "$*"
  "$simulate" "$text" "seed=\"$hex\"" "$@"
}
small() { run "$1" small "${@:2}"; }
# shellcheck disable=SC2086
tiny() { run "$1" tiny $half "${@:2}"; }
largest() { "$1" "$2" selection='"largest"' density_per_chunk="$3" bits_per_value="$4" "${@:5}"; }
drawn() { "$1" "$2" selection='"drawn"' density_per_chunk="$3" bits_per_value="$4" "${@:5}"; }

drawn small 7 512 2
for seed in 7 8 9; do
  largest tiny $seed 1024 2
  drawn tiny $seed 512 2
  largest tiny $seed 4096 2
  drawn tiny $seed 1024 1
done
for seed in 8 7 9; do
  largest small $seed 1024 2
  drawn small $seed 512 2
done
for seed in 7 8 9; do
  drawn tiny $seed 1024 2
  drawn tiny $seed 256 2
  largest tiny $seed 2048 1
  drawn tiny $seed 512 2 rounds=17 warmup_rounds=3 steps_per_round=24
  drawn tiny $seed 512 2 rounds=10 warmup_rounds=3 steps_per_round=48
done
