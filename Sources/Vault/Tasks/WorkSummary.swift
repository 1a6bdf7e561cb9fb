package import Barrier
package import Store
package import Wire

/// What the vault has to do by itself and what keeps it, in a few numbers for operators. The same
/// on every unsealed member.
package struct WorkSummary: Sendable, Equatable {
    /// A job that does not get on.
    package struct Stuck: Sendable, Equatable {
        /// As `sys/jobs` names it.
        package let id: String
        package let kind: String
        /// Failures since it last got on.
        package let failures: UInt32
        package let nextAttempt: Timestamp
        /// For operators; holds no secret.
        package let reason: String
    }

    /// Jobs under way.
    package let jobs: UInt64
    /// Of these, those that failed since they last got on.
    package let failing: UInt64
    /// Of these, those that end a token or a lease whose time is over, or which was taken back.
    package let stuckLeases: UInt64
    /// Those that failed most often, ``VaultLimits/stuckJobsShown`` at most.
    package let worst: [Stuck]

    /// Looks at the first ``VaultLimits/jobsShownMax`` jobs.
    ///
    /// - Throws: ``VaultError`` where the table of jobs cannot be read. A single job that cannot
    ///   be read counts as failing.
    package init(_ keyring: Keyring, view: borrowing ReadView) throws(VaultError) {
        let barrier = BarrierView(keyring, over: view)
        jobs = try JobTable(barrier).count
        var failing: UInt64 = 0
        var stuckLeases: UInt64 = 0
        var worst: [Stuck] = []
        let names =
            jobs == 0
            ? []
            : try barrier.systemNames(in: SystemPaths.jobs, limit: VaultLimits.jobsShownMax)
        for id in names {
            do throws(VaultError) {
                guard let job = try JobEntry(id, barrier), job.record.failureCount > 0 else {
                    continue
                }
                if job.record.endsLeases { stuckLeases += 1 }
                worst.append(Stuck(job))
            } catch {
                worst.append(Stuck(damaged: id, error.summary))
            }
            failing += 1
        }
        // Names come in the order of their places, which is no order: the id decides between
        // equals, so that every member tells the same.
        worst.sort { ($1.failures, $0.id) < ($0.failures, $1.id) }
        (self.failing, self.stuckLeases) = (failing, stuckLeases)
        self.worst = Array(worst.prefix(VaultLimits.stuckJobsShown))
    }
}

extension WorkSummary {
    /// How many service tokens there are in all namespaces together. Goes over the places of all of
    /// them, and opens none; reads the table of each namespace.
    package static func tokens(
        _ keyring: Keyring,
        _ cache: VaultCache,
        view: borrowing ReadView
    ) throws(VaultError) -> Int {
        let barrier = BarrierView(keyring, over: view)
        let finder = NamespaceFinder(cache: cache)
        var waiting = [Place(namespace: .root, mounts: try cache.mounts(barrier))]
        var count = 0
        while let place = waiting.popLast() {
            count += try tokens(in: place.namespace.home, barrier)
            for child in place.children where !child.entry.record.isEnding {
                waiting.append(try finder.place(of: child.entry, below: child.parent, barrier))
            }
        }
        return count
    }

    private static func tokens(
        in home: MountID,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Int {
        do throws(BarrierError) {
            return try view.count(home, in: SystemPaths.tokens)
        } catch {
            throw .barrier(error)
        }
    }
}

extension WorkSummary.Stuck {
    fileprivate init(_ job: JobEntry) {
        id = job.id
        kind = job.record.kind.name
        failures = job.record.failureCount
        nextAttempt = job.record.due
        reason = job.record.lastError
    }

    fileprivate init(damaged id: String, _ reason: String) {
        self.id = id
        kind = "damaged"
        failures = .max
        nextAttempt = Timestamp(nanoseconds: 0)
        self.reason = reason
    }
}

extension JobRecord {
    /// Whether tokens or leases live on while it fails.
    fileprivate var endsLeases: Bool {
        if kind == .revocation { return true }
        guard kind == .due, let path = String(validating: arguments, as: UTF8.self) else {
            return false
        }
        return TimerPlace(path).path.below(SystemPaths.tokens) != nil
    }
}
