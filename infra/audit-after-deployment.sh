#!/usr/bin/env bash
# Has the app audit all calendars and mend what it finds, over HTTP: to be run after each deployment, which ends running
# executions by force and loses the webhooks of that gap.
#
#     bash infra/audit-after-deployment.sh <function app>
#
# Needs `az login` with the role Website Contributor on the function app: the key of the function audit_on_demand, which
# opens nothing else, is asked for each time and stored nowhere. Prints counts, no ids. Where operators sign in with Entra
# accounts no key opens anything of theirs: then it says what is to be run by somebody.
set -euo pipefail

API_VERSION=2025-03-01
MINUTES_TO_START=10
MINUTES_FOR_ANOTHER="${MINUTES_FOR_ANOTHER:-12}" # what an order claims is free again after 11
PAUSE_SECONDS="${PAUSE_SECONDS:-10}"
SECONDS_PER_REQUEST=240 # Azure ends a request after 230

fail() {
	echo "$*" >&2
	exit 1
}

# Tells what has to be looked at by a person, although the deployment is fine.
warn() {
	if [ -n "${GITHUB_ACTIONS:-}" ]; then echo "::warning::$*"; else echo "Warning: $*" >&2; fi
}

[ $# = 1 ] || fail "usage: bash infra/audit-after-deployment.sh <function app>"
app=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

site=$(az resource list --resource-type Microsoft.Web/sites --name "$app" --query '[0].id' --output tsv)
[ -n "$site" ] || fail "No function app $app is to be seen in this subscription: is the name right, and the role given?"
host=$(az rest --method get --uri "$site?api-version=$API_VERSION" --query properties.defaultHostName --output tsv)

# The status of an answer, 000 when there was none; its body is kept.
ask() {
	rm -f "$scratch/body"
	curl --silent --max-time "$SECONDS_PER_REQUEST" --output "$scratch/body" --write-out '%{http_code}' "$@" || true
}

# The app, not the platform in front of it, has spoken.
is_ours() { [ "$(head --bytes=1 "$scratch/body" 2> /dev/null)" = "{" ]; }

words() { python3 -c 'import json, sys; told = json.load(sys.stdin); print(told.get("error") or told.get("problem") or "")' < "$scratch/body"; }

deadline=$((SECONDS + MINUTES_TO_START * 60))
until status=$(ask "https://$host/api/health") && [ "$status" = 200 ]; do
	if [ "$status" = 403 ]; then
		warn "Access to the app is restricted to Dataverse and operators' addresses, so no audit was ordered from here. Run: booking-sync audit --fix"
		exit 0
	fi
	[ "$SECONDS" -lt "$deadline" ] || fail "The app is not healthy $MINUTES_TO_START minutes after its deployment (last status: $status). Look at the operator's page."
	sleep "$PAUSE_SECONDS"
done

# As the app reads the setting: without spaces, in whatever letters. No other setting is asked for.
sign_in=$(az rest --method post --uri "$site/config/appsettings/list?api-version=$API_VERSION" \
	--query properties.OPERATIONS_SIGN_IN --output tsv | tr -d '[:space:]' | tr '[:upper:]' '[:lower:]')

# Without a key where none is asked for; else with the function's. It goes through a pipe: an argument could be seen by
# others on this machine.
key_header=""
if [ "$sign_in" != entra ]; then
	key=$(az rest --method post --uri "$site/functions/audit_on_demand/listkeys?api-version=$API_VERSION" --query default --output tsv)
	[ -n "$key" ] || fail "The function audit_on_demand has no key: was the app published?"
	if [ -n "${GITHUB_ACTIONS:-}" ]; then echo "::add-mask::$key"; fi
	key_header="x-functions-key: $key"
fi

order() {
	printf %s "$key_header" | ask --header @- --header 'Content-Type: application/json' \
		--data '{"fix": true}' "https://$host/api/operations/audit"
}

# Another audit that was ordered may be of one mailbox only, or mend nothing; or this deployment has killed it, and only
# its claim is left. So it is waited for, and takes the place of none.
deadline=$((SECONDS + MINUTES_FOR_ANOTHER * 60))
until status=$(order) && [ "$status" != 409 ]; do
	if [ "$SECONDS" -ge "$deadline" ]; then
		warn "No audit was ordered: $(is_ours && words) When it has ended, run: booking-sync audit --fix"
		exit 0
	fi
	sleep "$PAUSE_SECONDS"
done

# The platform sends whoever has no account to the sign-in, or refuses; what gets past it the app refuses.
case "$sign_in $status" in
"entra 301" | "entra 302" | "entra 303" | "entra 307" | "entra 401")
	warn "Operators sign in to this app with Entra accounts, so no audit was ordered from here. Run: booking-sync audit --fix"
	exit 0
	;;
esac
case "$status" in
200)
	python3 -c '
import json, sys
report = json.load(sys.stdin)
print("Audited: {mailboxes} mailboxes, {bookings} bookings, {events} events.".format(**report))
print("Found:", ", ".join(f"{count} {kind}" for kind, count in report["counts"].items()) or "nothing")
print("Queued to be mended: {enqueued}; withheld until somebody has looked: {withheld}.".format(**report))
' < "$scratch/body"
	;;
202)
	echo "The audit is long and goes on in the app: see the operator's page."
	;;
000 | 502 | 503 | 504)
	if is_ours; then fail "The audit could not be made ($status): $(words)"; fi
	warn "The audit takes longer than Azure holds a request (230 s). It goes on in the app: see the operator's page."
	;;
*)
	fail "The audit was refused ($status): $(is_ours && words)"
	;;
esac
