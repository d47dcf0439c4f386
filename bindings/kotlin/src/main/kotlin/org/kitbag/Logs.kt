package org.kitbag

/** How much a log line matters. */
public enum class LogLevel { ERROR, WARN, INFO, DEBUG }

/** Takes Kitbag's log lines, which never hold what a record says. */
public fun interface LogSink {
    /** A line, in English, for developers. Called on a thread of its own: who blocks holds nobody up. */
    public fun log(level: LogLevel, module: String, line: String)
}

/** Kitbag's logs. */
public object Logs {
    /** From now on this sink takes the lines; null takes none. */
    @JvmStatic
    public fun to(sink: LogSink?): Unit = atOnce { org.kitbag.ffi.setLogSink(sink?.let { GuardedSink(it) }) }

    /** How many lines were dropped, as the sink did not take them. */
    @JvmStatic
    public val dropped: Long get() = atOnce { org.kitbag.ffi.droppedLogLines().toLong() }
}

private class GuardedSink(private val sink: LogSink) : org.kitbag.ffi.LogSink {
    override fun log(level: org.kitbag.ffi.LogLevel, module: String, line: String) {
        try {
            sink.log(LogLevel.valueOf(level.name), module, line)
        } catch (_: Throwable) {
            // A sink that fails loses its line, and nothing else.
        }
    }
}
