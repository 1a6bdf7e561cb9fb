import Barrier
import Cryptography
import Engines
import FoundationEssentials
import Policy
import Shamir
import Store
import Testing
import Wire

@testable import API
@testable import Vault

/// A whole vault without network, consensus or threads: requests go in as HTTP, batches are
/// committed at once, into the overlay of a real store.
final class TestVault {
    /// A request, in the words of a test.
    struct Call {
        var method: String
        var target: String
        var body: [UInt8] = []
        var headers: [(String, String)] = []
        var token: String?
        /// Where the client is.
        var address: String?
        /// What it shows in its TLS handshake, DER.
        var certificates: [[UInt8]] = []
    }

    /// What came back.
    struct Answer {
        let status: Int
        let body: [UInt8]
        let headers: [(name: String, value: String)]

        var text: String { String(decoding: body, as: UTF8.self) }

        func json() throws -> JSONValue { try JSONScanner.parse(body, limits: .trusted) }

        /// The member of `data`, by names with dots between them.
        func data(_ path: String) throws -> JSONValue? {
            var value = try json().asObject?["data"]
            for name in path.split(separator: ".") {
                value = value?.asObject?[String(name)]
            }
            return value
        }

        var errors: [String] {
            (try? json().asObject?["errors"]?.asArray?.compactMap(\.asString)) ?? []
        }
    }

    let folder: String
    let store: LocalStore
    let keyring: Keyring
    let cache = VaultCache()
    let rootToken: String
    private(set) var lastIndex: UInt64 = 1
    /// Cluster time; moves with every request.
    var now: UInt64 = 1_795_387_396_000_000_000
    /// What comes of the effects that requests ask for.
    var perform: (Effect) -> EffectOutcome = { _ in .failed("nothing is outside of this test") }
    private var draws: UInt64 = 0
    private let seed: UInt64

