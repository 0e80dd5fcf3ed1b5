// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in Arabic.

internal import Admission

enum ArabicSentences: Sentences {
    static var tag: String { "ar" }
    static var name: String { "العربية" }

    static var paused: StaticString { "الطابور متوقف مؤقتًا. مكانك محفوظ." }
    static var late: StaticString { "فاتك دورك مرتين. ما زلت تنتظر خلف جميع الموجودين هنا الآن." }
    static var ready: StaticString { "حان دورك." }
    static var admitted: StaticString { "يمكنك الدخول الآن." }
    static var left: StaticString { "لقد غادرت الطابور." }
    static var expired: StaticString { "انتهت صلاحية مكانك. يُرجى الانضمام مجددًا." }
    static var opening: StaticString { "لم يُفتح الدخول بعد. مكانك محفوظ." }
    static var registered: StaticString {
        "لقد وصلت في الوقت المناسب. تُسحب الأماكن بالقرعة عند الافتتاح، ولا يهم من وصل أولاً."
    }
    static var drawing: StaticString { "يجري سحب الأماكن بالقرعة." }
    static var ended: StaticString { "انتهت غرفة الانتظار." }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("حوالي ", " (درجة الثقة: ", ")")
    }
    static var hours: StaticString { " س" }
    static var minutes: StaticString { " د" }
    static var seconds: StaticString { " ث" }
    static func secondsAlone(_: Int) -> StaticString { " ثانية" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "عالية"
        case .good: "جيدة"
        case .fair: "متوسطة"
        case .low: "منخفضة"
        }
    }

    static var refused: String {
        "يمكنك الدخول، لكن هذا الموقع رفض تصريحك مرتين. يُرجى المحاولة بعد بضع دقائق أو إبلاغ الموقع. السبب:"
    }
    static var title: String { "غرفة الانتظار" }
    static var queued: String { "أنت في الطابور" }
    static var explanation: String { "يوجد عدد كبير من الأشخاص الآن. أبقِ هذه الصفحة مفتوحة وسيتم إدخالك تلقائيًا." }
    static var positionLabel: String { "موقعك" }
    static var waitLabel: String { "وقت الانتظار المتوقع" }
    static var progressLabel: String { "التقدم" }
    static var about: String { "حوالي {}" }
    static var lessThan: String { "أقل من {}" }
    static var kept: String { "إذا أغلقت هذه الصفحة فسيُحفظ مكانك لمدة {}." }
    static var returned: String { "عاد أشخاص أمامك إلى أماكنهم." }
    static var enter: String { "الدخول الآن" }
    static var leave: String { "مغادرة الطابور" }
    static var leaveQuestion: String { "هل تريد مغادرة الطابور؟ ستفقد مكانك." }
    static var stay: String { "البقاء" }
    static var rejoin: String { "الانضمام مجددًا" }
    static var notify: String { "نبّهني عندما يحين دوري" }
    static var rings: String { "سيتم تنبيهك عندما يحين دورك." }
    static var languageLabel: String { "اللغة" }
    static var updated: String { "آخر تحديث" }
    static var degraded: String { "قد يكون الموقع المعروض قديمًا قليلًا. مكانك محفوظ." }
    static var trouble: String { "مشكلة في الاتصال. مكانك محفوظ، تجري إعادة المحاولة…" }
    static var unreachable: String { "يتعذر الوصول إلى الطابور الآن. تجري إعادة المحاولة…" }
    static var closed: String { "غرفة الانتظار مغلقة حاليًا. تعيد هذه الصفحة المحاولة تلقائيًا." }
    static var full: String { "الطابور ممتلئ حاليًا. تعيد هذه الصفحة المحاولة تلقائيًا." }
    static var limited: String { "يصل الكثير من الأشخاص من شبكتك الآن. تعيد هذه الصفحة المحاولة تلقائيًا." }
    static var preparing: String { "جارٍ تجهيز مكانك…" }
    static var cookies: String {
        "يُرجى السماح بملفات تعريف الارتباط لهذا الموقع ثم الانضمام مجددًا، فمكانك محفوظ فيها."
    }
    static var tokenMissing: String { "مكان واحد لكل شخص: سجّل الدخول في هذا الموقع ثم افتح هذه الصفحة مجددًا." }
    static var tokenInvalid: String {
        "لم يعد تسجيل دخولك صالحًا: سجّل الدخول مجددًا في هذا الموقع ثم افتح هذه الصفحة."
    }

    static var loadAgain: String { "التحميل الآن" }
    static var allowCookies: String { "يُرجى السماح بملفات تعريف الارتباط لهذا الموقع، فمكانك محفوظ فيها." }
    static func needsScript(_ seconds: Int) -> String {
        "عدد المنضمين كبير، لذا تحتاج هذه الغرفة إلى JavaScript الآن. يُرجى تفعيله. تعيد هذه الصفحة "
            + "المحاولة بعد \(seconds) ث."
    }
    static func loadsAgain(_ seconds: Int) -> String { "‏JavaScript معطّل: تُعاد تحميل هذه الصفحة بعد \(seconds) ث." }
    static var keptMeanwhile: String { "مكانك محفوظ في هذه الأثناء." }

    static var formKept: String { "ما أرسلته محفوظ في هذه الصفحة، وسيُرسل مجددًا فور دخولك. أبقِ هذه الصفحة مفتوحة." }
    static var formFrom: String { "أرسلك {} إلى هنا مع نموذج. هل تريد إرساله إلى هذا الموقع؟" }
    static var formOtherSite: String { "موقع آخر" }
    static var formSend: String { "إرسال" }
    static var formPlain: String { "جافاسكربت متوقفة: اضغط الزر لمعرفة ما إذا حان دورك. يُرسل معه ما أرسلته." }
    static var formLook: String { "هل حان دوري؟" }
    static var formLost: String {
        "لا يمكن حفظ ما أرسلته أثناء الانتظار: فهو يحتوي على ملف أو حجمه كبير. بعد الدخول ارجع وأرسله مجددًا."
    }
    static var formBack: String { "لقد دخلت. ارجع وأرسله مجددًا." }
    static var formCopied: String { "تم النسخ." }
    static var formText: String { "ما أرسلته" }
    static var formCopy: String { "نسخ ما أرسلته" }
    static var formGoBack: String { "الرجوع" }
    static var opensIn: String { "يُفتح الدخول خلال {}." }
    static var enterIn: String { "يُرجى الدخول خلال {}." }
    static var drawn: String { "حُدد مكانك بالقرعة." }
    static var drawRecord: String { "سجل القرعة" }
}
