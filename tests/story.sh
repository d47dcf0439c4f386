#!/bin/sh
# A programme's day, from the command line alone: `cargo xtask story` runs it, a person can read it.
#
# Ana and Ben never meet the hub at the same time. Cleo has no signal, and Ben carries her bundle. Dana's
# phone is revoked while something on it is unsent. Ana's phone is restored from an old copy.
set -eu
kitbag=${1:?the kitbag program}
folder=${2:?an empty folder}
cd "$folder"

say() { printf '\n== %s\n' "$*"; }
is() { # is WHAT FOUND EXPECTED
    if [ "$2" != "$3" ]; then
        echo "story: $1: found '$2', expected '$3'" >&2
        exit 1
    fi
    echo "$1: $2"
}
# The hub ends when this script does: it reads from a pipe that this script holds open.
start_hub() {
    rm -f hub-input hub-address
    mkfifo hub-input
    "$kitbag" hub run --folder hub --listen "${hub_at:-127.0.0.1:0}" --root "$root" \
        --until-stdin-ends <hub-input >hub-address 2>>hub-log &
    hub=$!
    exec 9>hub-input
    until grep -q 'listening on' hub-address; do
        kill -0 "$hub"
        sleep 0.1
    done
    hub_address=$(sed -n 's/^listening on //p' hub-address)
    hub_at=$(echo "$hub_address" | sed 's,kitbag://\([^/]*\)/.*,\1,')
}
stop_hub() {
    exec 9>&-
    wait "$hub"
}
# join NAME [ROLE INVITER]: the invitation is shown, the device asks, the six digits are read out. What CONTINUES names is
# the earlier phone of the same person.
join() {
    inviter=${3:-coordinator.db}
    extra=""
    [ "$inviter" = root.db ] && extra="--passphrase-file passphrase"
    invitation=$("$kitbag" invite --store "$inviter" $extra --team "$team" --role "${2:-worker}" --label "$1's phone" \
        ${CONTINUES:+--continues "$CONTINUES"} --text-only 2>/dev/null)
    # Not on the command line, where others on this machine could read it.
    printf %s "$invitation" >"$1.invitation"
    "$kitbag" join --store "$1.db" - <"$1.invitation" >"$1.code" 2>/dev/null 9>&- &
    joining=$!
    until [ -s "$1.code" ]; do
        kill -0 "$joining"
        sleep 0.1
    done
    "$kitbag" approve --store "$inviter" $extra "$(cat "$1.code")" 2>/dev/null
    wait "$joining"
    echo "$1 joined, by the code $(cat "$1.code")"
}
# The same, with a coordinator who waits for the device and types the digits in.
join_waited_for() {
    rm -f typed "$1.invitation"
    mkfifo typed
    "$kitbag" invite --store coordinator.db --team "$team" --label "$1's phone" --wait --text-only <typed >"$1.invitation" 2>/dev/null 9>&- &
    inviting=$!
    exec 8>typed
    until [ -s "$1.invitation" ]; do
        kill -0 "$inviting"
        sleep 0.1
    done
    "$kitbag" join --store "$1.db" - <"$1.invitation" >"$1.code" 2>/dev/null 8>&- 9>&- &
    joining=$!
    until [ -s "$1.code" ]; do
        kill -0 "$joining"
        sleep 0.1
    done
    cat "$1.code" >&8
    exec 8>&-
    wait "$inviting" "$joining"
    echo "$1 joined while the coordinator waited, by the code $(cat "$1.code")"
}
record() { "$kitbag" record reversal --store "$1.db" --site riverside --on 2026-03-01 --outcome "$2" --unknowns; }
sync() { "$kitbag" sync --store "$1.db"; }
waiting() { "$kitbag" status --store "$1.db" --json | sed 's/.*"waiting_records":\([0-9]*\).*/\1/'; }
# The number of reversals in the totals of a store.
reversals() { "$kitbag" totals --store "$1.db" --by year --json | sed 's/.*"reversals":\([0-9]*\).*/\1/'; }

say "The programme is founded; its root key stays under a passphrase"
echo "four words in a row" >passphrase
root=$("$kitbag" programme init --store root.db --passphrase-file passphrase 2>/dev/null)
start_hub
"$kitbag" programme hub --store root.db --passphrase-file passphrase "$hub_address"
team=$("$kitbag" programme team --store root.db --passphrase-file passphrase 2>/dev/null)

say "A coordinator and four workers join in a car park"
join coordinator coordinator root.db
for name in ana ben cleo; do join "$name"; done
join_waited_for dana
"$kitbag" members --store coordinator.db
# The root reads no team's labels, and knows what it called a device itself.
"$kitbag" members --store root.db --passphrase-file passphrase --team "$team" | grep -q "coordinator's phone"

say "Ana syncs in the morning, Ben at night: they never meet"
record ana survived
record ana died
sync ana
record ben survived
sync ben
sync ana
is "Ana sees" "$(reversals ana)" 3
is "Ben sees" "$(reversals ben)" 3

say "Cleo has no signal; Ben carries her bundle on a memory card, twice"
id=$(record cleo survived)
is "Cleo's records wait" "$(waiting cleo)" 1
"$kitbag" bundle export --store cleo.db card.kitbag
"$kitbag" bundle import --store ben.db card.kitbag
sync ben
"$kitbag" bundle import --store ana.db card.kitbag
sync ana
is "Ana sees" "$(reversals ana)" 4
"$kitbag" status --store cleo.db --record "$id" | tail -1
sync cleo
is "Cleo's records wait" "$(waiting cleo)" 0

say "A courier outside the team learns nothing"
cp card.kitbag outside.kitbag
"$kitbag" programme team --store root.db --passphrase-file passphrase >other-team 2>/dev/null
team_before=$team
team=$(cat other-team)
join eve coordinator root.db
team=$team_before
if "$kitbag" bundle import --store eve.db outside.kitbag 2>refusal; then exit 1; fi
cat refusal

say "Dana's phone is lost with one record unsent; it is revoked"
sent=$(record dana unknown)
sync dana
record dana died
"$kitbag" revoke --store coordinator.db "dana's phone"
sync dana
sync coordinator
is "The coordinator counts what Dana had sent before, and not what came after" "$(reversals coordinator)" 5
"$kitbag" members --store coordinator.db

say "Dana has a new phone, and goes on with what the old one had sent"
CONTINUES="dana's phone" join dana-2
sync dana-2
"$kitbag" correct --store dana-2.db "$sent" outcome=survived
sync dana-2
sync coordinator
is "The coordinator counts it once" "$(reversals coordinator)" 5
"$kitbag" history --store coordinator.db "$sent" | grep "dana-2's phone"

say "Ana's phone breaks, and is restored from an old copy"
cp ana.db ana.copy
record ana survived
sync ana
rm -f ana.db-wal ana.db-shm
mv ana.copy ana.db
record ana survived
sync ana
sync coordinator
is "Both of Ana's records are there" "$(reversals coordinator)" 7
is "Ana sees the same" "$(reversals ana)" 7
"$kitbag" totals --store coordinator.db --by year | grep Alarm

say "The hub's disk dies; it is restored from the night's backup, and heals from the phones"
"$kitbag" hub backup --folder hub backup.db
record ben survived
sync ben
kill -9 "$hub"
wait "$hub" || true
"$kitbag" hub restore --folder hub backup.db
start_hub
sync ben
sync ana
sync coordinator
is "Nothing is lost" "$(reversals coordinator)" 8
stop_hub
say "The story holds"
