#!/bin/sh
# Makes dist/refundsync_VERSION_bundle.tar for a server without internet: all images of
# docker-compose.yml, for this machine's platform, with the files that they mount and
# the documents. docs/deployment.md says how to load it.
set -eu

version=$1
cd "$(dirname "$0")/.."
if [ -n "$(git status --porcelain)" ]; then
  echo 'The checkout has uncommitted changes; commit or stash them.' >&2
  exit 1
fi
name=refundsync_${version}_bundle
folder=dist/$name
export REFUNDSYNC_VERSION="$version" COMPOSE_PROFILES=codec,demo,production,tools
rm -rf "$folder" "$folder.tar"
mkdir -p "$folder"

docker compose pull --ignore-buildable
docker compose build worker
images=$(docker compose config --images)
images=$(printf '%s\n' "$images" | sort -u)
# shellcheck disable=SC2086 # a word each
docker save --output "$folder/images.tar" $images
gzip "$folder/images.tar"

git archive HEAD -- LICENSE README.md README.zh-CN.md CONTRIBUTING.md CHANGELOG.md docs flows deploy \
  docker-compose.yml .env.example ':(exclude)*_test.go' | tar -x -C "$folder"
# The images have these names, whatever the environment file leaves open.
registry=$(printf '%s\n' "$images" | sed -n 's|/library/postgres:.*||p')
sed -e "s|REFUNDSYNC_VERSION:-local|REFUNDSYNC_VERSION:-$version|" -e "s|REGISTRY:-docker.io|REGISTRY:-$registry|" \
  docker-compose.yml > "$folder/docker-compose.yml"

tar -c -f "$folder.tar" -C dist "$name"
rm -r "$folder"
echo "$folder.tar"
