/// The paths of every engine and auth method, below their mounts.
package enum EngineRoutes {
    /// What there is below a mount of this kind.
    package static func table(of kind: EngineKind) -> RouteTable {
        switch kind {
        case .kvVersion1: keyValue1
        case .kvVersion2: keyValue2
        case .totp: totp
        case .cubbyhole: cubbyhole
        case .userpass: userpass
        case .approle: approle
        case .jwt: jwt
        case .cert: cert
        }
    }

    /// Whether what is not in the table is turned away before the engine sees it. The key-value
    /// engines have answers of their own for paths that are none.
    package static func isClosed(_ kind: EngineKind) -> Bool {
        switch kind {
        case .kvVersion1, .kvVersion2, .cubbyhole: false
        default: true
        }
    }

    private static let keyValue1 = RouteTable([
        Endpoint(
            "{path...}",
            .read,
            .update,
            .delete,
            .list,
            .scan,
            summary: "Secrets: each is one object, and a write replaces it."
        )
    ])

    private static let keyValue2 = RouteTable([
        Endpoint("config", .read, .update, summary: "What holds for every key of the mount."),
        Endpoint(
            "data/{path...}",
            .read,
            .update,
            .patch,
            .delete,
            summary: "The versions of a secret: read one, write the next, delete the latest."
        ),
        Endpoint(
            "metadata/{path...}",
            .read,
            .update,
            .patch,
            .delete,
            .list,
            .scan,
            summary: "What is known about a secret besides its versions, and lists of secrets."
        ),
        Endpoint(
            "metadata/?",
            .list,
            .scan,
            summary: "Lists of the secrets at the top of the mount."
        ),
        Endpoint(
            "detailed-metadata/{path...}",
            .list,
            .scan,
            summary: "Lists of secrets with what is known about each."
        ),
        Endpoint(
            "detailed-metadata/?",
            .list,
            .scan,
            summary: "Lists of secrets with what is known about each, from the top of the mount."
        ),
        Endpoint("subkeys/{path...}", .read, summary: "The names in a secret without the values."),
        Endpoint(
            "delete/{path...}",
            .update,
            summary: "Deletes versions so that they can come back."
        ),
        Endpoint("undelete/{path...}", .update, summary: "Brings deleted versions back."),
        Endpoint("destroy/{path...}", .update, summary: "Destroys versions for good."),
    ])

    private static let totp = RouteTable([
        Endpoint("keys/?", .list, summary: "The names of all keys."),
        Endpoint("keys/{name}", .read, .update, .delete, summary: "A key for one-time passwords."),
        Endpoint(
            "code/{name}",
            .read,
            .update,
            summary: "Makes a one-time password, or checks one."
        ),
    ])

    private static let cubbyhole = RouteTable([
        Endpoint(
            "{path...}",
            .read,
            .update,
            .delete,
            .list,
            summary: "Secrets of the token that asks, which no other token reaches."
        )
    ])

    private static let userpass = RouteTable([
        Endpoint("users/?", .list, summary: "The names of all users."),
        Endpoint("users/{username}", .read, .update, .delete, summary: "A user."),
        Endpoint("users/{username}/password", .update, summary: "A user's password."),
        Endpoint("users/{username}/policies", .update, summary: "A user's policies."),
        Endpoint("login/{username}", .update, summary: "Logs in with a password.", isOpen: true),
    ])

    private static let jwt = RouteTable([
        Endpoint(
            "config",
            .read,
            .update,
            summary: "Whose tokens are taken, and how they are checked."
        ),
        Endpoint("role/?", .list, summary: "The names of all roles."),
        Endpoint("role/{name}", .read, .update, .delete, summary: "A role."),
        Endpoint("login", .update, summary: "Logs in with a JSON web token.", isOpen: true),
    ])

    private static let cert = RouteTable([
        Endpoint("config", .read, .update, summary: "What holds for every role."),
        Endpoint("certs/?", .list, summary: "The names of all roles."),
        Endpoint(
            "certs/{name}",
            .read,
            .update,
            .delete,
            summary: "A role: whose certificates log in, and what their tokens may."
        ),
        Endpoint("crls/?", .list, summary: "The names of all lists of revoked certificates."),
        Endpoint(
            "crls/{name}",
            .read,
            .update,
            .delete,
            summary: "A list of revoked certificates."
        ),
        Endpoint("login", .update, summary: "Logs in with a TLS certificate.", isOpen: true),
    ])

    private static let approle = RouteTable(
        [
            Endpoint("login", .update, summary: "Logs in with a secret id.", isOpen: true),
            Endpoint("tidy/secret-id", .update, summary: "Removes secret ids that are over."),
            Endpoint("role/?", .list, summary: "The names of all roles."),
            Endpoint("role/{role_name}", .read, .update, .delete, summary: "A role."),
            Endpoint("role/{role_name}/role-id", .read, .update, summary: "The id of a role."),
            Endpoint(
                "role/{role_name}/secret-id/?",
                .list,
                .update,
                summary: "Makes a secret id, or lists the accessors of all."
            ),
            Endpoint(
                "role/{role_name}/custom-secret-id",
                .update,
                summary: "Makes a secret id of a text that the caller chooses."
            ),
            Endpoint(
                "role/{role_name}/secret-id/lookup",
                .update,
                summary: "What is known about a secret id."
            ),
            Endpoint(
                "role/{role_name}/secret-id/destroy",
                .update,
                .delete,
                summary: "Destroys a secret id."
            ),
            Endpoint(
                "role/{role_name}/secret-id-accessor/lookup",
                .update,
                summary: "What is known about the secret id of an accessor."
            ),
            Endpoint(
                "role/{role_name}/secret-id-accessor/destroy",
                .update,
                .delete,
                summary: "Destroys the secret id of an accessor."
            ),
        ]
            + [
                Endpoint(
                    "role/{role_name}/local-secret-ids",
                    .read,
                    summary: "Whether secret ids of the role stay on one cluster."
                )
            ]
            + RoleField.allCases.filter { $0 != .isLocal }.map { field in
                Endpoint(
                    RoutePattern(stringLiteral: "role/{role_name}/\(field.rawValue)"),
                    .read,
                    .update,
                    .delete,
                    summary: "One setting of a role."
                )
            }
    )
}
