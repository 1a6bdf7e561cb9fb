import Glibc
import NIOCore

/// Socket options of peer connections: no delay for small frames, and a dead link is noticed
/// within seconds, in both directions, with and without traffic.
enum LinkOptions {
    static func apply(to channel: any Channel, limits: PeerLimits) throws {
        guard let options = channel.syncOptions else { return }
        for (option, value) in values(limits) {
            try options.setOption(option, value: SocketOptionValue(value))
        }
        try options.setOption(
            .writeBufferWaterMark,
            value: ChannelOptions.Types.WriteBufferWaterMark(
                low: TransportLimits.flushBytes,
                high: 2 * TransportLimits.flushBytes
            )
        )
    }

    private static func values(
        _ limits: PeerLimits
    ) -> [(ChannelOptions.Types.SocketOption, Int32)] {
        let dead = limits.deadTime.nanosecondsClamped / 1_000_000
        let probe = max(1, dead / 5_000)
        return [
            (.socketOption(.so_keepalive), 1),
            (.socketOption(.tcp_nodelay), 1),
            (tcp(TCP_KEEPIDLE), Int32(clamping: probe)),
            (tcp(TCP_KEEPINTVL), Int32(clamping: probe)),
            (tcp(TCP_KEEPCNT), 4),
            (tcp(TCP_USER_TIMEOUT), Int32(clamping: dead)),
        ]
    }

    private static func tcp(_ name: Int32) -> ChannelOptions.Types.SocketOption {
        ChannelOptions.socket(SocketOptionLevel(IPPROTO_TCP), SocketOptionName(name))
    }
}
