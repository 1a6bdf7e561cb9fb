package import Logging

/// Says only why the process ends, if it must.
package let quietLogger: Logger = {
    var logger = Logger(label: "test") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .critical
    return logger
}()
