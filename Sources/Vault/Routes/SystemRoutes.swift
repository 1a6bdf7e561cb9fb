package import Engines

/// The paths of `sys/…`, below it. What is not here is no path: ``SystemBackend`` asks this table
/// before it does anything.
package enum SystemRoutes {
    /// Those that the vault steps.
    package static let vault = RouteTable(
        mounts + leases + policies + wrapping + configuration + facts
    )

    /// Those that a node answers itself, or that the leader carries out for the cluster.
    package static let node = RouteTable(ceremonies + ownNode + cluster)

    private static let mounts = [
        Endpoint("mounts", .read, summary: "All secrets engines."),
        Endpoint(
            "mounts/{path...}/tune",
            .read,
            .update,
            summary: "What can be changed about a mount, auth methods included."
        ),
        Endpoint(
            "mounts/{path...}",
            .read,
            .update,
            .delete,
            summary: "A secrets engine: mounts one, shows it, unmounts it."
        ),
        Endpoint("auth", .read, summary: "All auth methods."),
        Endpoint(
            "auth/{path...}/tune",
            .read,
            .update,
            summary: "What can be changed about an auth method."
        ),
        Endpoint(
            "auth/{path...}",
            .read,
            .update,
            .delete,
            summary: "An auth method: enables one, shows it, disables it."
        ),
        Endpoint("remount", .update, summary: "Moves a mount to another path."),
        Endpoint("remount/status/{migration_id}", .read, summary: "What became of a move."),
        Endpoint(
            "retired-mounts/?",
            .read,
            .list,
            summary: "Mounts that were unmounted and can come back."
        ),
        Endpoint(
            "retired-mounts/config",
            .read,
            .update,
            summary: "How long unmounted mounts can come back."
        ),
        Endpoint("retired-mounts/{id}/restore", .update, summary: "Brings a mount back."),
        Endpoint("locked-users", .read, summary: "Users that may not log in for a while."),
        Endpoint(
            "locked-users/{mount_accessor}/unlock/{alias_identifier...}",
            .update,
            summary: "Lets a user log in again."
        ),
        Endpoint(
            "internal/ui/mounts",
            .read,
            summary: "The mounts that the token can reach, or that everybody may know.",
            isOpen: true
        ),
        Endpoint("internal/ui/mounts/{path...}", .read, summary: "The mount that serves a path."),
    ]

    private static let leases = [
        Endpoint("leases", .read, summary: "Leases whose revocation fails."),
        Endpoint(
            "leases/count",
            .read,
            summary: "How many leases there are whose revocation fails."
        ),
        Endpoint("leases/lookup", .update, summary: "What is known about a lease."),
        Endpoint("leases/lookup/{prefix...}", .list, summary: "The leases below a prefix."),
        Endpoint("leases/lookup/", .list, summary: "The leases at the top."),
        Endpoint("leases/renew", .update, summary: "Renews a lease."),
        Endpoint("leases/renew/{lease_id...}", .update, summary: "Renews a lease."),
        Endpoint("leases/revoke", .update, summary: "Revokes a lease."),
        Endpoint("leases/revoke/{lease_id...}", .update, summary: "Revokes a lease."),
        Endpoint(
            "leases/revoke-prefix/{prefix...}",
            .update,
            summary: "Revokes all leases below a prefix."
        ),
        Endpoint(
            "leases/revoke-force/{prefix...}",
            .update,
            summary: "Revokes all leases below a prefix, whatever engines say."
        ),
        Endpoint("leases/tidy", .update, summary: "Looks for leases without a token."),
        Endpoint("renew", .update, summary: "Old name of leases/renew."),
        Endpoint("renew/{lease_id...}", .update, summary: "Old name of leases/renew."),
        Endpoint("revoke", .update, summary: "Old name of leases/revoke."),
        Endpoint("revoke/{lease_id...}", .update, summary: "Old name of leases/revoke."),
        Endpoint(
            "revoke-prefix/{prefix...}",
            .update,
            summary: "Old name of leases/revoke-prefix."
        ),
        Endpoint("revoke-force/{prefix...}", .update, summary: "Old name of leases/revoke-force."),
    ]

    private static let policies = [
        Endpoint("policy/?", .read, .list, summary: "The names of all policies."),
        Endpoint("policy/{name...}", .read, .update, .delete, summary: "A policy."),
        Endpoint("policies/acl/?", .list, summary: "The names of all policies."),
        Endpoint(
            "policies/acl/{name...}",
            .read,
            .update,
            .patch,
            .delete,
            .list,
            summary: "A policy; with a slash at its end, those whose names begin so."
        ),
        Endpoint("policies/detailed/acl/?", .list, summary: "All policies with their texts."),
        Endpoint(
            "policies/detailed/acl/{name...}",
            .list,
            summary: "Policies whose names begin so, with their texts."
        ),
        Endpoint(
            "policies/versions/acl/{name...}",
            .read,
            .delete,
            summary: "The versions of a policy."
        ),
        Endpoint("policies/diff/acl/{name...}", .read, summary: "What changed between versions."),
        Endpoint("policies/rollback/acl/{name...}", .update, summary: "Puts an old version back."),
        Endpoint("policies/password/?", .list, summary: "The names of all password policies."),
        Endpoint(
            "policies/password/{name...}/generate",
            .read,
            summary: "A password that keeps to a policy."
        ),
        Endpoint(
            "policies/password/{name...}",
            .read,
            .update,
            .delete,
            summary: "A policy for passwords."
        ),
        Endpoint("policies/explain", .update, summary: "Why a request is allowed or denied."),
        Endpoint("capabilities", .update, summary: "What a token may do."),
        Endpoint("capabilities-self", .update, summary: "What the token that asks may do."),
        Endpoint("capabilities-accessor", .update, summary: "What an accessor's token may do."),
        Endpoint("internal/ui/resultant-acl", .read, summary: "All that the token may do."),
    ]

    private static let wrapping = [
        Endpoint("wrapping/wrap", .update, summary: "Wraps what is sent."),
        Endpoint(
            "wrapping/lookup",
            .read,
            .update,
            summary: "What is known about a wrapped answer.",
            isOpen: true
        ),
        Endpoint("wrapping/unwrap", .update, summary: "Gives a wrapped answer out, once."),
        Endpoint("wrapping/rewrap", .update, summary: "Another token for a wrapped answer."),
        Endpoint(
            "decode-token",
            .update,
            summary: "Takes the one-time password off a root token.",
            isOpen: true
        ),
        Endpoint("tools/hash", .update, summary: "The digest of what is sent."),
        Endpoint("tools/hash/{algorithm...}", .update, summary: "The digest of what is sent."),
        Endpoint("tools/random", .update, summary: "Random bytes."),
        Endpoint("tools/random/{bytes...}", .update, summary: "Random bytes."),
    ]

    private static let configuration = [
        Endpoint("quotas/config", .read, .update, summary: "What holds for all rate limits."),
        Endpoint("quotas/rate-limit/?", .list, summary: "The names of all rate limits."),
        Endpoint("quotas/rate-limit/{name}", .read, .update, .delete, summary: "A rate limit."),
        Endpoint(
            "config/cors",
            .read,
            .update,
            .delete,
            summary: "Which web pages may use the API from a browser."
        ),
        Endpoint(
            "config/auditing/request-headers",
            .read,
            summary: "The headers of requests that audit records have."
        ),
        Endpoint(
            "config/auditing/request-headers/{header...}",
            .read,
            .update,
            .delete,
            summary: "A header that audit records have."
        ),
    ]

    private static let facts = [
        Endpoint("ha-status", .read, summary: "Every member of the cluster."),
        Endpoint("storage/raft/configuration", .read, summary: "Every member, as Raft sees it."),
        Endpoint("audit", .read, summary: "Every audit device."),
        Endpoint("audit/{path...}", .update, .delete, summary: "An audit device."),
        Endpoint("audit-hash/{path...}", .update, summary: "What records show for a text."),
        Endpoint("audit-anchors", .read, summary: "What the cluster knows of audit logs."),
        Endpoint("audit-key", .update, summary: "What opens one segment of an audit log."),
        Endpoint("version-history/?", .list, summary: "Versions that have led this vault."),
        Endpoint("jobs/?", .list, summary: "What the vault does by itself."),
        Endpoint("jobs/{id}", .read, summary: "One of those."),
        Endpoint(
            "plugins/catalog/?",
            .read,
            summary: "The engines and auth methods that there are."
        ),
        Endpoint("plugins/catalog/{type}/?", .list, summary: "Those of one kind."),
        Endpoint("plugins/catalog/{type}/{name}/?", .read, summary: "One of those."),
        Endpoint("internal/counters/tokens", .read, summary: "How many tokens there are."),
        Endpoint("internal/counters/entities", .read, summary: "How many entities there are."),
        Endpoint("internal/counters/requests", .read, summary: "Was removed from OpenBao."),
        Endpoint("namespaces/?", .list, .scan, summary: "The namespaces below this one."),
        Endpoint("namespaces/api-lock/lock", .update, summary: "Locks the API of this namespace."),
        Endpoint(
            "namespaces/api-lock/lock/{path...}",
            .update,
            summary: "Locks the API of a namespace and of all below it."
        ),
        Endpoint(
            "namespaces/api-lock/unlock",
            .update,
            summary: "Unlocks the API of this namespace."
        ),
        Endpoint(
            "namespaces/api-lock/unlock/{path...}",
            .update,
            summary: "Unlocks the API of a namespace."
        ),
        Endpoint(
            "namespaces/{path...}",
            .read,
            .update,
            .patch,
            .delete,
            summary: "A namespace: makes one, shows it, removes it with all that is in it."
        ),
        Endpoint("internal/ui/namespaces", .read, summary: "Namespaces to choose from."),
        Endpoint(
            "internal/specs/openapi",
            .read,
            summary: "This description, of what the token may see.",
            isOpen: true
        ),
    ]

    // MARK: of the node

    private static let ceremonies = [
        Endpoint("init", .read, .update, summary: "Makes the vault, once.", isOpen: true),
        Endpoint("seal-status", .read, summary: "Whether this node has the keys.", isOpen: true),
        Endpoint("unseal", .update, summary: "Gives a share of the seal key.", isOpen: true),
        Endpoint("seal", .update, summary: "Drops the keys of this node."),
        Endpoint("health", .read, summary: "Whether this node serves.", isOpen: true),
        Endpoint("leader", .read, summary: "Which member leads.", isOpen: true),
    ]

    private static let ownNode = [
        Endpoint("node-status", .read, summary: "How this node does, in any state.", isOpen: true),
        Endpoint("metrics", .read, summary: "Numbers of this node."),
        Endpoint("host-info", .read, summary: "What this node runs on."),
        Endpoint("in-flight-req", .read, summary: "What clients of this node wait for."),
        Endpoint("config/state/sanitized", .read, summary: "How this node is set."),
        Endpoint("monitor", .read, summary: "What this node logs from now on, line by line."),
        Endpoint(
            "loggers",
            .read,
            .update,
            .delete,
            summary: "How much each part of this node logs."
        ),
        Endpoint(
            "loggers/{name}",
            .read,
            .update,
            .delete,
            summary: "How much one part of this node logs."
        ),
    ]

    private static let cluster = [
        Endpoint("step-down", .update, summary: "Lets another member lead."),
        Endpoint("storage/raft/join", .update, summary: "OpenBao's way to join.", isOpen: true),
        Endpoint("storage/raft/remove-peer", .update, summary: "Removes a member."),
        Endpoint("storage/raft/promote", .update, summary: "Lets a member vote."),
        Endpoint("storage/raft/demote", .update, summary: "Takes a member's vote."),
        Endpoint("storage/raft/autopilot/state", .read, summary: "How the members do."),
        Endpoint(
            "storage/raft/autopilot/configuration",
            .read,
            summary: "What the leader does with members by itself."
        ),
        Endpoint("cluster/transfer", .update, summary: "Lets a certain member lead."),
        Endpoint("cluster/replace", .update, summary: "Puts a member in another's place."),
        Endpoint("cluster/join-token", .update, summary: "Makes a token to join with."),
        Endpoint("cluster/join", .update, summary: "Joins, with such a token.", isOpen: true),
    ]
}

