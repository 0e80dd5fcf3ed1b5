// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in Indonesian.

internal import Admission

enum IndonesianSentences: Sentences {
    static var tag: String { "id" }
    static var name: String { "Bahasa Indonesia" }

    static var paused: StaticString { "Antrean dijeda. Tempat Anda tetap tersimpan." }
    static var late: StaticString {
        "Anda melewatkan giliran dua kali. Anda masih menunggu, di belakang semua orang yang ada sekarang."
    }
    static var ready: StaticString { "Sekarang giliran Anda." }
    static var admitted: StaticString { "Anda boleh masuk." }
    static var left: StaticString { "Anda telah keluar dari antrean." }
    static var expired: StaticString { "Tempat Anda telah kedaluwarsa. Silakan antre lagi." }
    static var opening: StaticString { "Belum dibuka. Tempat Anda disimpan." }
    static var registered: StaticString {
        "Anda datang tepat waktu. Urutan diundi saat dibuka: siapa yang datang lebih dulu tidak berpengaruh."
    }
    static var drawing: StaticString { "Urutan sedang diundi." }
    static var ended: StaticString { "Ruang tunggu telah berakhir." }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("Sekitar ", " (keyakinan: ", ")")
    }
    static var hours: StaticString { " jam" }
    static var minutes: StaticString { " mnt" }
    static var seconds: StaticString { " dtk" }
    static func secondsAlone(_: Int) -> StaticString { " detik" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "tinggi"
        case .good: "baik"
        case .fair: "sedang"
        case .low: "rendah"
        }
    }

    static var refused: String {
        "Anda boleh masuk, tetapi situs ini menolak izin masuk Anda dua kali. Coba lagi dalam beberapa "
            + "menit atau beri tahu situs ini. Alasan:"
    }
    static var title: String { "Ruang tunggu" }
    static var queued: String { "Anda dalam antrean" }
    static var explanation: String {
        "Saat ini banyak orang di sini. Biarkan halaman ini terbuka: Anda akan masuk secara otomatis."
    }
    static var positionLabel: String { "Posisi Anda" }
    static var waitLabel: String { "Perkiraan waktu tunggu" }
    static var progressLabel: String { "Kemajuan" }
    static var about: String { "sekitar {}" }
    static var lessThan: String { "kurang dari {}" }
    static var kept: String { "Jika Anda menutup halaman ini, tempat Anda disimpan selama {}." }
    static var returned: String { "Orang di depan Anda kembali ke tempatnya." }
    static var enter: String { "Masuk sekarang" }
    static var leave: String { "Keluar dari antrean" }
    static var leaveQuestion: String { "Keluar dari antrean? Anda akan kehilangan tempat." }
    static var stay: String { "Tetap di sini" }
    static var rejoin: String { "Antre lagi" }
    static var notify: String { "Beri tahu saat giliran saya" }
    static var rings: String { "Anda akan diberi tahu saat giliran Anda." }
    static var languageLabel: String { "Bahasa" }
    static var updated: String { "Diperbarui" }
    static var degraded: String { "Posisi mungkin sedikit terlambat. Tempat Anda tetap tersimpan." }
    static var trouble: String { "Gangguan koneksi. Tempat Anda tetap tersimpan, mencoba lagi…" }
    static var unreachable: String { "Antrean tidak dapat dijangkau saat ini. Mencoba lagi…" }
    static var closed: String { "Ruang tunggu sedang ditutup. Halaman ini mencoba lagi dengan sendirinya." }
    static var full: String { "Antrean sedang penuh. Halaman ini mencoba lagi dengan sendirinya." }
    static var limited: String {
        "Banyak orang datang dari jaringan Anda saat ini. Halaman ini akan mencoba lagi sendiri."
    }
    static var preparing: String { "Menyiapkan tempat Anda…" }
    static var cookies: String {
        "Izinkan cookie untuk situs ini, lalu antre lagi: tempat Anda disimpan di dalamnya."
    }
    static var tokenMissing: String {
        "Satu tempat untuk setiap orang: masuk ke situs ini, lalu buka halaman ini lagi."
    }
    static var tokenInvalid: String {
        "Sesi masuk Anda tidak berlaku lagi: masuk lagi ke situs ini, lalu buka halaman ini."
    }

    static var loadAgain: String { "Muat sekarang" }
    static var allowCookies: String { "Izinkan cookie untuk situs ini: tempat Anda disimpan di dalamnya." }
    static func needsScript(_ seconds: Int) -> String {
        "Begitu banyak orang bergabung sehingga ruang ini memerlukan JavaScript saat ini. Aktifkanlah. "
            + "Halaman ini mencoba lagi dalam \(seconds) dtk."
    }
    static func loadsAgain(_ seconds: Int) -> String {
        "JavaScript nonaktif: halaman ini dimuat ulang dalam \(seconds) dtk."
    }
    static var keptMeanwhile: String { "Tempat Anda tetap tersimpan selama itu." }

    static var formKept: String {
        "Yang Anda kirim disimpan di halaman ini dan dikirim lagi begitu Anda masuk. Biarkan halaman ini terbuka."
    }
    static var formFrom: String { "{} mengirim Anda ke sini dengan formulir. Kirimkan ke situs ini?" }
    static var formOtherSite: String { "Situs lain" }
    static var formSend: String { "Kirimkan" }
    static var formPlain: String {
        "JavaScript mati: tekan tombol untuk melihat apakah sudah giliran Anda. Yang Anda kirim ikut terkirim."
    }
    static var formLook: String { "Lihat apakah sudah giliran saya" }
    static var formLost: String {
        "Yang Anda kirim tidak dapat disimpan selama menunggu: berisi berkas, atau terlalu besar. Setelah "
            + "masuk, kembali dan kirim lagi."
    }
    static var formBack: String { "Anda sudah masuk. Kembali dan kirim lagi." }
    static var formCopied: String { "Disalin." }
    static var formText: String { "Yang Anda kirim" }
    static var formCopy: String { "Salin yang Anda kirim" }
    static var formGoBack: String { "Kembali" }
    static var opensIn: String { "Dibuka dalam {}." }
    static var enterIn: String { "Silakan masuk dalam {}." }
    static var drawn: String { "Tempat Anda ditentukan dengan undian." }
    static var drawRecord: String { "Catatan undian" }
}
