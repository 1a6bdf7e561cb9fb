import NIOCore
import NIOSSL

/// What clients show in their TLS handshake.
enum ClientChain {
    /// Takes any certificates within the limits: the handshake proves that the client has the key
    /// of the first one, and whoever uses them judges the rest.
    ///
    /// - Parameter certificates: as they came, the client's own first.
    @Sendable static func accept(
        _ certificates: [NIOSSLCertificate],
        _ promise: EventLoopPromise<NIOSSLVerificationResultWithMetadata>
    ) {
        guard (1...TransportLimits.clientCertificatesMax).contains(certificates.count),
            let encoded = try? certificates.map({ try $0.toDERBytes() }),
            encoded.reduce(0, { $0 + $1.count }) <= TransportLimits.clientCertificateBytesMax
        else { return promise.succeed(.failed) }
        // "Validated" is this library's word; that it means no more than shown is said where it is
        // read.
        let chain = ValidatedCertificateChain(certificates)
        promise.succeed(.certificateVerified(VerificationMetadata(chain)))
    }

    /// What the client of a connection showed, DER.
    ///
    /// A session that a client took up again shows its own certificate only: the library keeps the
    /// others for itself.
    /// - Precondition: the handshake is complete.
    static func shown(in context: ChannelHandlerContext) -> [[UInt8]] {
        let pipeline = context.pipeline.syncOperations
        guard let handler = try? pipeline.handler(type: NIOSSLServerHandler.self) else { return [] }
        let chain = handler.peerValidatedCertificateChain.map { Array($0) }
        let certificates = chain ?? handler.peerCertificate.map { [$0] } ?? []
        return (try? certificates.map { try $0.toDERBytes() }) ?? []
    }
}
