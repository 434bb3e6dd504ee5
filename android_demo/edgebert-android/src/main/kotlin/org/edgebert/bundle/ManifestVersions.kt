package org.edgebert.bundle

import java.math.BigInteger
import org.edgebert.ManifestVersionException
import org.edgebert.json.reject
import org.edgebert.json.shortened
import org.edgebert.json.takeObject

/** The newest schema version that is read. */
internal const val SCHEMA_VERSION = 4

/**
 * Parsed JSON of any version up to the present one, as the present one would have it.
 *
 * One step leads from each version to the next: it adds the fields that the next version added, with the value that
 * says what was true of the older bundle. What is not an object of the older version passes unchanged, for the strict
 * reading to refuse.
 *
 * @throws ManifestVersionException for a version that does not exist yet, or never did.
 * @throws org.edgebert.ManifestException for a field or task that the bundle's own version did not have.
 */
internal fun upgraded(data: Any?): Any? {
    var fields = takeObject(data) ?: return data
    val version = fields["schema_version"]
    if (version !is Long && version !is BigInteger) return data
    if (version !is Long || version !in 1L..SCHEMA_VERSION) {
        throw ManifestVersionException(
            "bundle schema_version is ${shortened(version)}, this edgebert reads 1 to $SCHEMA_VERSION; upgrade " +
                "edgebert, or convert the checkpoint again",
        )
    }
    if (version == 1L) fields = toVersion2(fields)
    if (version <= 2L) fields = toVersion3(fields)
    if (version <= 3L) fields = toVersion4(fields)
    return fields
}

/**
 * Version 2 says how artifacts came about.
 *
 * Version 1 pruned nothing and searched no recipe; it left no layer in float32 and calibrated no range. Nobody counted
 * zeros, so their share is unknown.
 */
private fun toVersion2(fields: Map<String, Any?>): Map<String, Any?> {
    val added = mapOf("float_layers" to emptyList<Any?>(), "calibration" to null, "sparsity" to null)
    val artifacts = (fields["artifacts"] as? List<*>)?.mapIndexed { index, artifact ->
        takeObject(artifact)?.let { withFields(it, "artifacts[$index]", added) } ?: artifact
    }
    val whole = if (artifacts == null) fields else fields + ("artifacts" to artifacts)
    return withFields(whole, "manifest", mapOf("pruning" to null, "search" to null)) + ("schema_version" to 2L)
}

/** Version 3 has three more tasks and no more fields; a share of zeros may be unknown. */
private fun toVersion3(fields: Map<String, Any?>): Map<String, Any?> {
    if (fields["task"] in TOKEN_TASKS) reject("task", fields["task"], "a task of schema version 2 or before")
    return fields + ("schema_version" to 3L)
}

/** Version 4 has tflite files of any length, and no more fields. */
private fun toVersion4(fields: Map<String, Any?>): Map<String, Any?> {
    (fields["artifacts"] as? List<*>)?.forEachIndexed { index, artifact ->
        val held = takeObject(artifact)
        val lengths = held?.get("lengths") as? List<*>
        if (held?.get("backend") == "tflite" && lengths?.isEmpty() == true) {
            reject("artifacts[$index].lengths", lengths, "one of tflite at least")
        }
    }
    return fields + ("schema_version" to 4L)
}

private fun withFields(fields: Map<String, Any?>, where: String, added: Map<String, Any?>): Map<String, Any?> {
    val early = (fields.keys intersect added.keys).sorted()
    if (early.isNotEmpty()) reject(where, early, "no fields of a later schema version")
    return fields + added
}
