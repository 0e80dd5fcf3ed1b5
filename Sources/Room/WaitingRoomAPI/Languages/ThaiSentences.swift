// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in Thai.

internal import Admission

enum ThaiSentences: Sentences {
    static var tag: String { "th" }
    static var name: String { "ไทย" }

    static var paused: StaticString { "คิวหยุดชั่วคราว ระบบยังเก็บลำดับของคุณไว้" }
    static var late: StaticString { "คุณพลาดคิวไปสองครั้ง คุณยังรออยู่ต่อจากทุกคนที่อยู่ในขณะนี้" }
    static var ready: StaticString { "ถึงคิวของคุณแล้ว" }
    static var admitted: StaticString { "คุณเข้าได้แล้ว" }
    static var left: StaticString { "คุณออกจากคิวแล้ว" }
    static var expired: StaticString { "ลำดับของคุณหมดอายุแล้ว โปรดเข้าคิวใหม่" }
    static var opening: StaticString { "ยังไม่ถึงเวลาเปิด ที่ของคุณยังอยู่" }
    static var registered: StaticString { "คุณมาทันเวลา ลำดับจะจับสลากเมื่อเปิด โดยไม่เกี่ยวกับว่าใครมาก่อน" }
    static var drawing: StaticString { "กำลังจับสลากลำดับ" }
    static var ended: StaticString { "ห้องรอสิ้นสุดแล้ว" }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("ประมาณ ", " (ความมั่นใจ: ", ")")
    }
    static var hours: StaticString { " ชม." }
    static var minutes: StaticString { " นาที" }
    static var seconds: StaticString { " วินาที" }
    static func secondsAlone(_: Int) -> StaticString { " วินาที" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "สูง"
        case .good: "ค่อนข้างสูง"
        case .fair: "ปานกลาง"
        case .low: "ต่ำ"
        }
    }

    static var refused: String {
        "คุณเข้าได้แล้ว แต่เว็บไซต์นี้ปฏิเสธบัตรผ่านของคุณสองครั้ง โปรดลองใหม่ในอีกไม่กี่นาทีหรือแจ้งเว็บไซต์ เหตุผล:"
    }
    static var title: String { "ห้องรอ" }
    static var queued: String { "คุณอยู่ในคิว" }
    static var explanation: String { "ขณะนี้มีผู้ใช้จำนวนมาก โปรดเปิดหน้านี้ไว้ ระบบจะพาคุณเข้าโดยอัตโนมัติ" }
    static var positionLabel: String { "ลำดับของคุณ" }
    static var waitLabel: String { "เวลารอโดยประมาณ" }
    static var progressLabel: String { "ความคืบหน้า" }
    static var about: String { "ประมาณ {}" }
    static var lessThan: String { "น้อยกว่า {}" }
    static var kept: String { "หากคุณปิดหน้านี้ ระบบจะเก็บลำดับของคุณไว้ {}" }
    static var returned: String { "ผู้ที่อยู่ก่อนหน้าคุณกลับเข้าที่ของตน" }
    static var enter: String { "เข้าเลย" }
    static var leave: String { "ออกจากคิว" }
    static var leaveQuestion: String { "ต้องการออกจากคิวหรือไม่ คุณจะเสียลำดับของคุณ" }
    static var stay: String { "รอต่อ" }
    static var rejoin: String { "เข้าคิวใหม่" }
    static var notify: String { "แจ้งเตือนเมื่อถึงคิวของฉัน" }
    static var rings: String { "ระบบจะแจ้งเตือนเมื่อถึงคิวของคุณ" }
    static var languageLabel: String { "ภาษา" }
    static var updated: String { "อัปเดต" }
    static var degraded: String { "ลำดับที่แสดงอาจล่าช้าเล็กน้อย ระบบยังเก็บลำดับของคุณไว้" }
    static var trouble: String { "การเชื่อมต่อมีปัญหา ระบบยังเก็บลำดับของคุณไว้ กำลังลองใหม่…" }
    static var unreachable: String { "ไม่สามารถเชื่อมต่อคิวได้ในขณะนี้ กำลังลองใหม่…" }
    static var closed: String { "ห้องรอปิดอยู่ในขณะนี้ หน้านี้จะลองใหม่เอง" }
    static var full: String { "คิวเต็มในขณะนี้ หน้านี้จะลองใหม่เอง" }
    static var limited: String { "ขณะนี้มีผู้ใช้จำนวนมากจากเครือข่ายของคุณ หน้านี้จะลองใหม่เอง" }
    static var preparing: String { "กำลังเตรียมลำดับของคุณ…" }
    static var cookies: String { "โปรดอนุญาตคุกกี้สำหรับเว็บไซต์นี้แล้วเข้าคิวใหม่ ลำดับของคุณเก็บไว้ในคุกกี้" }
    static var tokenMissing: String { "หนึ่งคนต่อหนึ่งลำดับ โปรดเข้าสู่ระบบในเว็บไซต์นี้แล้วเปิดหน้านี้อีกครั้ง" }
    static var tokenInvalid: String { "การเข้าสู่ระบบของคุณใช้ไม่ได้แล้ว โปรดเข้าสู่ระบบใหม่แล้วเปิดหน้านี้อีกครั้ง" }

    static var loadAgain: String { "โหลดเลย" }
    static var allowCookies: String { "โปรดอนุญาตคุกกี้สำหรับเว็บไซต์นี้ ลำดับของคุณเก็บไว้ในคุกกี้" }
    static func needsScript(_ seconds: Int) -> String {
        "ขณะนี้มีผู้เข้าจำนวนมาก ห้องนี้จึงต้องใช้ JavaScript โปรดเปิดใช้งาน หน้านี้จะลองใหม่ใน \(seconds) วินาที"
    }
    static func loadsAgain(_ seconds: Int) -> String { "JavaScript ปิดอยู่ หน้านี้จะโหลดใหม่ใน \(seconds) วินาที" }
    static var keptMeanwhile: String { "ระหว่างนั้นระบบยังเก็บลำดับของคุณไว้" }

    static var formKept: String { "สิ่งที่คุณส่งเก็บไว้ในหน้านี้ และจะส่งใหม่ทันทีที่คุณเข้าได้ โปรดเปิดหน้านี้ไว้" }
    static var formFrom: String { "{} ส่งคุณมาที่นี่พร้อมแบบฟอร์ม ต้องการส่งต่อไปยังเว็บไซต์นี้หรือไม่" }
    static var formOtherSite: String { "เว็บไซต์อื่น" }
    static var formSend: String { "ส่งต่อ" }
    static var formPlain: String { "JavaScript ปิดอยู่ กดปุ่มเพื่อดูว่าถึงคิวของคุณหรือยัง สิ่งที่คุณส่งจะไปด้วย" }
    static var formLook: String { "ดูว่าถึงคิวของฉันหรือยัง" }
    static var formLost: String {
        "ระหว่างรอไม่สามารถเก็บสิ่งที่คุณส่งได้ เพราะมีไฟล์หรือมีขนาดใหญ่เกินไป เมื่อเข้าได้แล้ว "
            + "โปรดย้อนกลับและส่งอีกครั้ง"
    }
    static var formBack: String { "คุณเข้าได้แล้ว โปรดย้อนกลับและส่งอีกครั้ง" }
    static var formCopied: String { "คัดลอกแล้ว" }
    static var formText: String { "สิ่งที่คุณส่ง" }
    static var formCopy: String { "คัดลอกสิ่งที่คุณส่ง" }
    static var formGoBack: String { "ย้อนกลับ" }
    static var opensIn: String { "จะเปิดในอีก {}" }
    static var enterIn: String { "โปรดเข้าภายใน {}" }
    static var drawn: String { "ลำดับของคุณมาจากการจับสลาก" }
    static var drawRecord: String { "บันทึกการจับสลาก" }
}
