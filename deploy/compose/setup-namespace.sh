#!/bin/sh
# Makes the namespace with its retention, and the search attributes that the
# workflows set. Run again, it sets the retention to what it is now.
set -eu

: "${TEMPORAL_ADDRESS:?}" "${TEMPORAL_NAMESPACE:?}" "${TEMPORAL_RETENTION:?}"

# Runs a command again, each second for two minutes, until it does what it has to:
# the server's port is open before the server serves, and a new namespace gets
# about in it within seconds. What the last attempt says is shown.
persist() {
  attempts=120
  while ! said=$("$@" 2>&1); do
    attempts=$((attempts - 1))
    if [ "$attempts" -eq 0 ]; then
      printf '%s\n' "$said" >&2
      return 1
    fi
    sleep 1
  done
}

persist temporal operator cluster health
# These commands alone take no namespace from the environment.
if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "$TEMPORAL_RETENTION"
else
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$TEMPORAL_RETENTION"
fi

# One a call: the CLI takes several names and makes only the first of a type.
# Those that are there already are left as they are.
query=
for attribute in \
  RefundsyncFlow:Keyword RefundsyncShop:Keyword RefundsyncReason:Keyword RefundsyncOutcome:Keyword \
  RefundsyncSaved:Int RefundsyncParked:Int RefundsyncWatermark:Datetime; do
  name=${attribute%:*}
  persist temporal operator search-attribute create --name "$name" --type "${attribute#*:}"
  query="${query:+$query AND }$name IS NULL"
done
# They too get about within seconds.
persist temporal workflow count --query "$query"
echo '命名空间已就绪。 The namespace is ready.'
