/// What a user or role says by now about a token that a login of it was given: what a renewal of
/// the token goes by.
package enum LoginStanding: Sendable, Equatable {
    /// It is there. The plan checks that it stays as it was read.
    ///
    /// - Parameter bindsPolicies: the token is not renewed once the policies are others.
    case current(TokenParameters, BatchPlan, bindsPolicies: Bool)
    /// There is no such user any more, and the client is not told.
    case gone
    /// Why the token is not renewed.
    case refused(String)
    /// The same, where the client is told what a login would tell it, and no more.
    case refusedAsLogin(String)
}
