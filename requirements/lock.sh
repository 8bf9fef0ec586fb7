#!/bin/sh
# Writes the lock files from the ranges in pyproject.toml: exact versions, hashes, no index addresses.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
lock() {
  "$uv" pip compile --quiet --universal --generate-hashes --python-version 3.11 \
    --no-strip-extras --no-emit-index-url --no-emit-find-links --no-annotate --no-header "$@"
}
compile() {
  lock pyproject.toml "$@"
}
everything="--extra serve --extra redis --extra postgres --extra sqlite --extra sentry --extra otlp"
compile --output-file requirements/core.txt
compile --extra serve --output-file requirements/serve.txt
# shellcheck disable=SC2086  # a list of flags
compile $everything --group dev --output-file requirements/dev.txt
# shellcheck disable=SC2086
compile $everything --resolution lowest-direct --output-file requirements/lowest.txt
# the model of an example, in an environment of its own and without what its packages want for other uses
lock --no-deps examples/embeddings/requirements.in --output-file examples/embeddings/requirements.txt
