import Transport
import Wire

/// What an operator needs of a node before it can be configured: its name and its pin.
package enum NodeKey {
    /// The pin of the key in a data folder, 64 hex digits. Makes the key if there is none.
    ///
    /// - Parameter data: a folder that exists.
    /// - Throws: `TransportError` when the key cannot be read, is damaged, or others can read it.
    package static func pin(data: String) throws -> String {
        try NodeIdentity.loadOrCreate(folder: data).pinText
    }

    /// Name and data folder from a settings file that need not be complete: while pins are being
    /// collected, it cannot be.
    ///
    /// - Throws: ``SettingsError``.
    package static func place(
        inSettings text: String,
        path: String
    ) throws(SettingsError) -> (node: String, data: String) {
        let table = try SettingsReader.document(text, path: path).top
        guard case .text(let node) = table["node"], !node.isEmpty else { throw .missing("node") }
        guard case .text(let data) = table["data"], !data.isEmpty else { throw .missing("data") }
        return (node, data)
    }
}
