# The words of the demo apps in Arabic, beside those of Kitbag. Every language has the same messages; a test holds it.

## The app

app-label = Kitbag
app-harmless = الساعة
app-back = رجوع
app-quick_exit = خروج سريع
app-next = التالي
app-done = تم
app-save = حفظ
app-stop = إيقاف
app-try_again = حاول مرة أخرى
app-chosen = مُختار
app-yes = نعم
app-no = لا
app-today = اليوم
app-yesterday = أمس
app-me = أنا
app-colleague = زميل
app-outside = خارج البرنامج
app-file_failed = لا يمكن قراءة الملف أو كتابته. تحقق من المساحة الخالية وحاول مرة أخرى.
app-no_camera = لا يمكن استعمال الكاميرا. الصق نص الدعوة.
app-camera_why = لمسح رمز دعوة أو رمز هاتف زميل.

## Who is on shift

app-who = من في المناوبة؟
app-add_person = إضافة شخص
app-on_shift_now = في المناوبة الآن
app-not_joined = لم ينضم بعد
app-with_pin = يُفتح برقم سري
app-name_title = أهلًا
app-name_why = بماذا يناديك هذا الهاتف؟ يكفي اسم أول أو حرف. يبقى ذلك على هذا الهاتف.
app-name = الاسم على هذا الهاتف
app-name_missing = اكتب اسمًا أولًا: يكفي حرف واحد.
app-switch = مناوبة شخص آخر

## Locked

app-locked = مقفل
app-pin = الرقم السري
app-unlock = فتح القفل
app-pin_forgotten = نسيت الرقم السري
app-pin_forgotten_try = جرّب ما تتذكره: الرقم الخاطئ لا يفعل إلا أن يجعلك تنتظر. لا يُمحى شيء أبدًا.
app-pin_forgotten_sent = ما أُرسل محفوظ في الخادم، وهو عند فريقك.
app-pin_forgotten_new = إن لم يتذكره أحد فأضف نفسك من جديد واطلب من المنسق دعوة بدل هذا الهاتف. ما لم يُرسل يبقى هنا مقفلًا، لعل الرقم يعود.
app-pin_wait_seconds = { $number ->
    [zero] انتظر قليلًا. لم يضع شيء.
    [one] انتظر ثانية واحدة ({ $number }). لم يضع شيء.
    [two] انتظر ثانيتين ({ $number }). لم يضع شيء.
    [few] انتظر { $number } ثوانٍ. لم يضع شيء.
    [many] انتظر { $number } ثانية. لم يضع شيء.
   *[other] انتظر { $number } ثانية. لم يضع شيء.
}
app-pin_wait_minutes = { $number ->
    [zero] انتظر قليلًا. لم يضع شيء.
    [one] انتظر دقيقة واحدة ({ $number }). لم يضع شيء.
    [two] انتظر دقيقتين ({ $number }). لم يضع شيء.
    [few] انتظر { $number } دقائق. لم يضع شيء.
    [many] انتظر { $number } دقيقة. لم يضع شيء.
   *[other] انتظر { $number } دقيقة. لم يضع شيء.
}
app-key_gone_title = المفتاح ضاع
app-key_gone = نسي الهاتف المفتاح الذي يفتح ما حُفظ هنا. يحدث ذلك مع قفل شاشة جديد أو هاتف أُعيد إلى نسخة سابقة.
app-key_gone_next = ما أُرسل محفوظ في الخادم. لم يُحذف هنا شيء. أعد تشغيل الهاتف وحاول مرة أخرى؛ وإن استمر ذلك فأضف نفسك من جديد واطلب من المنسق دعوة بدل هذا الهاتف.
app-not_opened = لا يُفتح
app-recover_what = يُنشأ لك مخزن جديد فيه كل ما لا يزال يُقرأ. يُحفظ المخزن التالف، ويأتي الخادم بالباقي.
app-recover = استرجاع
app-recovered = { $number ->
    [zero] لم يُسترجع شيء من قيودك. المزامنة القادمة تأتي بالباقي.
    [one] استُرجع قيد واحد لك ({ $number }). المزامنة القادمة تأتي بالباقي.
    [two] استُرجع قيدان لك ({ $number }). المزامنة القادمة تأتي بالباقي.
    [few] استُرجعت { $number } قيود لك. المزامنة القادمة تأتي بالباقي.
    [many] استُرجع { $number } قيدًا لك. المزامنة القادمة تأتي بالباقي.
   *[other] استُرجع { $number } قيد لك. المزامنة القادمة تأتي بالباقي.
}

