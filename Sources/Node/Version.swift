/// What this program says it is.
package enum Version {
    /// Of the program; formats have versions of their own.
    package static let number = "0.1.0"
    /// RFC 3339: when this version was cut.
    package static let date = "2026-11-23T00:00:00Z"
}
