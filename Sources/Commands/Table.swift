/// Columns of text, aligned to the left, with a line of dashes under the header.
struct Table {
    let header: [String]
    private(set) var rows: [[String]] = []
    /// Spaces between columns.
    let gap: Int

    init(_ header: [String], gap: Int = 4) {
        self.header = header
        self.gap = gap
    }

    mutating func add(_ row: [String]) {
        precondition(row.count == header.count, "a row has as many cells as the header")
        rows.append(row)
    }

    /// Sorts rows by their first cell, by bytes.
    mutating func sort() {
        rows.sort { $0[0].utf8.lexicographicallyPrecedes($1[0].utf8) }
    }

    /// The table without a final line end. No line ends in spaces.
    ///
    /// - Parameter paint: changes a cell after it was measured, by row and column; for colours.
    func text(paint: (Int, Int, String) -> String = { _, _, cell in cell }) -> String {
        var widths = header.map(\.count)
        for row in rows {
            for (column, cell) in row.enumerated() {
                widths[column] = max(widths[column], cell.count)
            }
        }
        var lines = [line(header, widths), line(header.map { dashes($0.count) }, widths)]
        for (position, row) in rows.enumerated() {
            lines.append(line(row, widths) { column, cell in paint(position, column, cell) })
        }
        return lines.joined(separator: "\n")
    }

    private func dashes(_ count: Int) -> String { String(repeating: "-", count: count) }

    private func line(
        _ cells: [String],
        _ widths: [Int],
        paint: (Int, String) -> String = { _, cell in cell }
    ) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            line += paint(column, cell)
            let isLast = cells[(column + 1)...].allSatisfy(\.isEmpty)
            if isLast { break }
            line += String(repeating: " ", count: widths[column] - cell.count + gap)
        }
        return line
    }
}
