import Testing
import Wire

@testable import Engines

/// The count of failed logins: when it locks, when it forgets, and that it stays small.
@Suite("failed logins")
struct LoginFailuresTests {
    private let rule = LoginFailures.Rule(threshold: 3, seconds: 60, resetSeconds: 30)

    private func at(_ seconds: UInt64) -> Timestamp {
        Timestamp(nanoseconds: (1_000 + seconds) * 1_000_000_000)
    }

    @Test("three in a row lock, and the lock ends")
    func locks() {
        var failures = LoginFailures()
        for second in UInt64(0)..<3 {
            #expect(!failures.isLocked("bob", by: rule, at: at(second)))
            failures.add("bob", isKnown: true, by: rule, at: at(second))
        }
        #expect(failures.isLocked("bob", by: rule, at: at(2)))
        #expect(failures.isLocked("bob", by: rule, at: at(61)))
        #expect(failures.lockedAlias(by: rule, at: at(61)) == "bob")
        #expect(!failures.isLocked("eve", by: rule, at: at(2)))
        #expect(!failures.isLocked("bob", by: rule, at: at(62)))
        #expect(failures.lockedAlias(by: rule, at: at(62)) == nil)
        // After the lock one failure is one failure.
        failures.add("bob", isKnown: true, by: rule, at: at(63))
        #expect(!failures.isLocked("bob", by: rule, at: at(63)))
    }

    @Test("a pause starts the count again")
    func pauses() {
        var failures = LoginFailures()
        for second in [UInt64(0), 29, 60, 89] {
            failures.add("bob", isKnown: true, by: rule, at: at(second))
            #expect(!failures.isLocked("bob", by: rule, at: at(second)))
        }
        failures.add("bob", isKnown: true, by: rule, at: at(90))
        #expect(failures.isLocked("bob", by: rule, at: at(90)))
    }

    @Test("names that are nobody's are counted alike, and shown to nobody")
    func unknown() {
        var failures = LoginFailures()
        for name in ["eve", "mallory"] {
            for _ in 0..<3 { failures.add(name, isKnown: false, by: rule, at: at(0)) }
        }
        #expect(failures.isLocked("eve", by: rule, at: at(1)))
        #expect(failures.isLocked("mallory", by: rule, at: at(1)))
        #expect(failures.lockedAlias(by: rule, at: at(1)) == nil)
        #expect(!failures.encoded().containsText("mallory"))
    }

    @Test("however many names are tried, a record stays small and keeps locks over counts")
    func bounded() throws {
        var failures = LoginFailures()
        for _ in 0..<3 { failures.add("locked", isKnown: false, by: rule, at: at(0)) }
        for number in 0..<200 {
            failures.add("name \(number)", isKnown: false, by: rule, at: at(1))
        }
        #expect(failures.isLocked("locked", by: rule, at: at(1)))
        #expect(failures.encoded().count <= 2 + EngineLimits.failureRowsMax * 48)
        #expect(try LoginFailures(decoding: failures.encoded()) == failures)
        // Once everything is over one row is left.
        failures.add("late", isKnown: false, by: rule, at: at(100))
        #expect(failures.encoded().count < 64)
    }

    @Test("places: a user's own, one of 256 for all others, and no name in any")
    func places() {
        let known = LoginFailurePaths.path(of: "bob", isKnown: true)
        #expect(known.hasPrefix(LoginFailurePaths.known) && !known.contains("bob"))
        var slots: Set<String> = []
        for number in 0..<2_000 {
            slots.insert(LoginFailurePaths.path(of: "n\(number)", isKnown: false))
        }
        #expect(slots.count <= LoginFailurePaths.slotCount && slots.count > 200)
    }

    @Test("records that are cut or changed are errors or counts within the limits")
    func damage() throws {
        var failures = LoginFailures()
        failures.add("bob", isKnown: true, by: rule, at: at(5))
        try expectSound(failures.encoded()) { bytes in
            let read = try LoginFailures(decoding: bytes)
            #expect(try LoginFailures(decoding: read.encoded()) == read)
        }
    }
}

/// Users at rest.
@Suite("records of users")
struct UserRecordTests {
    private func user() throws -> UserRecord {
        let salt = [UInt8](repeating: 7, count: PasswordHash.saltBytes)
        var user = UserRecord(password: try PasswordHash(of: "correct horse", salt: salt))
        user.parameters.policies = ["a", "b"]
        user.parameters.boundCIDRs = ["10.0.0.0/8"]
        user.parameters.kind = .batch
        user.echo = [.policies, .ttl]
        return user
    }

    @Test("a user is read as it was written, and only the password matches")
    func round() throws {
        let user = try user()
        let copy = try UserRecord(decoding: user.encoded())
        #expect(copy == user)
        #expect(try copy.password.matches("correct horse"))
        for wrong in ["", "correct horsf", "correct horse ", "Correct horse"] {
            #expect(try !copy.password.matches(wrong))
        }
        #expect(try !copy.password.matches(String(repeating: "x", count: 2_000)))
        #expect(!user.encoded().containsText("horse"))
    }

    @Test("nobody's password is matched by nothing")
    func nobody() throws {
        #expect(try !PasswordHash.nobody.matches(""))
        #expect(try !PasswordHash.nobody.matches("x"))
    }

    @Test("the same password of two users has two hashes")
    func salts() throws {
        let other = [UInt8](repeating: 8, count: PasswordHash.saltBytes)
        #expect(
            try PasswordHash(of: "correct horse", salt: other).hash != user().password.hash
        )
    }

    @Test("records that are cut or changed are errors or users within the limits")
    func damage() throws {
        try expectSound(user().encoded()) { bytes in
            let read = try UserRecord(decoding: bytes)
            #expect(try UserRecord(decoding: read.encoded()) == read)
        }
    }

    @Test(
        "names as OpenBao's paths have them",
        arguments: [
            ("bob", "bob"), ("Bob-2.X_y", "bob-2.x_y"), ("_", "_"), ("7", "7"), ("", nil),
            ("-a", nil), ("a-", nil), (".a", nil), ("a b", nil), ("a@b", nil), ("é", nil),
            ("a\u{0}b", nil),
        ]
    )
    func names(_ written: String, _ stored: String?) {
        #expect(AuthName.stored(written) == stored)
    }
}

/// Reads every cut and every changed byte of a record: each is an error, or something that `read`
/// finds sound.
func expectSound(_ bytes: [UInt8], _ read: ([UInt8]) throws -> Void) throws {
    for count in 0..<bytes.count {
        #expect(throws: EngineError.self) { try read(Array(bytes[..<count])) }
    }
    #expect(throws: EngineError.self) { try read(bytes + [0]) }
    for position in bytes.indices {
        for flip in [UInt8(0x01), 0x02, 0x10, 0x7F, 0x80, 0xFF] {
            var changed = bytes
            changed[position] ^= flip
            do {
                try read(changed)
            } catch is EngineError {
                continue
            }
        }
    }
}

extension [UInt8] {
    fileprivate func containsText(_ text: String) -> Bool {
        let wanted = Array(text.utf8)
        return indices.contains { self[$0...].starts(with: wanted) }
    }
}
