/// Policies that are there from the first moment.
enum BuiltInPolicy {
    /// Everything is allowed. No text says so, and it can be neither changed nor deleted.
    static let root = "root"
    /// What every token may do unless it was made without. Written when the vault is made; it can
    /// be changed and not deleted.
    static let standard = "default"
    /// For the token that holds a wrapped answer. Cannot be changed, and no token is given it.
    static let wrapping = "response-wrapping"

    /// Whether its text cannot be changed.
    static func isFixed(_ name: PolicyName) -> Bool {
        name.text == root || name.text == wrapping
    }

    /// What ``wrapping`` says.
    static let wrappingText = """
        path "cubbyhole/response" {
            capabilities = ["create", "read"]
        }
        path "sys/wrapping/unwrap" {
            capabilities = ["update"]
        }
        path "auth/token/revoke-self" {
            capabilities = ["update"]
        }

        """

    /// The first version of ``standard``. Some of its paths belong to engines still to come.
    static let standardText = """
        # The token itself: see, renew and revoke it.
        path "auth/token/lookup-self" {
            capabilities = ["read"]
        }
        path "auth/token/renew-self" {
            capabilities = ["update"]
        }
        path "auth/token/revoke-self" {
            capabilities = ["update"]
        }

        # What the token may do.
        path "sys/capabilities-self" {
            capabilities = ["update"]
        }
        path "sys/internal/ui/resultant-acl" {
            capabilities = ["read"]
        }

        # The identity behind the token.
        path "identity/entity/id/{{identity.entity.id}}" {
            capabilities = ["read"]
        }
        path "identity/entity/name/{{identity.entity.name}}" {
            capabilities = ["read"]
        }
        path "identity/oidc/provider/+/authorize" {
            capabilities = ["read", "update"]
        }

        # Leases that the token's owner knows by their ids.
        path "sys/leases/renew" {
            capabilities = ["update"]
        }
        path "sys/leases/lookup" {
            capabilities = ["update"]
        }

        # Storage of the token's own.
        path "cubbyhole/*" {
            capabilities = ["create", "read", "update", "delete", "list"]
        }

        # Response wrapping.
        path "sys/wrapping/wrap" {
            capabilities = ["update"]
        }
        path "sys/wrapping/lookup" {
            capabilities = ["update"]
        }
        path "sys/wrapping/unwrap" {
            capabilities = ["update"]
        }

        # Tools without state.
        path "sys/tools/hash" {
            capabilities = ["update"]
        }
        path "sys/tools/hash/*" {
            capabilities = ["update"]
        }

        """
}
