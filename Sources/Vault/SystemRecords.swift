import Barrier
import Engines

/// The vault's own records, read with its own errors: those of the namespace that the view is at
/// home in.
extension BarrierView {
    /// A record of the system mount, or of what a namespace has in its place; or nil.
    borrowing func systemRecord(_ path: String) throws(VaultError) -> Opened? {
        do throws(BarrierError) {
            return try read(home, path)
        } catch {
            throw .barrier(error)
        }
    }

    /// When such a record was written; 0 if it is not there.
    borrowing func systemIndex(_ path: String) throws(VaultError) -> UInt64 {
        do throws(BarrierError) {
            return try modificationIndex(home, path)
        } catch {
            throw .barrier(error)
        }
    }

    /// Some names in a folder of such records, as they lie in the store.
    borrowing func systemNames(
        in folder: String,
        after: String? = nil,
        limit: Int
    ) throws(VaultError) -> [String] {
        do throws(BarrierError) {
            return try names(home, in: folder, after: after, limit: limit)
        } catch {
            throw .barrier(error)
        }
    }

    /// Names in a folder of such records, in the order of their bytes.
    ///
    /// - Parameter page: which part of them.
    borrowing func systemNames(
        _ folder: String,
        page: ListPage = ListPage()
    ) throws(VaultError) -> [String] {
        do throws(BarrierError) {
            return try list(home, directory: folder, after: page.after, limit: page.limit)
        } catch {
            throw .barrier(error)
        }
    }

    /// Whether a home is there, with keys to read it; that of a removed namespace is not.
    borrowing func hasKeys(of home: MountID) throws(VaultError) -> Bool {
        do throws(BarrierError) {
            try loadKeys(home)
            return true
        } catch .mountKeysMissing {
            return false
        } catch {
            throw .barrier(error)
        }
    }

    /// Whether a timer is there as it was read.
    borrowing func isThere(_ timer: DueTimer) throws(VaultError) -> Bool {
        do throws(BarrierError) {
            return try holds(timer)
        } catch {
            throw .barrier(error)
        }
    }
}