## Joining

app-join_title = الانضمام إلى برنامج
app-join_how = امسح الدعوة التي يعرضها المنسق عليك، أو الصق نصها.
app-join_old_phone = هاتف جديد بدل هاتف قديم؟ أخبر المنسق: عندها يمكنك تصحيح ما سجلته من قبل.
app-invitation = الدعوة
app-invitation_missing = امسح دعوة أو الصق نصها أولًا.
app-scan = مسح
app-join = انضمام
app-digits_title = في انتظار المنسق
app-digits_how = اقرأ هذه الأرقام على المنسق، فيُدخلك إن كانت هي نفسها.
app-join_as_worker = تنضم عاملًا.
app-join_as_coordinator = تنضم منسقًا.
app-wait_on = متابعة الانتظار
app-other_invitation = استعمال دعوة أخرى
app-invite = دعوة شخص
app-invite_how = بماذا يسمي الفريق هاتف هذا الشخص؟ ليس الاسم الكامل.
app-invite_place = هاتف جديد مكان الهاتف القديم لـ:
app-invite_show = ليمسح الهاتف الجديد هذا خلال عشر دقائق.
app-invite_digits = اكتب الأرقام الستة التي يعرضها الهاتف الجديد. لا تُدخله إلا إذا رأيت ذلك الهاتف.
app-digits = ستة أرقام
app-let_in = إدخال
app-leave_team = مغادرة الفريق
app-leave_what = يُحذف من هذا الهاتف كل ما يخص الفريق متى صار عند الخادم ما سجلته.
app-leave_drafts = { $number ->
    [zero] لم يبدأ سجل بلا حفظ.
    [one] بدأ سجل واحد ولم يُحفظ. يُحذف هو أيضًا.
    [two] بدأ سجلان ولم يُحفظا. يُحذفان أيضًا.
    [few] بدأت { $number } سجلات ولم تُحفظ. تُحذف هي أيضًا.
    [many] بدأ { $number } سجلًا ولم تُحفظ. تُحذف هي أيضًا.
   *[other] بدأ { $number } سجل ولم تُحفظ. تُحذف هي أيضًا.
}
app-leave_sync_first = لم يُرسل كل شيء. زامن أولًا.

## Today

