# كلمات صفحات التنسيق بالعربية. لكل لغة الرسائل نفسها.

page-skip = إلى الأرقام
page-only_here = تُصنع هذه الصفحات على هذا الجهاز من مخزنه، ولا يُطلب شيء من جهاز آخر.
page-close = إغلاق هذه الصفحات
page-closed = هذه الصفحة مغلقة
page-closed_next = افتحها برابط جديد: شغّل «kitbag dashboard» مرة أخرى. يفتح الرابط مرة واحدة خلال عشر دقائق.
page-failed = تعذّر العرض
page-overview = نظرة عامة
page-headline = { $period }: وُزّعت { $kits } عدة، وعُكست { $reversals } جرعة زائدة
page-nothing_missing = لا يُعرف شيء ناقص.
page-missing = { $number ->
    [zero] لا قيود ناقصة.
    [one] يُعرف قيد واحد ليس هنا بعد: ينقص هذه الأرقام.
    [two] يُعرف قيدان ليسا هنا بعد: ينقصان هذه الأرقام.
    [few] تُعرف { $number } قيود ليست هنا بعد: تنقص هذه الأرقام.
    [many] يُعرف { $number } قيدًا ليست هنا بعد: تنقص هذه الأرقام.
   *[other] يُعرف { $number } قيد ليست هنا بعد: تنقص هذه الأرقام.
}
page-waiting = { $number ->
    [zero] لا قيود تنتظر.
    [one] قيد واحد ينتظر غيره ولا يُحتسب بعد.
    [two] قيدان ينتظران غيرهما ولا يُحتسبان بعد.
    [few] { $number } قيود تنتظر غيرها ولا تُحتسب بعد.
    [many] { $number } قيدًا تنتظر غيرها ولا تُحتسب بعد.
   *[other] { $number } قيد تنتظر غيرها ولا تُحتسب بعد.
}
page-in_doubt = { $number ->
    [zero] لا سجلات بتاريخ مشكوك فيه.
    [one] سجل واحد تاريخه قد يكون خطأ.
    [two] سجلان تاريخهما قد يكون خطأ.
    [few] { $number } سجلات تاريخها قد يكون خطأ.
    [many] { $number } سجلًا تاريخها قد يكون خطأ.
   *[other] { $number } سجل تاريخها قد يكون خطأ.
}
page-forks = { $number ->
    [zero] لم يتفرع سجل.
    [one] تفرع سجل واحد: استُعيد هاتف من نسخة أو استُنسخ.
    [two] تفرع سجلان: استُعيد هاتفان من نسختين أو استُنسخا.
    [few] تفرعت { $number } سجلات: استُعيدت هواتف من نسخ أو استُنسخت.
    [many] تفرع { $number } سجلًا: استُعيدت هواتف من نسخ أو استُنسخت.
   *[other] تفرع { $number } سجل: استُعيدت هواتف من نسخ أو استُنسخت.
}
page-synced = تزامن { $lately } من { $all } هاتفًا خلال الأيام السبعة الأخيرة، كما قال الخادم آخر مرة.
page-period = الفترة
page-before = قبل
page-after = بعد
page-by_month = شهر
page-by_quarter = ربع سنة
page-by_year = سنة
page-indicator = المؤشر
page-beside = الممتلئ: هذه الفترة. المتقطع: التي قبلها.
page-sites = حسب الموقع
page-site = الموقع
page-no_site = بلا موقع
page-no_records = لم يُسجل شيء في هاتين الفترتين.
page-phones = الهواتف
page-unnamed = هاتف بلا اسم
page-silent = { $number ->
    [zero] تزامن اليوم
    [one] صامت منذ يوم واحد
    [two] صامت منذ يومين
    [few] صامت منذ { $number } أيام
    [many] صامت منذ { $number } يومًا
   *[other] صامت منذ { $number } يوم
}
page-never_synced = لا يُعرف أنه تزامن
page-stock = المخزون
page-no_stock = لم يُسجل مخزون.
page-holder = أين
page-days_left = يكفي، بالأيام
page-a_phone = هاتف
