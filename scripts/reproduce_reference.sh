#!/usr/bin/env bash
# Train, compare and publish the eight reference configurations. Needs the Hub, an access token, and better a GPU:
#   scripts/reproduce_reference.sh YOUR-NAME [options of train and compare]
set -euo pipefail
namespace=${1:?usage: scripts/reproduce_reference.sh NAMESPACE [options of train and compare]}
shift
encoders=(bert-base distilbert tinybert)
poolings=(cls mean pooler)

# Out of five folds with three seeds: what the cards say of each configuration beside the others and beside TF-IDF.
bbc-classifier compare --folds 5 --seeds 3 --output_dir runs/reference "$@"

published=()
for encoder in "${encoders[@]}"; do
  for pooling in "${poolings[@]}"; do
    # DistilBERT has no pooler.
    [ "$encoder-$pooling" = distilbert-pooler ] && continue
    run=runs/reference-$encoder-$pooling
    bbc-classifier train --encoder "$encoder" --pooling "$pooling" "$@" --output_dir "$run" --resume_from_checkpoint
    published+=("$run")
  done
done
bbc-classifier push "${published[@]}" --namespace "$namespace" --comparison runs/reference --collection "BBC News: encoders and poolings"
