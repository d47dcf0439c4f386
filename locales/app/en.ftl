# The words of the demo apps in English, beside those of Kitbag. Every language has the same messages; a test holds it.

## The app

app-label = Kitbag
app-harmless = Clock
app-back = Back
app-quick_exit = Quick exit
app-next = Next
app-done = Done
app-save = Save
app-stop = Stop
app-try_again = Try again
app-chosen = Chosen
app-yes = Yes
app-no = No
app-today = Today
app-yesterday = Yesterday
app-me = Me
app-colleague = A colleague
app-outside = Outside the programme
app-file_failed = The file cannot be read or written. Check the free space, and try again.
app-no_camera = The camera cannot be used. Paste the text of the invitation.
app-camera_why = To scan the code of an invitation, or of a colleague’s phone.

## Who is on shift

app-who = Who is on shift?
app-add_person = Add a person
app-on_shift_now = On shift now
app-not_joined = Not joined yet
app-with_pin = Opens with a PIN
app-name_title = Welcome
app-name_why = What shall this phone call you? A first name or a letter will do. It stays on this phone.
app-name = Name on this phone
app-name_missing = Type a name first: one letter will do.
app-switch = Somebody else’s shift

## Locked

app-locked = Locked
app-pin = PIN
app-unlock = Unlock
app-pin_forgotten = PIN forgotten
app-pin_forgotten_try = Try what you remember: wrong PINs only make you wait. Nothing is ever wiped.
app-pin_forgotten_sent = What was sent is safe at the hub, and your team has it.
app-pin_forgotten_new = If nobody remembers it, add yourself again and ask your coordinator for an invitation in the place of this phone. What was not sent stays here, locked, in case the PIN comes back.
app-pin_wait_seconds = { $number ->
    [one] Wait { $number } second. Nothing is lost.
   *[other] Wait { $number } seconds. Nothing is lost.
}
app-pin_wait_minutes = { $number ->
    [one] Wait { $number } minute. Nothing is lost.
   *[other] Wait { $number } minutes. Nothing is lost.
}
app-key_gone_title = The key is gone
app-key_gone = The phone has forgotten the key that opens what is saved here. A new screen lock or a restored phone does that.
app-key_gone_next = What was sent is safe at the hub. Nothing here was deleted. Restart the phone and try again; if it stays so, add yourself again and ask your coordinator for an invitation in the place of this phone.
app-not_opened = It does not open
app-recover_what = A new store is made for you, with all that can still be read. The damaged one is kept, and the hub brings the rest.
app-recover = Recover
app-recovered = { $number ->
    [one] Recovered: { $number } entry of yours is here. The next sync brings the rest.
   *[other] Recovered: { $number } entries of yours are here. The next sync brings the rest.
}

## Joining

app-join_title = Join a programme
app-join_how = Scan the invitation that your coordinator shows you, or paste its text.
app-join_old_phone = A new phone in the place of an old one? Tell your coordinator: then you can correct what you recorded before.
app-invitation = Invitation
app-invitation_missing = Scan an invitation or paste its text first.
app-scan = Scan
app-join = Join
app-digits_title = Waiting for your coordinator
app-digits_how = Read these digits to your coordinator, who lets you in when they are the same.
app-join_as_worker = You join as a worker.
app-join_as_coordinator = You join as a coordinator.
app-wait_on = Wait on
app-other_invitation = Use another invitation
app-invite = Invite somebody
app-invite_how = What shall the team call this person’s phone? Not a full name.
app-invite_place = A new phone in the place of the old one of:
app-invite_show = Let the new phone scan this within ten minutes.
app-invite_digits = Type the six digits that the new phone shows. Let it in only if you see that phone.
app-digits = Six digits
app-let_in = Let in
app-leave_team = Leave the team
app-leave_what = All that is held of the team on this phone is deleted, once the hub has what you recorded.
app-leave_drafts = { $number ->
    [one] { $number } record was begun and not saved. It is thrown away, too.
   *[other] { $number } records were begun and not saved. They are thrown away, too.
}
app-leave_sync_first = Not everything was sent. Sync first.

## Today

