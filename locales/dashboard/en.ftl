# The words of the coordinator's pages in English, beside those of Kitbag. Every language has the same messages.

page-skip = Skip to the numbers
page-only_here = These pages are made on this machine, from its own store; no other one is asked for anything.
page-close = Close these pages
page-closed = This page is closed
page-closed_next = Open it with a new link: run “kitbag dashboard” once more. A link opens once, within ten minutes.
page-failed = This could not be shown
page-overview = Overview
page-headline = { $period }: { $kits } kits handed out, { $reversals } overdoses reversed
page-nothing_missing = Nothing is known to be missing.
page-missing = { $number ->
    [one] { $number } entry is known to exist and is not here yet: these numbers are short of it.
   *[other] { $number } entries are known to exist and are not here yet: these numbers are short of them.
}
page-waiting = { $number ->
    [one] { $number } entry waits for others and does not count yet.
   *[other] { $number } entries wait for others and do not count yet.
}
page-in_doubt = { $number ->
    [one] { $number } record has a date that may be wrong.
   *[other] { $number } records have a date that may be wrong.
}
page-forks = { $number ->
    [one] { $number } log forked: a phone was restored from a copy, or cloned.
   *[other] { $number } logs forked: phones were restored from copies, or cloned.
}
page-synced = { $lately } of { $all } phones synced within the last seven days, as the hub said last.
page-period = Period
page-before = Before
page-after = After
page-by_month = Month
page-by_quarter = Quarter
page-by_year = Year
page-indicator = Indicator
page-beside = Filled: this period. Dashed: the one before.
page-sites = By site
page-site = Site
page-no_site = No site named
page-no_records = Nothing was recorded in these periods.
page-phones = Phones
page-unnamed = A phone without a name
page-silent = { $number ->
    [one] silent for { $number } day
   *[other] silent for { $number } days
}
page-never_synced = not known to have synced
page-stock = Stock
page-no_stock = No stock was recorded.
page-holder = Where
page-days_left = Lasts, in days
page-a_phone = A phone