    init(seed: UInt64 = 1) throws {
        let name = "vault-tests-" + Hex.encode(try Random.bytes(8))
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        var options = StoreOptions()
        options.mapBytes = 256 << 20
        options.preallocateStepBytes = 1 << 20
        options.reserveBytes = 1 << 20
        store = try LocalStore.open(folder: folder, options: options) { sha256($0) }
        self.seed = seed

        let made = try VaultCreation.make(
            layout: ShareLayout(threshold: 1, of: 1),
            facts: VaultCreation.Facts(
                baseIndex: 0,
                requestID: [UInt8](repeating: 1, count: 16),
                time: now,
                epoch: 1
            ),
            entropy: Entropy(seed: sha256(Array("creation \(seed)".utf8))),
            populate: VaultBirth.populate
        )
        let batch = made.batch
        let creation = try store.view { view throws(StoreError) in
            try evaluate(batch, at: 1, in: view)
        }
        guard case .applied(let layer) = creation else { throw TestFailure("no vault") }
        store.appendLayer(layer)
        rootToken = String(decoding: made.rootToken.exposedCopy(), as: UTF8.self)
        let share = made.shares.map { $0.words }[0]
        keyring = try store.view { view throws(any Error) in
            var machine = SealMachine(try #require(try SealRecord.load(view)))
            guard
                case .complete = machine.shareArrived(
                    share,
                    freshAttempt: [UInt8](repeating: 9, count: 16)
                ),
                case .opened(let keyring) = machine.open(view, epoch: 1)
            else { throw TestFailure("the vault did not open") }
            return keyring
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Puts a token's record there, as an endpoint that makes tokens will.
    ///
    /// - Returns: the token and its accessor.
    func makeToken(
        _ policies: [String],
        lifetimeSeconds: UInt64 = 0,
        usesLeft: UInt64 = 0,
        entityID: String = ""
    ) throws -> (token: String, accessor: String) {
        let token = "s." + Hex.encode(draw(12))
        let accessor = Hex.encode(draw(12))
        var grant = TokenGrant(
            displayName: "token",
            path: "auth/token/create",
            policies: policies
        )
        grant.life.seconds = lifetimeSeconds
        grant.usesMax = usesLeft
        grant.entityID = entityID
        let record = TokenRecord(
            grant,
            accessor: accessor,
            created: Timestamp(nanoseconds: now),
            hasLease: true
        )
        let environment = environment()
        let hash = TokenPlace.hash(Array(token.utf8), keyring)
        let batch = try view { view in
            var draft = try BatchDraft(ofTask: environment, view)
            try TokenIssuer.write(record, hash, in: &draft)
            return try draft.finish()
        }
        guard case .applied = try commit(batch) else {
            throw TestFailure("the token was rejected")
        }
        return (token, accessor)
    }

    /// Commits changes that no request makes.
    func change(_ body: (inout BatchBuilder) throws -> Void) throws {
        var builder = BatchBuilder(
            keyring: keyring,
            baseIndex: store.view { $0.evaluatedIndex },
            requestID: draw(16),
            time: now,
            entropy: Entropy(seed: draw(32))
        )
        try body(&builder)
        guard case .applied = try commit(try builder.finish()) else {
            throw TestFailure("the change was rejected")
        }
    }

    // MARK: requests

    /// Sends a request as the owner of a token.
    @discardableResult
    func send(
        as token: String,
        _ method: String,
        _ path: String,
        _ body: String = ""
    ) throws -> Answer {
        try send(
            Call(method: method, target: "/v1/" + path, body: Array(body.utf8), token: token)
        )
    }

    @discardableResult
    func send(
        _ method: String,
        _ path: String,
        _ body: String = "",
        _ headers: [(String, String)] = []
    ) throws -> Answer {
        try send(
            Call(method: method, target: "/v1/" + path, body: Array(body.utf8), headers: headers)
        )
    }

    @discardableResult
    func send(_ call: Call) throws -> Answer {
        let request = request(call)
        let response = Router.finish(try respond(request), for: request)
        return Answer(status: response.status, body: response.body, headers: response.headers)
    }

    /// The token is the root token, unless the call names one; an empty one sends none.
    func request(_ call: Call) -> APIRequest {
        var headers = APIHeaders { name in
            call.headers.first { $0.0.lowercased() == name.lowercased() }?.1
        }
        let token = call.token ?? rootToken
        if headers.token == nil && !token.isEmpty { headers.token = token }
        // Transcripts were made with a root token called "root".
        if headers.authorization == "Bearer root" { headers.authorization = "Bearer \(rootToken)" }
        return APIRequest(
            method: call.method,
            target: Array(call.target.utf8),
            headers: headers,
            body: call.body,
            requestID: draw(16),
            remoteAddress: call.address
        ).showing(call.certificates)
    }

    /// Steps until nothing conflicts, as a node does.
    private func respond(_ request: APIRequest) throws -> APIResponse {
        now += 1_000_003
        switch Router.route(request, isSealed: false) {
        case .reply(let response): return response
        case .node, .cluster: return Reply.errors(500, ["a call of the node"])
        case .vault(let vaultRequest):
            var performed: [PerformedEffect] = []
            for _ in 0..<10 {
                let step = self.step(vaultRequest, performed: performed)
                switch step {
                case .answer, .refuse: break
                case .perform(let effect):
                    performed.append(
                        PerformedEffect(
                            kind: effect.kind,
                            body: effect.body,
                            outcome: perform(effect)
                        )
                    )
                    continue
                case .commit(let batch, _), .commitRefusing(let batch, _):
                    guard case .applied = try commit(batch) else { continue }
                }
                return Reply.response(to: step, requestID: request.requestID)
            }
            return ServiceFailure.contended.response
        }
    }

    /// One step, on the present state.
    func step(
        _ request: VaultRequest,
        seed: [UInt8]? = nil,
        performed: [PerformedEffect] = []
    ) -> VaultStep {
        var environment = environment(seed: seed)
        environment.performed = performed
        return store.view { view in VaultCore.step(request, in: environment, view: view) }
    }

    /// One step, on the state that a view shows.
    func step(
        _ request: VaultRequest,
        in view: borrowing ReadView,
        seed: [UInt8]? = nil
    ) -> VaultStep {
        VaultCore.step(request, in: environment(seed: seed), view: view)
    }

    /// Whether a token may do what no mount serves; a use of it is counted.
    func authorizes(
        _ token: String,
        _ request: AccessRequest,
        from address: IPAddress? = nil,
        trace: VaultTrace? = nil
    ) -> Bool {
        let environment = environment()
        let verdict: OperatorVerdict? = store.view { view in
            do throws(VaultError) {
                return try VaultCore.authorizeOperator(
                    (Array(token.utf8), address),
                    for: request,
                    in: environment,
                    view: view,
                    trace: trace
                )
            } catch {
                return nil
            }
        }
        guard let verdict else { return false }
        if let use = verdict.counting {
            guard case .applied? = try? commit(use) else { return false }
        }
        return verdict.refusal == nil
    }

    func environment(seed: [UInt8]? = nil) -> VaultEnvironment {
        VaultEnvironment(
            keyring: keyring,
            cache: cache,
            now: Timestamp(nanoseconds: now),
            seed: seed ?? draw(32),
            attempt: 0,
            facts: Self.facts
        )
    }

    /// Writes a policy as root.
    func writePolicy(_ name: String, _ text: String) throws {
        let body = JSONValue.object(["policy": .string(text)]).encoded(sortingKeys: true)
        let target = "/v1/sys/policies/acl/\(name)"
        let answer = try send(Call(method: "PUT", target: target, body: body))
        guard answer.status == 204 else { throw TestFailure("\(name): \(answer.text)") }
    }

    /// The request to the vault behind a call.
    func vaultRequest(
        _ method: String,
        _ path: String,
        _ body: String = "",
        token: String? = nil
    ) throws -> VaultRequest {
        let call = Call(
            method: method,
            target: "/v1/" + path,
            body: Array(body.utf8),
            token: token
        )
        guard case .vault(let request) = Router.route(request(call), isSealed: false) else {
            throw TestFailure("\(method) \(path) does not reach the vault")
        }
        return request
    }

    /// What log and evaluation do with a batch.
    @discardableResult
    func commit(_ batch: WriteBatch) throws -> Evaluation {
        let decoded = try WriteBatch(decoding: batch.encoded())
        lastIndex += 1
        let index = lastIndex
        let evaluation = try store.view { view throws(StoreError) in
            try evaluate(decoded, at: index, in: view)
        }
        if case .applied(let layer) = evaluation {
            store.appendLayer(layer)
        } else {
            store.markEvaluated(through: index)
        }
        return evaluation
    }

    /// Runs `body` on a view of the vault.
    func view<Value>(_ body: (borrowing BarrierView) throws -> Value) throws -> Value {
        try store.view { view throws(any Error) in try body(BarrierView(keyring, over: view)) }
    }

    /// Bytes that differ with every call and repeat with the seed.
    private func draw(_ count: Int) -> [UInt8] {
        draws += 1
        return Array(sha256(Array("draw \(seed) \(draws)".utf8)).prefix(count))
    }

    static let facts = NodeFacts(
        version: "0.1.0",
        appliedIndex: 7,
        members: [
            NodeFacts.Member(
                name: "eu-1",
                region: "eu",
                zone: "a",
                apiAddress: "https://127.0.0.1:8200",
                peerAddress: "127.0.0.1:8201",
                isLeader: true,
                isVoter: true,
                lastEcho: nil
            ),
            NodeFacts.Member(
                name: "us-1",
                region: "us",
                zone: "b",
                apiAddress: "https://127.0.0.1:8300",
                peerAddress: "127.0.0.1:8301",
                isLeader: false,
                isVoter: true,
                lastEcho: Timestamp(nanoseconds: 1_795_387_396_500_000_000)
            ),
        ]
    )
}

struct TestFailure: Error {
    let text: String
    init(_ text: String) { self.text = text }
}