app-give_naloxone = Naloxone given
app-overdose = Overdose reversed
app-referral = Referral
app-referrals = Open referrals
app-history = History
app-totals = Totals
app-other_record = Record something else
app-more = More
app-begun = Begun
app-my_bag = In the bag
app-bag_empty = Nothing is noted. Record what you took from the stock.
app-kits = { $number ->
    [one] { $number } kit
   *[other] { $number } kits
}
app-doses = { $number ->
    [one] { $number } dose
   *[other] { $number } doses
}
app-safe_here = Safe on this phone.
app-sent = Sent { $when }.
app-just_now = just now
app-minutes_ago = { $number ->
    [one] { $number } minute ago
   *[other] { $number } minutes ago
}
app-today_at = today at { $time }
app-yesterday_at = yesterday at { $time }
app-on_day = on { $day }
app-not_sent = { $number ->
    [one] { $number } not sent yet.
   *[other] { $number } not sent yet.
}
app-not_sent_since = { $number ->
    [one] { $number } not sent yet, since { $when }.
   *[other] { $number } not sent yet, since { $when }.
}
app-never_synced = Not synced with the hub yet.
app-tried_again = It is tried again at { $time }.
app-clock_off = The phone’s clock is wrong. Set it right in the phone’s settings; until then, say the day yourself.
app-aside = { $number ->
    [one] The hub does not count { $number } entry of yours yet. Ask your coordinator to let this phone in.
   *[other] The hub does not count { $number } entries of yours yet. Ask your coordinator to let this phone in.
}
app-aside_revoked = { $number ->
    [one] This phone is not in the team any more: { $number } entry does not count. Nothing is lost; ask your coordinator to accept it.
   *[other] This phone is not in the team any more: { $number } entries do not count. Nothing is lost; ask your coordinator to accept them.
}
app-uncertified = This phone is not in the team, or not any more. What you record is kept. Ask your coordinator.
app-go_on = Go on
app-throw_away = Throw away

## Recording

app-more_questions = More questions
app-take_back = Take this answer back
app-no_answer = No answer
app-sealed = Cannot be read on this phone
app-resupply = Resupply: { $reason }
app-typed_date = { $field } (yyyy-mm-dd)
app-typed_month = { $field } (yyyy-mm)
app-typed_time = { $field } (hh:mm)
app-doses_unknown = Doses not known
app-none_given = No naloxone was given
app-saved = { $number ->
    [one] Saved.
   *[other] { $number } saved.
}
app-more_alike = The same again
app-more_like_this = { $number ->
    [one] { $number } more like this
   *[other] { $number } more like this
}
app-undo = { $number ->
    [one] Undo ({ $number } second)
   *[other] Undo ({ $number } seconds)
}
app-undone = Undone. It counts nowhere.

## A reversal

app-call_first = Call an ambulance first if you can.
app-goes_on = It is happening now
app-is_over = It is over
app-minutes_since_start = { $number ->
    [one] { $number } minute since the start
   *[other] { $number } minutes since the start
}
app-dose_number = Dose { $number }
app-after_minutes = { $number ->
    [one] after { $number } minute
   *[other] after { $number } minutes
}
app-dose_given = Dose given
app-take_back_dose = Take the last dose back
app-finish_now = It is over: answer the rest
app-steps = What helps
app-step_ems_called = Call an ambulance
app-step_rescue_breathing = Open the airway, give breaths
app-step_wait = No breathing after 2 to 3 minutes: another dose
app-step_recovery_position = Breathing: lay on the side
app-step_stayed_with_person = Stay: it can come back

## Referrals

app-no_open_referrals = No referral is open.
app-what_happened = What happened?
app-see_record = See the whole record
app-something_else = Something else

## History

app-records_found = { $number ->
    [one] { $number } record
   *[other] { $number } records
}
app-older = Older
app-newer = Newer
app-search = Search
app-search_close = Close the search
app-only_mine = Only mine
app-only_needing = Only what needs a look
app-from_day = From this day on
app-state_void = Void
app-state_duplicate = Counted elsewhere
app-two_values = Two answers
app-date_in_doubt = Date in doubt
app-refused = Does not count
app-waits = Not sent yet
app-changes = Changes
app-void_now = Void: it counts nowhere.
app-duplicate_now = Another record of the same event counts in its place.
app-choose_value = Two people answered apart. Choose the right answer.
app-counts_now = Counts now
app-date_in_doubt_what = Its date may be wrong. It counts; look at the date, and correct it.
app-refused_coordinator = Something of it does not count. Ask your coordinator to accept it.
app-refused_arrival = Something of it waits for an entry that is not here yet. Sync.
app-refused_nobody = Something of it does not count. Record it anew.
app-waits_safe = Not sent yet. Safe on this phone.
app-on_hub = The hub has it.
app-aside_one = The hub does not count it. Ask your coordinator.
app-void = Void it
app-void_why = Why does it not count?
app-void_what = It stays in the history, and counts nowhere.
app-clear_void = Let it count again
app-undo_last = Undo my last change
app-correct_other = Correct an answer
app-correct_what = The answer before stays in the history.

## Totals

