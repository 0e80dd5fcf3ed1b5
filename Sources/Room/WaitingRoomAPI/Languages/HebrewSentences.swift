// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in Hebrew.

internal import Admission

enum HebrewSentences: Sentences {
    static var tag: String { "he" }
    static var name: String { "עברית" }

    static var paused: StaticString { "התור מושהה. מקומך נשמר." }
    static var late: StaticString { "התור שלך הוחמץ פעמיים. ההמתנה נמשכת, אחרי כל מי שנמצא כאן עכשיו." }
    static var ready: StaticString { "הגיע תורך." }
    static var admitted: StaticString { "אפשר להיכנס." }
    static var left: StaticString { "יצאת מהתור." }
    static var expired: StaticString { "תוקף המקום שלך פג. יש להצטרף שוב." }
    static var opening: StaticString { "הכניסה עדיין לא נפתחה. מקומך נשמר." }
    static var registered: StaticString { "הגעת בזמן. המקומות מוגרלים עם הפתיחה, וסדר ההגעה אינו משנה." }
    static var drawing: StaticString { "המקומות מוגרלים כעת." }
    static var ended: StaticString { "חדר ההמתנה הסתיים." }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("בערך ", " (רמת ודאות: ", ")")
    }
    static var hours: StaticString { " שע׳" }
    static var minutes: StaticString { " דק׳" }
    static var seconds: StaticString { " שנ׳" }
    static func secondsAlone(_ count: Int) -> StaticString { count == 1 ? " שנייה" : " שניות" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "גבוהה"
        case .good: "טובה"
        case .fair: "בינונית"
        case .low: "נמוכה"
        }
    }

    static var refused: String {
        "אפשר להיכנס, אך האתר דחה את האישור שלך פעמיים. יש לנסות שוב בעוד כמה דקות או להודיע לאתר. הסיבה:"
    }
    static var title: String { "חדר המתנה" }
    static var queued: String { "ההמתנה בתור החלה" }
    static var explanation: String { "יש כאן אנשים רבים כרגע. יש להשאיר את הדף פתוח: הכניסה תתבצע אוטומטית." }
    static var positionLabel: String { "מקומך בתור" }
    static var waitLabel: String { "זמן המתנה משוער" }
    static var progressLabel: String { "התקדמות" }
    static var about: String { "בערך {}" }
    static var lessThan: String { "פחות מ-{}" }
    static var kept: String { "אם הדף ייסגר, מקומך יישמר למשך {}." }
    static var returned: String { "אנשים שלפניך חזרו למקומותיהם." }
    static var enter: String { "כניסה עכשיו" }
    static var leave: String { "יציאה מהתור" }
    static var leaveQuestion: String { "לצאת מהתור? מקומך יאבד." }
    static var stay: String { "להישאר" }
    static var rejoin: String { "הצטרפות מחדש" }
    static var notify: String { "להודיע לי כשיגיע תורי" }
    static var rings: String { "תתקבל התראה כשיגיע תורך." }
    static var languageLabel: String { "שפה" }
    static var updated: String { "עודכן" }
    static var degraded: String { "ייתכן שהמקום המוצג אינו מעודכן לגמרי. מקומך נשמר." }
    static var trouble: String { "בעיית חיבור. מקומך נשמר, מנסים שוב…" }
    static var unreachable: String { "לא ניתן להגיע לתור כרגע. מנסים שוב…" }
    static var closed: String { "חדר ההמתנה סגור כרגע. הדף ינסה שוב בעצמו." }
    static var full: String { "התור מלא כרגע. הדף ינסה שוב בעצמו." }
    static var limited: String { "אנשים רבים מגיעים כעת מהרשת שלך. הדף ינסה שוב מעצמו." }
    static var preparing: String { "המקום שלך בהכנה…" }
    static var cookies: String { "יש לאפשר קובצי Cookie לאתר זה ולהצטרף שוב: המקום נשמר בהם." }
    static var tokenMissing: String { "מקום אחד לכל אדם: יש להתחבר לאתר זה ולפתוח שוב את הדף." }
    static var tokenInvalid: String { "ההתחברות שלך אינה תקפה עוד: יש להתחבר שוב לאתר ולפתוח שוב את הדף." }

    static var loadAgain: String { "טעינה עכשיו" }
    static var allowCookies: String { "יש לאפשר קובצי Cookie לאתר זה: המקום נשמר בהם." }
    static func needsScript(_ seconds: Int) -> String {
        "העומס רב, ולכן החדר דורש כרגע JavaScript. יש להפעיל אותו. הדף ינסה שוב בעוד \(seconds) שנ׳."
    }
    static func loadsAgain(_ seconds: Int) -> String { "‏JavaScript כבוי: הדף ייטען שוב בעוד \(seconds) שנ׳." }
    static var keptMeanwhile: String { "מקומך נשמר בינתיים." }

    static var formKept: String { "מה ששלחת נשמר בדף הזה ויישלח שוב מיד עם כניסתך. יש להשאיר את הדף פתוח." }
    static var formFrom: String { "הגעת לכאן עם טופס מ־{}. לשלוח אותו לאתר הזה?" }
    static var formOtherSite: String { "אתר אחר" }
    static var formSend: String { "שליחה" }
    static var formPlain: String { "JavaScript כבוי: לחיצה על הכפתור תראה אם הגיע תורך. מה ששלחת יישלח יחד." }
    static var formLook: String { "לבדוק אם הגיע תורי" }
    static var formLost: String {
        "אי אפשר לשמור את מה ששלחת בזמן ההמתנה: יש בו קובץ, או שהוא גדול מדי. אחרי הכניסה יש לחזור ולשלוח שוב."
    }
    static var formBack: String { "נכנסת. יש לחזור ולשלוח שוב." }
    static var formCopied: String { "הועתק." }
    static var formText: String { "מה ששלחת" }
    static var formCopy: String { "העתקת מה ששלחת" }
    static var formGoBack: String { "חזרה" }
    static var opensIn: String { "הכניסה נפתחת בעוד {}." }
    static var enterIn: String { "יש להיכנס בתוך {}." }
    static var drawn: String { "מקומך נקבע בהגרלה." }
    static var drawRecord: String { "רישום ההגרלה" }
}