app-give_naloxone = أُعطي نالوكسون
app-overdose = عُكست جرعة زائدة
app-referral = إحالة
app-referrals = الإحالات المفتوحة
app-history = السجل
app-totals = المجاميع
app-other_record = تسجيل شيء آخر
app-more = المزيد
app-begun = بدأ ولم يكتمل
app-my_bag = في الحقيبة
app-bag_empty = لا شيء مدوّن. سجّل ما أخذته من المخزون.
app-kits = { $number ->
    [zero] لا عدّة
    [one] عدّة واحدة ({ $number })
    [two] عدّتان ({ $number })
    [few] { $number } عدّات
    [many] { $number } عدّة
   *[other] { $number } عدّة
}
app-doses = { $number ->
    [zero] لا جرعة
    [one] جرعة واحدة ({ $number })
    [two] جرعتان ({ $number })
    [few] { $number } جرعات
    [many] { $number } جرعة
   *[other] { $number } جرعة
}
app-safe_here = محفوظ على هذا الهاتف.
app-sent = أُرسل { $when }.
app-just_now = الآن
app-minutes_ago = { $number ->
    [zero] الآن
    [one] قبل دقيقة ({ $number })
    [two] قبل دقيقتين ({ $number })
    [few] قبل { $number } دقائق
    [many] قبل { $number } دقيقة
   *[other] قبل { $number } دقيقة
}
app-today_at = اليوم في { $time }
app-yesterday_at = أمس في { $time }
app-on_day = يوم { $day }
app-not_sent = { $number ->
    [zero] لا شيء ينتظر الإرسال.
    [one] لم يُرسل بعد: { $number }.
    [two] لم يُرسل بعد: { $number }.
    [few] لم يُرسل بعد: { $number }.
    [many] لم يُرسل بعد: { $number }.
   *[other] لم يُرسل بعد: { $number }.
}
app-not_sent_since = { $number ->
    [zero] لا شيء ينتظر الإرسال ({ $when }).
    [one] لم يُرسل بعد: { $number }، منذ { $when }.
    [two] لم يُرسل بعد: { $number }، منذ { $when }.
    [few] لم يُرسل بعد: { $number }، منذ { $when }.
    [many] لم يُرسل بعد: { $number }، منذ { $when }.
   *[other] لم يُرسل بعد: { $number }، منذ { $when }.
}
app-never_synced = لم تتم المزامنة مع الخادم بعد.
app-tried_again = المحاولة التالية: { $time }.
app-clock_off = ساعة الهاتف خاطئة. اضبطها في الإعدادات؛ وحتى ذلك الحين قل اليوم بنفسك.
app-aside = { $number ->
    [zero] الخادم يحتسب قيودك.
    [one] لا يحتسب الخادم قيدًا لك بعد ({ $number }). اطلب من المنسق إدخال هذا الهاتف.
    [two] لا يحتسب الخادم قيدين لك بعد ({ $number }). اطلب من المنسق إدخال هذا الهاتف.
    [few] لا يحتسب الخادم { $number } قيود لك بعد. اطلب من المنسق إدخال هذا الهاتف.
    [many] لا يحتسب الخادم { $number } قيدًا لك بعد. اطلب من المنسق إدخال هذا الهاتف.
   *[other] لا يحتسب الخادم { $number } قيد لك بعد. اطلب من المنسق إدخال هذا الهاتف.
}
app-aside_revoked = { $number ->
    [zero] لم يعد هذا الهاتف في الفريق. لم يضع شيء؛ اسأل المنسق.
    [one] لم يعد هذا الهاتف في الفريق: قيد واحد ({ $number }) لا يُحتسب. لم يضع شيء؛ اطلب من المنسق قبوله.
    [two] لم يعد هذا الهاتف في الفريق: قيدان ({ $number }) لا يُحتسبان. لم يضع شيء؛ اطلب من المنسق قبولهما.
    [few] لم يعد هذا الهاتف في الفريق: { $number } قيود لا تُحتسب. لم يضع شيء؛ اطلب من المنسق قبولها.
    [many] لم يعد هذا الهاتف في الفريق: { $number } قيدًا لا تُحتسب. لم يضع شيء؛ اطلب من المنسق قبولها.
   *[other] لم يعد هذا الهاتف في الفريق: { $number } قيد لا تُحتسب. لم يضع شيء؛ اطلب من المنسق قبولها.
}
app-uncertified = هذا الهاتف ليس في الفريق، أو لم يعد فيه. ما تسجله محفوظ. اسأل المنسق.
app-go_on = متابعة
app-throw_away = إلقاء

## Recording

app-more_questions = أسئلة أخرى
app-take_back = سحب هذه الإجابة
app-no_answer = بلا إجابة
app-sealed = لا يُقرأ على هذا الهاتف
app-resupply = إعادة تزويد: { $reason }
app-typed_date = { $field } (سنة-شهر-يوم)
app-typed_month = { $field } (سنة-شهر)
app-typed_time = { $field } (س س:د د)
app-doses_unknown = عدد الجرعات غير معروف
app-none_given = لم يُعطَ نالوكسون
app-saved = { $number ->
    [zero] لم يُحفظ شيء.
    [one] تم الحفظ.
    [two] حُفظ اثنان ({ $number }).
    [few] حُفظت { $number }.
    [many] حُفظ { $number }.
   *[other] حُفظ { $number }.
}
app-more_alike = الشيء نفسه مرة أخرى
app-more_like_this = { $number ->
    [zero] لا مزيد
    [one] واحد آخر مثله ({ $number })
    [two] اثنان آخران مثله ({ $number })
    [few] { $number } أخرى مثله
    [many] { $number } أخرى مثله
   *[other] { $number } أخرى مثله
}
app-undo = { $number ->
    [zero] تراجع
    [one] تراجع (ثانية: { $number })
    [two] تراجع (ثانيتان: { $number })
    [few] تراجع ({ $number } ثوانٍ)
    [many] تراجع ({ $number } ثانية)
   *[other] تراجع ({ $number } ثانية)
}
app-undone = تم التراجع. لا يُحتسب في أي مكان.

## A reversal