app-whole_team = The whole team
app-this_month = This month
app-last_month = Last month
app-of_last_month = { $site }, last month
app-other_sites = { $number ->
    [one] { $number } other site
   *[other] { $number } other sites
}
app-no_site = No site
app-nothing_missing = Nothing is known to be missing.
app-known_missing = { $number ->
    [one] { $number } entry is known to exist and is not here yet (phones: { $devices }). These numbers are short of it.
   *[other] { $number } entries are known to exist and are not here yet (phones: { $devices }). These numbers are short of them.
}
app-waiting_to_count = { $number ->
    [one] { $number } entry waits for others and does not count yet.
   *[other] { $number } entries wait for others and do not count yet.
}
app-dates_in_doubt = { $number ->
    [one] { $number } record has a date that may be wrong.
   *[other] { $number } records have a date that may be wrong.
}
app-of_spans = { $number ->
    [one] { $number } record stands for a span of days; it counts on the last.
   *[other] { $number } records stand for a span of days; they count on the last.
}

## Sync

app-sync = Sync
app-sync_now = Sync now
app-syncing = Syncing …
app-working = Working …
app-synced = The hub and this phone hold the same.
app-progress = { $done } of { $all } entries
app-background_never = It did not run by itself yet. The phone lets it run when there is a network.
app-background_ran = It ran by itself last { $when }.
app-background_pin = While it is locked by a PIN it does not sync by itself: open it now and then.
app-without_hub = Without the hub
app-send_file = Send by file
app-send_file_what = What waits goes into a file that only your team can read. Give it to a colleague who gets to a network.
app-send_file_captured = This phone captures only: its file is taken in only by a phone that synced since this one did last.
app-receive_file = Receive a file
app-receive_file_what = Take in what a colleague’s phone wrote.
app-announce = Show what I have
app-announce_what = A colleague’s phone scans it, and the team knows what is still to come.
app-announce_how = Let a colleague’s phone scan this.
app-hear = Scan what a colleague has
app-hear_what = The team then knows what is still to come from that phone.
app-heard = Heard. The next sync passes it on.
app-not_announced = This is not what another phone shows under “Show what I have”. Scan again.
app-file_written = The file is written. It still counts as not sent, until the hub has it.
app-file_taken = { $number ->
    [one] Taken in: { $number } new entry.
   *[other] Taken in: { $number } new entries.
}
app-turned_away = { $number ->
    [one] { $number } entry of the file was not taken in. Ask for the file once more, or sync.
   *[other] { $number } entries of the file were not taken in. Ask for the file once more, or sync.
}

## Protection

app-protection = Protection
app-has_pin = A PIN protects what you recorded. It locks by itself after five minutes.
app-no_pin = Without a PIN, whoever unlocks this phone can read what you recorded.
app-pin_set = Set a PIN
app-pin_change = Change the PIN
app-pin_remove = Remove the PIN
app-pin_what = Six characters or more. Nobody can reset it, and nothing is ever wiped.
app-pin_old = PIN now
app-pin_new = New PIN
app-pin_again = New PIN, once more
app-pin_differs = The two new PINs differ. Type them again.
app-lock_now = Lock now
app-capture_only = Capture only
app-capture_only_begin = Keep nothing that was sent
app-capture_only_short = Whoever takes this phone then reads only what waits.
app-capture_only_now = This phone captures only: what was sent cannot be read on it.
app-capture_only_programme = Your programme wants this phone to capture only: what was sent cannot be read on it.
app-capture_only_workers = A coordinator’s phone keeps what it holds: the team relies on it.
app-capture_only_what = As soon as the hub has a record, its contents are deleted from this phone, and no colleague’s come in.
app-capture_only_no_totals = History and totals then show only what was not sent. Corrections are made on another phone.
app-capture_only_hub = Should the hub lose its newest data, this phone cannot send again what it dropped: a colleague’s or the coordinator’s device must have it.
app-capture_only_for_good = It cannot be switched off here: to read again, join anew with an invitation in the place of this phone.
app-capture_only_totals = This phone captures only, so it has no totals. Ask your coordinator for them.
app-quick_exit_how = The door at the top of every screen leads to a clock at once, and locks.

## About

app-about = What is safe, and what is not
app-about_safe = Safe
app-about_safe_1 = What is saved stays saved: it survives an empty battery and a killed app.
app-about_safe_2 = All of it is encrypted on this phone, and on the way. Notes can be read by your team alone.
app-about_safe_3 = With a PIN, who finds or takes this phone reads nothing while it is locked.
app-about_safe_4 = What was sent is at the hub: a lost phone loses none of it.
app-about_not_safe = Not safe
app-about_not_safe_1 = What was not sent yet is on this phone alone. Sync when you can.
app-about_not_safe_2 = Without a PIN, whoever unlocks this phone reads what is here.
app-about_not_safe_3 = Whoever makes you unlock it reads what is here. Use the quick exit before that.
app-about_not_safe_4 = That this app is on your phone can be seen. A lost phone: tell your coordinator at once, who shuts it out.
