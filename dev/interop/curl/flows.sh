#!/usr/bin/env bash
# Flows of curl and openssl, as in documentation of servers and in terminals.
#
#   curl/flows.sh FLOW ISSUER
set -euo pipefail

flow=$1
issuer=$2
web_callback=https://client.example/callback

curl() { command curl --silent --show-error --max-time 10 "$@"; }
ok() { echo "ok: $*"; }
fail() { echo "wrong: $*" >&2; exit 1; }
same() { [ "$1" = "$2" ] || fail "$3: $1, expected $2"; }
has() { [[ $1 == *"$2"* ]] || fail "no $2 in $1"; }

# The text member $1 of the JSON object on standard input.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

base64url() { base64 -w 0 | tr '+/' '-_' | tr -d '='; }

metadata=$(curl --fail "$issuer/.well-known/oauth-authorization-server")
same "$(field issuer <<<"$metadata")" "$issuer" issuer
token=$(field token_endpoint <<<"$metadata")
revocation=$(field revocation_endpoint <<<"$metadata")
introspection=$(field introspection_endpoint <<<"$metadata")
authorization=$(field authorization_endpoint <<<"$metadata")

# Signs in and allows the request of the parameters; the other arguments are options of curl. Prints the headers of the
# answer.
decide() {
  local address=$1 session
  shift
  session=$(curl -X POST "$issuer/json/authenticate" \
    -H "X-OpenAM-Username: demo" -H "X-OpenAM-Password: changeit" | field tokenId)
  curl -D - -o /dev/null "$address" --cookie "iPlanetDirectoryPro=$session" -d "csrf=$session" -d decision=allow "$@"
}

# Code and PKCE for the client $1, which authenticates with the other options. Prints the answer of the token endpoint.
sign_in() {
  local client_id=$1 verifier challenge state location code
  shift
  verifier=$(openssl rand 32 | base64url)
  challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | base64url)
  state=$(openssl rand -hex 16)
  location=$(decide "$authorization" -d response_type=code -d "state=$state" --data-urlencode "client_id=$client_id" \
    --data-urlencode "redirect_uri=$web_callback" --data-urlencode "scope=read write" \
    -d "code_challenge=$challenge" -d code_challenge_method=S256 | sed -n 's/^[Ll]ocation: \([^\r]*\).*/\1/p')
  has "$location" "$web_callback?"
  has "$location" "state=$state"
  code=$(sed 's/.*[?&]code=\([^&]*\).*/\1/' <<<"$location")
  curl "$token" "$@" -d grant_type=authorization_code -d "code=$code" -d "code_verifier=$verifier" \
    --data-urlencode "redirect_uri=$web_callback"
}

refresh() {
  local refresh_token=$1
  shift
  curl "$token" "$@" -d grant_type=refresh_token -d "refresh_token=$refresh_token"
}

live_and_die() {
  local first second again narrowed full active status
  first=$(sign_in "$@")
  shift
  has "$first" '"token_type":"Bearer"'
  has "$first" '"expires_in":3600'
  ok "code and PKCE give tokens"

  second=$(refresh "$(field refresh_token <<<"$first")" "$@")
  [ "$(field refresh_token <<<"$second")" != "$(field refresh_token <<<"$first")" ] || fail "not rotated"
  ok "a refresh rotates"

  again=$(refresh "$(field refresh_token <<<"$first")" "$@")
  same "$(field access_token <<<"$again")" "$(field access_token <<<"$second")" access_token
  same "$(field refresh_token <<<"$again")" "$(field refresh_token <<<"$second")" refresh_token
  ok "a lost response is answered again with the same tokens"

  narrowed=$(refresh "$(field refresh_token <<<"$second")" "$@" -d scope=read)
  same "$(field scope <<<"$narrowed")" read scope
  same "$(refresh "$(field refresh_token <<<"$narrowed")" "$@" -d scope=admin | field error)" invalid_scope error
  full=$(refresh "$(field refresh_token <<<"$narrowed")" "$@")
  same "$(field scope <<<"$full")" "read write" scope
  ok "a refresh narrows the access token alone"

  active=$(curl "$introspection" "$@" -d "token=$(field access_token <<<"$narrowed")")
  has "$active" '"active":true'
  has "$active" '"sub":"demo"'
  ok "introspection knows the access token"

  status=$(curl -o /dev/null -w '%{http_code}' "$revocation" "$@" -d "token=$(field refresh_token <<<"$full")")
  same "$status" 200 status
  same "$(curl "$introspection" "$@" -d "token=$(field access_token <<<"$full")")" '{"active":false}' introspection
  same "$(refresh "$(field refresh_token <<<"$full")" "$@" | field error)" invalid_grant error
  ok "revocation ends the grant and its access tokens"
}