app-call_first = اطلب الإسعاف أولًا إن استطعت.
app-goes_on = يحدث الآن
app-is_over = انتهى
app-minutes_since_start = { $number ->
    [zero] بدأ الآن
    [one] مضت دقيقة ({ $number }) منذ البداية
    [two] مضت دقيقتان ({ $number }) منذ البداية
    [few] مضت { $number } دقائق منذ البداية
    [many] مضت { $number } دقيقة منذ البداية
   *[other] مضت { $number } دقيقة منذ البداية
}
app-dose_number = الجرعة { $number }
app-after_minutes = { $number ->
    [zero] في البداية
    [one] بعد دقيقة ({ $number })
    [two] بعد دقيقتين ({ $number })
    [few] بعد { $number } دقائق
    [many] بعد { $number } دقيقة
   *[other] بعد { $number } دقيقة
}
app-dose_given = أُعطيت جرعة
app-take_back_dose = سحب الجرعة الأخيرة
app-finish_now = انتهى: أجب عن الباقي
app-steps = ما يساعد
app-step_ems_called = اطلب الإسعاف
app-step_rescue_breathing = افتح مجرى الهواء وأعطِ أنفاسًا
app-step_wait = لا تنفس بعد دقيقتين إلى ثلاث: جرعة أخرى
app-step_recovery_position = يتنفس: ضعه على جنبه
app-step_stayed_with_person = ابقَ معه: قد يعود ذلك

## Referrals

app-no_open_referrals = لا إحالة مفتوحة.
app-what_happened = ماذا حدث؟
app-see_record = عرض السجل كله
app-something_else = شيء آخر

## History

app-records_found = { $number ->
    [zero] لا سجلات
    [one] سجل واحد ({ $number })
    [two] سجلان ({ $number })
    [few] { $number } سجلات
    [many] { $number } سجلًا
   *[other] { $number } سجل
}
app-older = الأقدم
app-newer = الأحدث
app-search = بحث
app-search_close = إغلاق البحث
app-only_mine = ما سجلته أنا فقط
app-only_needing = ما يحتاج إلى نظر فقط
app-from_day = من هذا اليوم
app-state_void = ملغى
app-state_duplicate = محتسب في غيره
app-two_values = إجابتان
app-date_in_doubt = تاريخ مشكوك فيه
app-refused = لا يُحتسب
app-waits = لم يُرسل بعد
app-changes = التغييرات
app-void_now = ملغى: لا يُحتسب في أي مكان.
app-duplicate_now = يُحتسب بدله سجل آخر للحدث نفسه.
app-choose_value = أجاب شخصان كلٌّ على حدة. اختر الإجابة الصحيحة.
app-counts_now = تُحتسب الآن
app-date_in_doubt_what = قد يكون تاريخه خاطئًا. هو محتسب؛ انظر إلى التاريخ وصححه.
app-refused_coordinator = شيء منه لا يُحتسب. اطلب من المنسق قبوله.
app-refused_arrival = شيء منه ينتظر قيدًا لم يصل بعد. زامن.
app-refused_nobody = شيء منه لا يُحتسب. سجّله من جديد.
app-waits_safe = لم يُرسل بعد. محفوظ على هذا الهاتف.
app-on_hub = هو عند الخادم.
app-aside_one = لا يحتسبه الخادم. اسأل المنسق.
app-void = إلغاؤه
app-void_why = لماذا لا يُحتسب؟
app-void_what = يبقى في السجل ولا يُحتسب في أي مكان.
app-clear_void = احتسابه من جديد
app-undo_last = التراجع عن آخر تغيير لي
app-correct_other = تصحيح إجابة
app-correct_what = تبقى الإجابة السابقة في السجل.

## Totals