/// The paths of `auth/token/…`, below it.
enum TokenRoutes {
    static let table = RouteTable([
        Endpoint("create", .update, summary: "Makes a token below the one that asks."),
        Endpoint(
            "create-orphan",
            .update,
            summary: "Makes a token that outlives the one that asks."
        ),
        Endpoint("create/{role_name}", .update, summary: "Makes a token as a role says."),
        Endpoint("lookup", .read, .update, summary: "What is known about a token."),
        Endpoint(
            "lookup-self",
            .read,
            .update,
            summary: "What is known about the token that asks."
        ),
        Endpoint("lookup-accessor", .update, summary: "What is known about an accessor's token."),
        Endpoint("renew", .update, summary: "Renews a token."),
        Endpoint("renew-self", .update, summary: "Renews the token that asks."),
        Endpoint("renew-accessor", .update, summary: "Renews an accessor's token."),
        Endpoint("revoke", .update, summary: "Revokes a token and all below it."),
        Endpoint("revoke-self", .update, summary: "Revokes the token that asks."),
        Endpoint("revoke-accessor", .update, summary: "Revokes an accessor's token."),
        Endpoint(
            "revoke-orphan",
            .update,
            summary: "Revokes a token and lets those below it live."
        ),
        Endpoint("accessors/?", .list, summary: "The accessors of all tokens."),
        Endpoint("tidy", .update, summary: "Looks for what belongs to no token."),
        Endpoint("roles/?", .list, summary: "The names of all roles of tokens."),
        Endpoint("roles/{role_name}", .read, .update, .delete, summary: "A role of tokens."),
    ])
}