lifecycle() { live_and_die web -u web:web-secret; }

client_secrets() {
  live_and_die web-post -d client_id=web-post -d client_secret=web-post-secret
  local headers
  headers=$(curl -D - -o /dev/null "$token" -u service:wrong -d grant_type=client_credentials)
  has "$headers" " 401 "
  grep -qi '^www-authenticate: Basic ' <<<"$headers" || fail "no challenge"
  ok "a wrong secret in a Basic header is challenged"
}

client_credentials() {
  local tokens
  tokens=$(curl "$token" -u service:service-secret -d grant_type=client_credentials -d scope=read)
  same "$(field scope <<<"$tokens")" read scope
  same "$(field refresh_token <<<"$tokens")" "" refresh_token
  ok "client_credentials give an access token alone"
}

password() {
  local tokens
  tokens=$(curl "$token" -u legacy:legacy-secret -d grant_type=password -d username=demo -d password=changeit)
  has "$(refresh "$(field refresh_token <<<"$tokens")" -u legacy:legacy-secret)" '"refresh_token"'
  ok "password gives tokens that refresh"
}

# openssl signs the assertion; each is for one request.
private_key_jwt() {
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  local d tokens
  d=$(sed -n '/"EdDSA"/,$s/.*"d": "\(.*\)".*/\1/p' "$(dirname "${BASH_SOURCE[0]}")/../keys.json")
  # RFC 8410: the key behind the header that all PKCS #8 documents of Ed25519 share.
  {
    printf '\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20'
    printf '%s=' "$d" | tr -- '-_' '+/' | base64 -d
  } >"$folder/key.der"
  tokens=$(assertion | curl "$token" -d grant_type=client_credentials -d scope=read \
    -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer --data-urlencode client_assertion@-)
  same "$(field scope <<<"$tokens")" read scope
  ok "private_key_jwt, EdDSA"
}

assertion() {
  local header claims now
  now=$(date +%s)
  header='{"alg":"EdDSA","kid":"rfc8037-a1"}'
  claims=$(printf '{"iss":"%s","sub":"%s","aud":"%s","iat":%d,"exp":%d,"jti":"%s"}' \
    service-key service-key "$issuer" "$now" $((now + 60)) "$(openssl rand -hex 16)")
  printf '%s.%s' "$(printf %s "$header" | base64url)" "$(printf %s "$claims" | base64url)" >"$folder/signed"
  cat "$folder/signed"
  printf '.'
  openssl pkeyutl -sign -rawin -keyform DER -inkey "$folder/key.der" -in "$folder/signed" | base64url
}

device() {
  local endpoint begun poll
  endpoint=$(field device_authorization_endpoint <<<"$metadata")
  begun=$(curl "$endpoint" -d client_id=tv -d scope=read)
  poll() {
    curl -o /dev/null "$issuer/dev/clock" -d advance=10s
    curl "$token" -d client_id=tv -d grant_type=urn:ietf:params:oauth:grant-type:device_code \
      -d "device_code=$(field device_code <<<"$begun")"
  }
  same "$(poll | field error)" authorization_pending error
  decide "$(field verification_uri <<<"$begun")" -d "user_code=$(field user_code <<<"$begun")" >/dev/null
  has "$(poll)" '"refresh_token"'
  ok "polling gets authorization_pending, and then tokens"
}

case $flow in
  lifecycle | client_secrets | client_credentials | password | private_key_jwt | device) "$flow" ;;
  *) fail "no flow $flow" ;;
esac