app-whole_team = الفريق كله
app-this_month = هذا الشهر
app-last_month = الشهر الماضي
app-of_last_month = { $site }، الشهر الماضي
app-other_sites = { $number ->
    [zero] لا مواقع أخرى
    [one] موقع آخر واحد
    [two] موقعان آخران
    [few] { $number } مواقع أخرى
    [many] { $number } موقعًا آخر
   *[other] { $number } موقع آخر
}
app-no_site = بلا موقع
app-nothing_missing = لا يُعرف أن شيئًا ناقص.
app-known_missing = { $number ->
    [zero] لا ينقص شيء معروف (هواتف: { $devices }).
    [one] قيد واحد معروف ({ $number }) لم يصل بعد (هواتف: { $devices }). هو ناقص من هذه الأرقام.
    [two] قيدان معروفان ({ $number }) لم يصلا بعد (هواتف: { $devices }). هما ناقصان من هذه الأرقام.
    [few] { $number } قيود معروفة لم تصل بعد (هواتف: { $devices }). هي ناقصة من هذه الأرقام.
    [many] { $number } قيدًا معروفًا لم تصل بعد (هواتف: { $devices }). هي ناقصة من هذه الأرقام.
   *[other] { $number } قيد معروف لم تصل بعد (هواتف: { $devices }). هي ناقصة من هذه الأرقام.
}
app-waiting_to_count = { $number ->
    [zero] لا قيد ينتظر غيره.
    [one] قيد واحد ({ $number }) ينتظر غيره ولا يُحتسب بعد.
    [two] قيدان ({ $number }) ينتظران غيرهما ولا يُحتسبان بعد.
    [few] { $number } قيود تنتظر غيرها ولا تُحتسب بعد.
    [many] { $number } قيدًا تنتظر غيرها ولا تُحتسب بعد.
   *[other] { $number } قيد تنتظر غيرها ولا تُحتسب بعد.
}
app-dates_in_doubt = { $number ->
    [zero] لا تاريخ مشكوكًا فيه.
    [one] سجل واحد ({ $number }) قد يكون تاريخه خاطئًا.
    [two] سجلان ({ $number }) قد يكون تاريخهما خاطئًا.
    [few] { $number } سجلات قد يكون تاريخها خاطئًا.
    [many] { $number } سجلًا قد يكون تاريخها خاطئًا.
   *[other] { $number } سجل قد يكون تاريخها خاطئًا.
}
app-of_spans = { $number ->
    [zero] لا سجل يمثل عدة أيام.
    [one] سجل واحد ({ $number }) يمثل عدة أيام؛ يُحتسب في آخرها.
    [two] سجلان ({ $number }) يمثلان عدة أيام؛ يُحتسبان في آخرها.
    [few] { $number } سجلات تمثل عدة أيام؛ تُحتسب في آخرها.
    [many] { $number } سجلًا تمثل عدة أيام؛ تُحتسب في آخرها.
   *[other] { $number } سجل تمثل عدة أيام؛ تُحتسب في آخرها.
}

## Sync

app-sync = المزامنة
app-sync_now = زامن الآن
app-syncing = المزامنة جارية …
app-working = جارٍ العمل …
app-synced = عند الخادم وعند هذا الهاتف الشيء نفسه.
app-progress = { $done } من { $all } من القيود
app-background_never = لم تجرِ من تلقاء نفسها بعد. يسمح بها الهاتف عند وجود شبكة.
app-background_ran = جرت من تلقاء نفسها آخر مرة { $when }.
app-background_pin = لا تجري من تلقاء نفسها ما دام مقفلًا برقم سري: افتحه بين حين وآخر.
app-without_hub = بلا خادم
app-send_file = إرسال بملف
app-send_file_what = ما ينتظر يذهب إلى ملف لا يقرؤه إلا فريقك. أعطه زميلًا يصل إلى شبكة.
app-send_file_captured = هذا الهاتف للتسجيل فقط: لا يقبل ملفه إلا هاتف تزامن بعد آخر مزامنة لهذا الهاتف.
app-receive_file = استلام ملف
app-receive_file_what = أخذ ما كتبه هاتف زميل.
app-announce = عرض ما عندي
app-announce_what = يمسحه هاتف زميل، فيعرف الفريق ما الذي سيصل بعد.
app-announce_how = ليمسح هاتف زميل هذا.
app-hear = مسح ما عند زميل
app-hear_what = عندها يعرف الفريق ما الذي سيصل بعد من ذلك الهاتف.
app-heard = سُمع. المزامنة القادمة تنقله.
app-not_announced = ليس هذا ما يعرضه هاتف آخر تحت «عرض ما عندي». امسح مرة أخرى.
app-file_written = كُتب الملف. يبقى غير مرسل حتى يصل إلى الخادم.
app-file_taken = { $number ->
    [zero] لا جديد في الملف.
    [one] أُخذ قيد جديد واحد ({ $number }).
    [two] أُخذ قيدان جديدان ({ $number }).
    [few] أُخذت { $number } قيود جديدة.
    [many] أُخذ { $number } قيدًا جديدًا.
   *[other] أُخذ { $number } قيد جديد.
}
app-turned_away = { $number ->
    [zero] أُخذ كل ما في الملف.
    [one] قيد واحد ({ $number }) من الملف لم يؤخذ. اطلب الملف مرة أخرى أو زامن.
    [two] قيدان ({ $number }) من الملف لم يؤخذا. اطلب الملف مرة أخرى أو زامن.
    [few] { $number } قيود من الملف لم تؤخذ. اطلب الملف مرة أخرى أو زامن.
    [many] { $number } قيدًا من الملف لم تؤخذ. اطلب الملف مرة أخرى أو زامن.
   *[other] { $number } قيد من الملف لم تؤخذ. اطلب الملف مرة أخرى أو زامن.
}

