#!/usr/bin/env bash
# Flows of oidc-agent, which keeps tokens for the programs of a user, as Debian packages it.
#
#   oidc-agent/flows.sh FLOW ISSUER
set -euo pipefail

flow=$1
issuer=$2
folder=$(mktemp -d)
export HOME=$folder OIDC_CONFIG_DIR=$folder/accounts OIDC_SOCK=$folder/agent OIDC_ENCRYPTION_PW=password
mkdir "$OIDC_CONFIG_DIR"
agent=
generation=
trap 'kill $agent $generation 2>/dev/null || true; rm -rf "$folder"' EXIT

ok() { echo "ok: $*"; }
fail() { echo "wrong: $*" >&2; exit 1; }
same() { [ "$1" = "$2" ] || fail "$3: $1, expected $2"; }
post() { curl --silent --show-error --fail --max-time 10 --cacert "$SSL_CERT_FILE" -X POST "$issuer$1" "${@:2}"; }
user() { "$NODE" "$USER_PROGRAM" "$@"; }

# Waits until the command succeeds.
await() {
  local i
  for i in {1..300}; do
    ! "$@" >/dev/null 2>&1 || return 0
    sleep 0.1
  done
  echo "waited in vain: $*" >&2
  return 1
}

start_agent() {
  oidc-agent --console --socket-path="$OIDC_SOCK" --no-autoreauthenticate --quiet >"$folder/agent.log" 2>&1 &
  agent=$!
  await [ -S "$OIDC_SOCK" ]
}

# The tokens in memory are lost, and the account is read from its encrypted file.
restart_agent() {
  kill "$agent"
  wait "$agent" || true
  rm -f "$OIDC_SOCK"
  start_agent
  oidc-add --pw-env account >/dev/null
}

# Begins an account, with the other options. The user has to act before it is saved.
generate() {
  oidc-gen account --manual --iss="$issuer" --client-id=agent --client-secret=agent-secret --cp="$SSL_CERT_FILE" \
    --scope="openid profile offline_access read" --pw-env --prompt=none --no-url-call --confirm-default --no-scheme \
    "$@" >"$folder/generation.log" 2>&1 &
  generation=$!
}

# Prints the text of the log that matches, when it is there.
printed() {
  await grep -oE "$1" "$folder/generation.log" || { cat "$folder/generation.log" "$folder/agent.log" >&2; return 1; }
  grep -oE "$1" "$folder/generation.log" | head -n 1
}

finish_generation() {
  wait "$generation" || { cat "$folder/generation.log" "$folder/agent.log"; fail "no account"; }
  generation=
  [ -s "$OIDC_CONFIG_DIR/account" ] || fail "the account is not saved"
}

token() { oidc-token "$@" account; }

# An access token that is longer valid than any: the agent has to refresh.
new_token() { token --time=4000 "$@"; }

keep() {
  local first second scope
  first=$(token)
  same "$(token)" "$first" "the token in memory"
  second=$(new_token)
  [ "$second" != "$first" ] || fail "no refresh"
  ok "the agent refreshes"

  post /proxy/refreshes >/dev/null
  post /proxy/lose >/dev/null
  if second=$(new_token 2>"$folder/lost.log"); then
    fail "a token, though the response was lost"
  fi
  second=$(new_token)
  # Both requests and both answers are the same.
  "$NODE" -e '
    const assert = require("node:assert")
    const [lost, repeated, ...more] = JSON.parse(require("node:fs").readFileSync(0))
    assert.deepEqual([repeated, more, lost.status, lost.received.access_token], [lost, [], 200, process.argv[1]])
  ' "$second" < <(post /proxy/refreshes)
  ok "a refresh whose response was lost is repeated with the same answer"

  scope=$(post /oauth2/introspect -u api:api-secret -d "token=$(token --scope=read)" | grep -o '"scope":"[^"]*"')
  same "$scope" '"scope":"read"' "the scope of a narrowed token"
  ok "a program gets an access token with less"

  restart_agent
  first=$(new_token)
  restart_agent
  second=$(new_token)
  [ "$second" != "$first" ] || fail "no refresh"
  ok "the rotated refresh token is found again after two restarts"

  oidc-gen --delete account --pw-env --confirm-yes >/dev/null 2>"$folder/delete.log" ||
    { cat "$folder/delete.log"; fail "the account is not deleted"; }
  same "$(post /oauth2/introspect -u api:api-secret -d "token=$second")" '{"active":false}' introspection
  ok "the deletion of the account revokes"
}

eight_programs() {
  local i pids=()
  for i in {1..8}; do
    new_token >"$folder/token.$i" &
    pids+=($!)
  done
  for i in "${pids[@]}"; do wait "$i" || fail "a program gets no token"; done
  ok "eight programs at once get tokens"
}

device() {
  start_agent
  generate --flow=device
  local uri code
  code=$(printed '\b[A-Z0-9]{4}-[A-Z0-9]{4}\b')
  uri=$(printed 'https://[^ ]*/device/user')
  user allow-device "$uri" "$code"
  # The agent waits for the interval before it asks; the clock of the server stands still.
  post /dev/clock -d advance=10s >/dev/null
  finish_generation
  ok "the device flow makes an account"
  keep
}

code() {
  start_agent
  local port back
  port=$("$NODE" -e 'const server = require("net").createServer().listen(0, () => {
    console.log(server.address().port)
    server.close()
  })')
  generate --flow=code --redirect-uri="http://localhost:$port"
  back=$(user allow "$(printed 'https://[^ ]*authorize[^ ]*')")
  curl --silent --show-error --fail --max-time 10 --output /dev/null "$back"
  finish_generation
  ok "the code flow makes an account"
  eight_programs
  keep
}

case $flow in
  device | code) "$flow" ;;
  *) fail "no flow $flow" ;;
esac
