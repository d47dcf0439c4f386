package org.kitbag

import org.kitbag.ffi.Kitbag as FfiKitbag

/** Which programme this device is of, and what it is there. */
public data class Own(val root: DeviceKey, val device: DeviceKey) {
    /** Whether this is the root's own device. */
    val isRoot: Boolean get() = root == device
}

/** A code of a programme, with its labels by language; the empty tag is of all others. */
public data class PackCode(val code: String, val labels: Map<String, String>) {
    /** What people read in a language. */
    public fun label(language: String): String = labels[language] ?: labels[""] ?: labels["en"] ?: code
}

/** A product of a programme. */
public data class PackProduct(
    val code: String,
    val labels: Map<String, String>,
    val route: String,
    val mgPerDose: Double,
    val dosesPerKit: Long?,
)

/** A code pack: a programme's own codes. */
public data class Pack(
    val name: String,
    val version: Int,
    val source: String,
    val sites: List<PackCode>,
    val products: List<PackProduct>,
    val services: List<PackCode>,
    /** Reminders while an overdose goes on, in the programme's own words. */
    val response: List<PackCode>,
    /** Whether workers' phones capture only. */
    val captureOnly: Boolean,
    val lists: Map<String, List<PackCode>>,
    /** By kind the fields that the programme asks for, too. */
    val require: Map<String, List<String>>,
    val minimumDoses: Long?,
    val expiringDays: Long?,
)

/** The root's work, and the programme's own codes. */
public class Programme internal constructor(private val ffi: FfiKitbag) {
    /** The programme's root key and this device's. */
    public suspend fun own(): Own = crossing { ffi.own().let { Own(DeviceKey(it.root), DeviceKey(it.device)) } }

    /** Where the hub is; null where it is not known here. */
    public suspend fun hub(): HubAddress? = crossing { ffi.hub()?.let(::HubAddress) }

    /** Notes where the hub is. */
    public suspend fun setHub(hub: HubAddress): Unit = crossing { ffi.setHub(hub.text) }

    /** Makes a new team. */
    public suspend fun newTeam(): TeamId = crossing { TeamId(ffi.newTeam()) }

    /** Makes a coordinator's store on this machine, which is not there yet; on another one, invite it. */
    public suspend fun makeCoordinator(team: TeamId, opening: Opening): Kitbag =
        crossing(Kitbag::close) { Kitbag(ffi.makeCoordinator(team.text, opening.lower())) }

    /** The root's device looks into a team from now on: the next sync brings it. */
    public suspend fun lookInto(team: TeamId): Unit = crossing { ffi.lookInto(team.text) }

    /** Publishes a code pack; the next syncs bring it to all. */
    public suspend fun publishPack(toml: String): Unit = crossing { ffi.publishPack(toml) }

    /** The code packs that are here. */
    public suspend fun packs(): List<Pack> = crossing { ffi.packs().map { it.lift() } }

    /** Erases records for good, here and at every store that syncs from now on. */
    public suspend fun erase(team: TeamId, records: List<RecordId>): Unit =
        crossing { ffi.erase(team.text, records.map { it.text }) }
}

private fun List<org.kitbag.ffi.PackCode>.lift() = map { PackCode(it.code, it.labels) }

private fun org.kitbag.ffi.Pack.lift() = Pack(
    name,
    version.toInt(),
    source,
    sites.lift(),
    products.map { PackProduct(it.code, it.labels, it.route, it.mgPerDose, it.dosesPerKit) },
    services.lift(),
    response.lift(),
    captureOnly,
    lists.mapValues { it.value.lift() },
    require,
    minimumDoses,
    expiringDays,
)