## Protection

app-protection = الحماية
app-has_pin = رقم سري يحمي ما سجلته. يُقفل من تلقاء نفسه بعد خمس دقائق.
app-no_pin = بلا رقم سري يستطيع من يفتح هذا الهاتف قراءة ما سجلته.
app-pin_set = وضع رقم سري
app-pin_change = تغيير الرقم السري
app-pin_remove = إزالة الرقم السري
app-pin_what = ستة رموز أو أكثر. لا أحد يستطيع إعادة ضبطه، ولا يُمحى شيء أبدًا.
app-pin_old = الرقم السري الحالي
app-pin_new = الرقم السري الجديد
app-pin_again = الرقم السري الجديد مرة أخرى
app-pin_differs = الرقمان الجديدان مختلفان. اكتبهما مرة أخرى.
app-lock_now = اقفل الآن
app-capture_only = التسجيل فقط
app-capture_only_begin = لا تُبقِ شيئًا مما أُرسل
app-capture_only_short = عندها لا يقرأ من يأخذ هذا الهاتف إلا ما ينتظر.
app-capture_only_now = هذا الهاتف للتسجيل فقط: ما أُرسل لا يُقرأ عليه.
app-capture_only_programme = يريد برنامجك أن يكون هذا الهاتف للتسجيل فقط: ما أُرسل لا يُقرأ عليه.
app-capture_only_workers = هاتف المنسق يُبقي ما عنده: الفريق يعتمد عليه.
app-capture_only_what = متى صار السجل عند الخادم حُذف محتواه من هذا الهاتف، ولا تدخل سجلات الزملاء.
app-capture_only_no_totals = عندها لا يعرض السجل والمجاميع إلا ما لم يُرسل. وتُجرى التصحيحات على هاتف آخر.
app-capture_only_hub = إن فقد الخادم أحدث بياناته فلن يستطيع هذا الهاتف إعادة ما حذفه: لا بد أن يكون عند زميل أو عند المنسق.
app-capture_only_for_good = لا يمكن إيقافه هنا: لتقرأ من جديد انضم مرة أخرى بدعوة بدل هذا الهاتف.
app-capture_only_totals = هذا الهاتف للتسجيل فقط، فلا مجاميع فيه. اطلبها من المنسق.
app-quick_exit_how = الباب في أعلى كل شاشة يقود فورًا إلى ساعة، ويقفل.

## About

app-about = ما هو آمن وما ليس آمنًا
app-about_safe = آمن
app-about_safe_1 = ما حُفظ يبقى محفوظًا، وإن فرغت البطارية أو أُغلق التطبيق قسرًا.
app-about_safe_2 = كله مشفّر على هذا الهاتف وفي الطريق. لا يقرأ الملاحظات إلا فريقك.
app-about_safe_3 = مع رقم سري لا يقرأ من يجد هذا الهاتف أو يأخذه شيئًا ما دام مقفلًا.
app-about_safe_4 = ما أُرسل عند الخادم: ضياع الهاتف لا يضيّع منه شيئًا.
app-about_not_safe = غير آمن
app-about_not_safe_1 = ما لم يُرسل بعد موجود على هذا الهاتف وحده. زامن متى استطعت.
app-about_not_safe_2 = بلا رقم سري يقرأ من يفتح هذا الهاتف ما فيه.
app-about_not_safe_3 = من يجبرك على فتحه يقرأ ما فيه. استعمل الخروج السريع قبل ذلك.
app-about_not_safe_4 = يمكن رؤية أن هذا التطبيق على هاتفك. إن ضاع الهاتف فأخبر المنسق فورًا، فيستبعده.
