#!/usr/bin/env bash
# From recordings to a policy, in the simulated cell; docs/from_bag_to_policy.md explains each step.
# Called again it goes on where it was: what is there is not made again. Change by variables, for example
#   EPISODES=10 TASKS=reach_target OUT=runs/first docs/from_bag_to_policy.sh
set -euo pipefail

EPISODES=${EPISODES:-50}          # demonstrations, over all tasks
TASKS=${TASKS:-lift_block}        # names separated by commas
SEED=${SEED:-500000}              # of the first one; evaluation uses seeds below 100000
OUT=${OUT:-out/from_bags}
BAGS=${BAGS:-}                    # your own recordings instead (action-images record, ros2 bag record)
CONVERT=${CONVERT:-}              # options for them, such as "--robot franka --cameras left,right"
RECIPE=${RECIPE:-config/training/finetune.yaml}
INIT=${INIT:-models/nano}         # weights to start from
SIZE=${SIZE:-96x96}               # image_size of the recipe
TRIALS=${TRIALS:-20}              # episodes per task of the evaluation
LIMIT=${LIMIT:-15}                # simulated seconds per episode
WORKERS=${WORKERS:-$(nproc)}
THREADS=${THREADS:-$(nproc)}

step() { echo; echo "== $*"; }
mkdir -p "$OUT"

if [ -z "$BAGS" ]; then
    BAGS=$OUT/bags
    step "1. $EPISODES demonstrations of $TASKS, recorded as bags in $BAGS"
    if [ ! -d "$BAGS" ]; then
        action-images collect "$OUT/demonstrations" --tasks "$TASKS" --episodes "$EPISODES" --seed "$SEED" \
            --size "${SIZE%%x*}" --workers "$WORKERS"
        action-images convert "$OUT/demonstrations" "$BAGS" --to rosbag2
    fi
fi

step "2. the bags become a data set in $OUT/data"
# shellcheck disable=SC2086  (CONVERT is a list of options)
[ -d "$OUT/data" ] || action-images convert "$BAGS" "$OUT/data" --size "$SIZE" $CONVERT

step "3. $INIT is fine-tuned on it by $RECIPE"
if [ ! -f "$OUT/run/finished" ]; then
    if [ -f "$OUT/run/checkpoint.pt" ]; then from=(--resume); else from=(--init "$INIT"); fi
    action-images train "$RECIPE" --data "$OUT/data" --out "$OUT/run" --threads "$THREADS" "${from[@]}"
    touch "$OUT/run/finished"
fi

step "4. the policy runs in the cell, on seeds it never saw"
action-images evaluate --model "$OUT/run/model" --tasks "$TASKS" --episodes "$TRIALS" --time-limit "$LIMIT" \
    --threads "$THREADS" --json "$OUT/success.json"

step "done: $OUT/success.json. Live: action-images up --model $OUT/run/model --instruction 'lift the red block'"
