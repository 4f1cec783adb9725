#!/usr/bin/env bash
# The ablation of one-bit attention on MNIST: a float network (FP), then from its checkpoint, all for the same additional epochs: FP again (the control), signs alone, + scale, + relative bias,
# + distillation from FP, + 8-bit probabilities and values. Three seeds each, about an hour on two cores for one head dimension.
# Run it again after an interruption: finished runs are skipped, others continue where they stopped, to the same bits.
#
#   MNIST=folder-with-train-images-idx3-ubyte.gz  benchmarks/training/run-ablation.sh
#   HEADS=2 ...    heads of 64 channels in place of four of 32
#   RUNS=folder    where runs go (artifacts/ablation)      SEEDS=1,2,3      BINATTN=command      EPOCHS=32 TUNING=6
set -euo pipefail
cd "$(dirname "$0")/../.."
mnist=$(cd "${MNIST:?Set MNIST to the folder with train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz.}" && pwd)
heads=${HEADS:-4}
channels=$((128 / heads))
seeds=${SEEDS:-1,2,3}
tuning=${TUNING:-6}
binattn=${BINATTN:-./binattn}
mkdir -p "${RUNS:-artifacts/ablation}/d$channels"
runs=$(cd "${RUNS:-artifacts/ablation}/d$channels" && pwd)
results=benchmarks/training/results
mkdir -p "$results"

train() { # name, seed, changes ...
    local name=$1 seed=$2
    shift 2
    local changes=()
    for change in "$@"; do changes+=(--set "$change"); done
    echo "$name, seed $seed" >&2
    "$binattn" train --config benchmarks/training/mnist/base.json --resume --json -o "$runs/$name/seed-$seed" \
        --set "data.images=$mnist/train-images-idx3-ubyte.gz" --set "data.labels=$mnist/train-labels-idx1-ubyte.gz" \
        --set "model.heads=$heads" --set "seed=$seed" "${changes[@]}" > "$runs/last.json"
}

tune() { # name, seed, changes ...: from the checkpoint of the same seed's float network
    local name=$1 seed=$2
    shift 2
    train "$name" "$seed" "model.checkpoint=$runs/fp/seed-$seed/model.safetensors" "epochs=$tuning" \
        optimizer.learningRate=5e-4 schedule.warmUpEpochs=0.5 "$@"
}

for seed in ${seeds//,/ }; do
    binary=(attention.kind=binary)
    teacher=("loss.teacher=$runs/fp/seed-$seed/model.safetensors" "loss.teacherHeads=$heads" loss.distillation=soft loss.distillationShare=0.5 loss.temperature=2)
    train fp "$seed" "epochs=${EPOCHS:-32}"
    tune fp-control "$seed"
    tune sign "$seed" "${binary[@]}" attention.weighting=none
    tune sign-scale "$seed" "${binary[@]}"
    tune sign-scale-bias "$seed" "${binary[@]}" attention.bias=relative
    tune sign-scale-bias-distillation "$seed" "${binary[@]}" attention.bias=relative "${teacher[@]}"
    tune sign-scale-bias-distillation-8bit "$seed" "${binary[@]}" attention.bias=relative "${teacher[@]}" attention.quantization=tiled
done

groups=()
for name in fp-control fp sign sign-scale sign-scale-bias sign-scale-bias-distillation sign-scale-bias-distillation-8bit; do groups+=("$runs/$name"); done
"$binattn" report --compare "${groups[@]}" --json > "$runs/table.jsonl"
if [[ ${EPOCHS:-32} == 32 && $tuning == 6 && $(grep -c '"seeds": *3[,}]' "$runs/table.jsonl") == "${#groups[@]}" ]]; then
    cp "$runs/table.jsonl" "$results/mnist-d$channels.jsonl"
else
    echo "The table is in $runs/table.jsonl; the one in $results is of three seeds and the usual epochs, and stays as it is." >&2
fi
"$binattn" report --compare "${groups[@]}"
