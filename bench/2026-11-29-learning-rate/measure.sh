#!/usr/bin/env bash
# Measures learning rates and what goes with them with the simulate example: four workers, one process, the code that a run uses.
#   bench/2026-11-29-learning-rate/measure.sh TEXT > results.txt
# Each line is the setting, then what simulate printed. When it was run, the default was learning_rate=0.003.
set -euo pipefail
text=$1
simulate=${SIMULATE:-target/release/examples/simulate} # cargo build --release -p verification --example simulate

bytes() { for _ in {1..32}; do printf '%02x' "$1"; done; }
run() { # name, seed, settings
  local name=$1 seed=$2 size=()
  shift 2
  [[ $name == tiny ]] && size=(layers=2 width=64 hidden=176)
  printf '%s seed=%s %s :: ' "$name" "${seed:0:4}" "$*"
  "$simulate" "$text" "seed=\"$seed\"" "${size[@]}" "$@"
}
all_seeds() { # name, settings
  local name=$1
  shift
  for seed in 7 8 9; do run "$name" "$(bytes $seed)" "$@"; done
}

fewer_warm='warmup_rounds=1 warmup_steps=15 steps_per_round=15' # 360 steps too
for rate in 0.003 0.005 0.002 0.0015 0.008; do all_seeds tiny learning_rate=$rate; done
all_seeds tiny outer_learning_rate=1.0 outer_momentum=0.8
all_seeds tiny outer_learning_rate=0.8 outer_momentum=0.85
all_seeds tiny outer_learning_rate=1.0 outer_momentum=0.7
all_seeds tiny learning_rate=0.005 outer_learning_rate=1.0 outer_momentum=0.8
all_seeds tiny outer_learning_rate=0.9 outer_momentum=0.9
all_seeds tiny learning_rate_floor=0.02
all_seeds tiny ramp_steps=1
all_seeds tiny ramp_steps=6
# shellcheck disable=SC2086
for rate in 0.003 0.002 0.0015; do all_seeds tiny learning_rate=$rate $fewer_warm; done
demo=01$(bytes 0 | cut -c 3-) # the seed of gleaner demo
for rate in 0.002 0.0015; do run small "$demo" learning_rate=$rate; done
run small "$(bytes 7)" learning_rate=0.002
for rate in 0.002 0.003; do run small "$(bytes 8)" learning_rate=$rate; done
