import Barrier

/// The vault's own records, read with its own errors.
extension BarrierView {
    /// A record of the system mount, or nil.
    borrowing func systemRecord(_ path: String) throws(VaultError) -> Opened? {
        do throws(BarrierError) {
            return try read(.system, path)
        } catch {
            throw .barrier(error)
        }
    }

    /// When a record of the system mount was written; 0 if it is not there.
    borrowing func systemIndex(_ path: String) throws(VaultError) -> UInt64 {
        do throws(BarrierError) {
            return try modificationIndex(.system, path)
        } catch {
            throw .barrier(error)
        }
    }

    /// Some names in a folder of the system mount, as they lie in the store.
    borrowing func systemNames(
        in folder: String,
        after: String? = nil,
        limit: Int
    ) throws(VaultError) -> [String] {
        do throws(BarrierError) {
            return try names(.system, in: folder, after: after, limit: limit)
        } catch {
            throw .barrier(error)
        }
    }

    /// Names in a folder of the system mount.
    borrowing func systemNames(_ folder: String) throws(VaultError) -> [String] {
        do throws(BarrierError) {
            return try list(.system, directory: folder)
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
