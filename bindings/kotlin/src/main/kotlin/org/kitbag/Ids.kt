package org.kitbag

/** A team, 32 hexadecimal digits. */
@JvmInline
public value class TeamId(public val text: String) {
    override fun toString(): String = text
}

/** A record, 32 hexadecimal digits. */
@JvmInline
public value class RecordId(public val text: String) {
    override fun toString(): String = text
}

/** An entry of a log, 64 hexadecimal digits; a certificate is one. */
@JvmInline
public value class EntryId(public val text: String) {
    override fun toString(): String = text
}

/** A device, by its key: 64 hexadecimal digits. */
@JvmInline
public value class DeviceKey(public val text: String) {
    override fun toString(): String = text
}

/** Where a hub is, with its keys, as `kitbag hub address` prints it. */
@JvmInline
public value class HubAddress(public val text: String) {
    override fun toString(): String = text
}

/** A draft, by this device's number for it. */
@JvmInline
public value class DraftId(public val number: Long)
