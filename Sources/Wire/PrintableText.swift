extension Unicode.Scalar {
    /// Whether it prints: a letter, mark, number, punctuation or symbol, or the space.
    package var isPrintable: Bool {
        if self == " " { return true }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .nonspacingMark, .spacingMark, .enclosingMark,
            .decimalNumber, .letterNumber, .otherNumber,
            .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation, .finalPunctuation, .otherPunctuation,
            .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol:
            return true
        default:
            return false
        }
    }
}

extension String {
    /// Whether every character prints.
    package var isPrintable: Bool {
        // Almost every text is plain ASCII, and its check needs no tables.
        if utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return true }
        return unicodeScalars.allSatisfy(\.isPrintable)
    }
}
