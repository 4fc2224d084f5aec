#!/usr/bin/env bash
# Compare the run of this change with the run of the main branch, on the same judgements, and fail on a significant drop.
#     gate.sh NEW_RUN OLD_RUN QRELS
# NEW_RUN and OLD_RUN: TREC, TSV or JSON runs; QRELS: a TREC, TSV or JSON file, or a BEIR folder.
set -uo pipefail
new=$1 old=$2 qrels=$3
metrics=nDCG@10,R@10,MRR
bench check "$new" --against "$old" --qrels "$qrels" --metrics "$metrics" --significant --fail-on drop --format junit > gate.xml
bench check "$new" --against "$old" --qrels "$qrels" --metrics "$metrics" --significant --fail-on drop --format markdown > gate.md
status=$?
cat gate.md
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat gate.md >> "$GITHUB_STEP_SUMMARY"; fi
exit $status
