package import Wire

/// What the passwords of one policy look like: how long they are, and of which characters.
///
/// Every password that the rules allow is as likely as every other: characters are drawn evenly
/// from all that any rule names, and a draw that breaks a rule is thrown away whole. Putting the
/// required characters in first and shuffling would end sooner and prefer some passwords.
///
/// - Source: the format is OpenBao's: HCL, or JSON, with `length` and blocks `rule "charset"`.
package struct PasswordPolicy: Equatable, Sendable {
    /// One block: characters that may be used, and how many of them must be.
    package struct Charset: Equatable, Sendable {
        /// Sorted, each once.
        package let characters: [Unicode.Scalar]
        /// Not negative.
        package let countMin: Int
    }

    /// Characters of a password: ``PolicyLimits/passwordLengths``.
    package let length: Int
    /// In the order of the text.
    package let charsets: [Charset]
    /// All characters that may be used, sorted, each once.
    package let characters: [Unicode.Scalar]
    /// What the text says that means nothing, for a warning.
    package let ignored: [String]

    /// Reads HCL, or JSON if the text begins with a brace.
    ///
    /// - Throws: ``PasswordPolicyError``; all problems of its meaning together.
    package init(parsing text: String) throws(PasswordPolicyError) {
        var reading = PasswordPolicyReading()
        do throws(PolicyError) {
            for item in try HCLParser.parse(text) { try reading.take(item) }
        } catch {
            throw .unreadable(error.summary)
        }
        length = reading.length
        charsets = reading.charsets
        characters = Set(reading.charsets.flatMap(\.characters)).sorted()
        ignored = reading.ignored
        try check()
    }

    private func check() throws(PasswordPolicyError) {
        var problems: [String] = []
        let needed = charsets.reduce(0) { $0 + $1.countMin }
        if length <= 0 {
            problems.append("length must be > 0")
        } else if needed > length {
            problems.append(
                "specified rules require at least \(needed) characters but \(length) is specified"
            )
        }
        if characters.isEmpty {
            problems.append("no charset specified")
        } else if !characters.allSatisfy(\.isPrintable) {
            problems.append("non-printable character in charset")
        }
        guard problems.isEmpty else { throw .senseless(problems) }
        let lengths = PolicyLimits.passwordLengths
        guard lengths.contains(length) else { throw .length(length) }
    }

    /// One password.
    ///
    /// - Parameters:
    ///   - tries: draws at most.
    ///   - draw: gives as many random bytes as it is asked for: four for each character of a draw,
    ///     and rarely four more.
    /// - Returns: nil if no draw kept to all rules.
    package func password(tries: Int, _ draw: (Int) -> [UInt8]) -> String? {
        let numbers = EvenNumbers(below: UInt32(characters.count))
        for _ in 0..<tries {
            let drawn = numbers.draw(length, draw).map { characters[Int($0)] }
            if isAllowed(drawn) {
                return drawn.reduce(into: "") { $0.unicodeScalars.append($1) }
            }
        }
        return nil
    }

    private func isAllowed(_ drawn: [Unicode.Scalar]) -> Bool {
        charsets.allSatisfy { charset in
            guard charset.countMin > 0 else { return true }
            let members = Set(charset.characters)
            return drawn.count { members.contains($0) } >= charset.countMin
        }
    }
}

/// Why a text is no policy for passwords. The words are OpenBao's where it has any.
package enum PasswordPolicyError: OperatorError, Equatable {
    /// The text breaks off, or something stands in it where it cannot.
    case unreadable(String)
    /// It can be read, and no password could keep to it: one text for each reason.
    case senseless([String])
    /// Passwords of this length are not made.
    case length(Int)

    /// Whoever wrote the policy.
    package var blame: Blame { .caller }

    /// What is wrong.
    package var summary: String {
        switch self {
        case .unreadable(let text): text
        case .senseless(let problems): problems.joined(separator: "; ")
        case .length:
            "passwords must be between \(PolicyLimits.passwordLengths.lowerBound) and "
                + "\(PolicyLimits.passwordLengths.upperBound) characters"
        }
    }

    /// What to do about it.
    package var remedy: String { "correct the policy; nothing was changed" }
}

/// A policy while its text is read.
private struct PasswordPolicyReading {
    /// 0 as long as the text has not said.
    var length = 0
    var charsets: [PasswordPolicy.Charset] = []
    var ignored: [String] = []

    mutating func take(_ item: HCLItem) throws(PolicyError) {
        switch item.keys[0] {
        case "length":
            guard item.keys.count == 1, let number = Self.whole(item.value) else {
                throw .syntax(line: item.line, problem: "`length` needs a whole number")
            }
            length = number
        case "rule":
            for block in try HCLBlock.blocks(of: item, label: "one type") { try take(block) }
        case let key:
            ignored.append(key)
        }
    }

    private mutating func take(_ block: HCLBlock) throws(PolicyError) {
        guard block.label == "charset" else {
            throw .syntax(
                line: block.line,
                problem: "unrecognized rule type \(block.label); there is only charset"
            )
        }
        guard charsets.count < PolicyLimits.charsetsMax else {
            throw .tooLarge("more than \(PolicyLimits.charsetsMax) rules")
        }
        var characters: Set<Unicode.Scalar> = []
        var countMin = 0
        for item in block.items {
            switch (item.keys[0], item.value) {
            case ("charset", .string(let text)): characters = Set(text.unicodeScalars)
            case ("charset", _):
                throw .syntax(line: item.line, problem: "`charset` needs a text")
            case ("min-chars", let value):
                guard let number = Self.whole(value) else {
                    throw .syntax(line: item.line, problem: "`min-chars` needs a whole number")
                }
                countMin = max(0, number)
            case (let key, _): ignored.append(key)
            }
        }
        charsets.append(.init(characters: characters.sorted(), countMin: countMin))
    }

    /// A fraction is dropped, as OpenBao drops it. Far beyond all lengths it is that far only.
    private static func whole(_ value: HCLValue) -> Int? {
        guard case .number(let text) = value, let number = Double(text) else { return nil }
        return Int(max(-1e6, min(1e6, number)))
    }
}

/// Numbers below a bound, each as likely as every other, from random bytes.
private struct EvenNumbers {
    private let bound: UInt32
    /// The largest multiple of `bound`; numbers from here on would prefer the small ones.
    private let end: UInt64

    init(below bound: UInt32) {
        precondition(bound > 0, "there is no number below 0")
        self.bound = bound
        end = (1 << 32) - (1 << 32) % UInt64(bound)
    }

    func draw(_ count: Int, _ draw: (Int) -> [UInt8]) -> [UInt32] {
        var numbers: [UInt32] = []
        numbers.reserveCapacity(count)
        while numbers.count < count {
            var bytes = draw(4 * (count - numbers.count))[...]
            while bytes.count >= 4 {
                let drawn = bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                bytes = bytes.dropFirst(4)
                if UInt64(drawn) < end { numbers.append(drawn % bound) }
            }
        }
        return numbers
    }
}