/// The paths of `identity/…`, below it.
enum IdentityRoutes {
    static let table = RouteTable(
        of("entity", "an entity", "entities") + of("group", "a group", "groups")
            + aliases("entity-alias", "of an entity") + aliases("alias", "of an entity, old name")
            + aliases("persona", "of an entity, older name") + aliases("group-alias", "of a group")
            + [
                Endpoint("entity/merge", .update, summary: "Makes one entity of several."),
                Endpoint("entity/batch-delete", .update, summary: "Removes several entities."),
                Endpoint("lookup/entity", .update, summary: "Finds an entity by its alias."),
                Endpoint("lookup/group", .update, summary: "Finds a group by its alias."),
            ]
    )

    private static func of(_ noun: String, _ one: String, _ many: String) -> [Endpoint] {
        func path(_ text: String) -> RoutePattern { RoutePattern(stringLiteral: noun + text) }
        return [
            Endpoint(path(""), .update, summary: "Makes or changes \(one)."),
            Endpoint(path("/id/?"), .list, summary: "The ids of all \(many)."),
            Endpoint(path("/name/?"), .list, summary: "The names of all \(many)."),
            Endpoint(
                path("/id/{id}"),
                .read,
                .update,
                .delete,
                summary: "One of the \(many), by its id."
            ),
            Endpoint(
                path("/name/{name...}"),
                .read,
                .update,
                .delete,
                summary: "One of the \(many), by its name."
            ),
        ]
    }

    private static func aliases(_ noun: String, _ whose: String) -> [Endpoint] {
        func path(_ text: String) -> RoutePattern { RoutePattern(stringLiteral: noun + text) }
        return [
            Endpoint(path(""), .update, summary: "Makes or changes an alias \(whose)."),
            Endpoint(path("/id/?"), .list, summary: "The ids of all aliases \(whose)."),
            Endpoint(path("/id/{id}"), .read, .update, .delete, summary: "An alias \(whose)."),
        ]
    }
}
