#!/bin/sh
# Three phones of two languages meet: meeting.sh KITBAG FOLDER, with the programs of the two languages in KOTLIN and SWIFT.
#
# Ana's and Ben's are processes of the JVM, Cleo's is Swift's. Each records with no signal; Ben carries Ana's bundle and
# Cleo carries Ben's; then all meet a hub over TLS. In the end all hold the same.
set -eu
kitbag=$1
folder=$2
cd "$folder"

is() { # is WHAT FOUND EXPECTED
    if [ "$2" != "$3" ]; then
        printf 'meeting: %s: found\n%s\nexpected\n%s\n' "$1" "$2" "$3" >&2
        exit 1
    fi
    echo "$1: $(echo "$2" | wc -l) lines"
}
phone() { # phone NAME COMMAND …
    name=$1
    shift
    case $name in
    cleo) $SWIFT "$folder/$name.db" "$@" ;;
    *) $KOTLIN "$folder/$name.db" "$@" ;;
    esac
}
open="--passphrase-file passphrase"
echo "four words in a row" >passphrase
root=$("$kitbag" programme init --store root.db $open 2>/dev/null)
mkfifo hub-input
"$kitbag" hub run --folder hub --listen 127.0.0.1:0 --root "$root" --until-stdin-ends <hub-input >hub-address 2>hub-log &
hub=$!
exec 9>hub-input
until grep -q 'listening on' hub-address; do
    kill -0 "$hub"
    sleep 0.1
done
"$kitbag" programme hub --store root.db $open "$(sed -n 's/^listening on //p' hub-address)"
team=$("$kitbag" programme team --store root.db $open 2>/dev/null)
invite() { "$kitbag" invite --store "$1.db" $2 --team "$team" --role "$3" --text-only 2>/dev/null; }

invite root "$open" coordinator >coordinator.invitation
"$kitbag" join --store coordinator.db - <coordinator.invitation >coordinator.code 2>/dev/null 9>&- &
joining=$!
until [ -s coordinator.code ]; do
    kill -0 "$joining"
    sleep 0.1
done
"$kitbag" approve --store root.db $open "$(cat coordinator.code)" 2>/dev/null
wait "$joining"
for name in ana ben cleo; do
    invite coordinator "" worker >$name.invitation
    phone $name join "$folder/$name.invitation" >$name.code 9>&- &
    joining=$!
    until [ -s $name.code ]; do
        kill -0 "$joining"
        sleep 0.1
    done
    "$kitbag" approve --store coordinator.db "$(cat $name.code)" 2>/dev/null
    wait "$joining"
    echo "$name joined"
done

for name in ana ben cleo; do phone $name record "$name-site" 3; done
phone ana export "$folder/ana.kitbag"
phone ben import "$folder/ana.kitbag"
phone ben export "$folder/ben.kitbag"
phone cleo import "$folder/ben.kitbag"
is "Cleo holds six of theirs and three of hers" "$(phone cleo show | grep -c -- -site)" 9
for name in cleo ben ana cleo ben; do phone $name sync; done
"$kitbag" sync --store coordinator.db
ana=$(phone ana show)
is "Ana holds what all recorded" "$(echo "$ana" | grep -c -- -site)" 9
is "Ben holds the same" "$(phone ben show)" "$ana"
is "Cleo holds the same" "$(phone cleo show)" "$ana"
found=$("$kitbag" totals --store coordinator.db --by year --json | sed 's/.*"reversals":\([0-9]*\).*/\1/')
is "The coordinator counts" "$found" 9
exec 9>&-
wait "$hub"
