package org.edgebert.bundle

import java.io.RandomAccessFile
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.CRC32
import java.util.zip.DataFormatException
import java.util.zip.Inflater
import java.util.zip.ZipException
import org.edgebert.json.quoted

/** Bytes that are read, and handed on, at a time. */
internal const val PART_BYTES = 1024 * 1024

/** An entry may unfold to so many times what it takes in the file, and [FREE_BYTES] more. */
private const val MOST_RATIO = 100
private const val FREE_BYTES = 1024 * 1024
private const val MOST_ENTRIES = 1000
private const val MOST_DIRECTORY_BYTES = 1024 * 1024

private const val END_BYTES = 22
private const val MOST_COMMENT_BYTES = 0xFFFF
private const val ZIP64_LOCATOR_BYTES = 20
private const val CENTRAL_BYTES = 46
private const val LOCAL_BYTES = 30

private const val END_SIGNATURE = 0x06054B50
private const val ZIP64_LOCATOR_SIGNATURE = 0x07064B50
private const val CENTRAL_SIGNATURE = 0x02014B50
private const val LOCAL_SIGNATURE = 0x04034B50
private const val IN_ZIP64 = 0xFFFFFFFFL

private const val ENCRYPTED = 1 or (1 shl 6) or (1 shl 13)
private const val DEFLATE_EFFORT = 0b110
private const val SIZES_FOLLOW = 1 shl 3
private const val UTF_8 = 1 shl 11
private const val STORED = 0
private const val DEFLATED = 8
private const val FILE_TYPE = 0xF000
private const val REGULAR_FILE = 0x8000

/**
 * The zip form of a bundle, read strictly, as far as a bundle needs it.
 *
 * Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory) and 4.3.16 (end
 * record); RFC 1951. What a bundle has no use for is refused, not skipped: zip64, several disks, encryption, links,
 * methods other than stored and deflate, entries that share bytes, headers that contradict each other. java.util.zip's
 * own readers look at one of the two headers of an entry and believe it. Memory is bounded before anything is read.
 *
 * @param file open for reading, by this reader alone.
 * @throws ZipException if there is no central directory, or one that a bundle may not have.
 * @throws java.io.IOException if reading fails.
 */
internal class ZipReader(private val file: RandomAccessFile) {
    private val directoryStart: Long
    private val entries: List<Entry>

    init {
        val end = endRecord()
        if (end.disk != 0 || end.firstDisk != 0 || end.entriesHere != end.entries) {
            throw ZipException("a part of a zip file of several disks")
        }
        if (end.entries > MOST_ENTRIES || end.directoryBytes > MOST_DIRECTORY_BYTES) {
            throw ZipException(
                "a zip file of ${end.entries} entries and a directory of ${end.directoryBytes} bytes, expected at " +
                    "most $MOST_ENTRIES and $MOST_DIRECTORY_BYTES",
            )
        }
        directoryStart = end.place - end.directoryBytes
        // Whatever stands before a zip file moves all offsets in it.
        val before = directoryStart - end.directoryOffset
        if (before < 0) throw ZipException("bad zip file: its directory is not where the end record says")
        entries = directory(readAt(directoryStart, end.directoryBytes.toInt()), end.entries, before)
    }

    /**
     * Hands on the content of the one entry of a name, in parts of at most [PART_BYTES].
     *
     * @param take given a buffer, which is used again, and how many of its bytes count.
     * @throws ZipException if there is not exactly one, it is of more than [most] bytes, or is not what its headers
     *   say.
     * @throws java.io.IOException if reading fails.
     */
    fun content(name: String, most: Long, take: (ByteArray, Int) -> Unit) {
        val encoded = name.toByteArray(Charsets.UTF_8)
        val found = entries.filter { it.name.contentEquals(encoded) }
        val entry = found.singleOrNull()
            ?: throw ZipException("${found.size} entries, expected exactly one entry of that name")
        check(entry, most)
        file.seek(dataStart(entry))
        val checksum = CRC32()
        var size = 0L
        inflate(entry) { part, count ->
            size += count
            if (size > entry.size) refuseSize(entry)
            checksum.update(part, 0, count)
            take(part, count)
        }
        if (size != entry.size) refuseSize(entry)
        if (checksum.value != entry.checksum) throw ZipException("Bad CRC-32 for file ${quoted(name)}")
    }

    /** Where the content begins: behind a local header that says the same as the directory. */
    private fun dataStart(entry: Entry): Long {
        val header = readAt(entry.start, LOCAL_BYTES)
        if (header.remaining() != LOCAL_BYTES || header.getInt(0) != LOCAL_SIGNATURE) differ("no local header")
        val nameBytes = header.unsignedShort(26)
        val name = readAt(entry.start + LOCAL_BYTES, nameBytes)
        if (!name.array().contentEquals(entry.name)) differ("name")
        val flags = header.unsignedShort(6)
        if (flags != entry.flags || header.unsignedShort(8) != entry.method) differ("flags or method")
        val same = header.unsignedInt(14) == entry.checksum && header.unsignedInt(18) == entry.compressed &&
            header.unsignedInt(22) == entry.size
        if (!same && flags and SIZES_FOLLOW == 0) differ("sizes")
        val start = entry.start + LOCAL_BYTES + nameBytes + header.unsignedShort(28)
        val others = entries.filter { it !== entry }
        val behind = others.filter { it.start >= entry.start }.minOfOrNull { it.start } ?: directoryStart
        val before = others.filter { it.start < entry.start }
            .maxOfOrNull { it.start + LOCAL_BYTES + it.name.size + it.compressed } ?: 0
        if (start + entry.compressed > behind || before > entry.start) {
            throw ZipException("bad zip file: it shares bytes with another entry or the directory")
        }
        return start
    }

    /** Hands on what the entry's compressed bytes, and no others, stand for. */
    private fun inflate(entry: Entry, take: (ByteArray, Int) -> Unit) {
        val inflater = if (entry.method == DEFLATED) Inflater(true) else null
        try {
            val packed = ByteArray(minOf(entry.compressed, PART_BYTES.toLong()).toInt())
            val part = if (inflater == null) packed else ByteArray(PART_BYTES)
            var left = entry.compressed
            while (left > 0) {
                val count = file.read(packed, 0, minOf(left, packed.size.toLong()).toInt())
                if (count <= 0) throw ZipException("the zip file ends in the middle of it")
                left -= count
                if (inflater == null) take(packed, count) else inflatePart(inflater, packed, count, part, take)
            }
            if (inflater?.finished() == false) throw ZipException("bad zip file: its compressed content has no end")
        } finally {
            inflater?.end()
        }
    }

    private fun inflatePart(
        inflater: Inflater,
        packed: ByteArray,
        packedBytes: Int,
        part: ByteArray,
        take: (ByteArray, Int) -> Unit,
    ) {
        if (!inflater.finished()) inflater.setInput(packed, 0, packedBytes) else refuseBytesBehind()
        do {
            val count = try {
                inflater.inflate(part)
            } catch (error: DataFormatException) {
                throw ZipException("bad zip file: ${error.message}")
            }
            if (count > 0) take(part, count)
            if (inflater.finished() && inflater.remaining > 0) refuseBytesBehind()
        } while (count > 0)
    }

    /** The end record, whose comment reaches to the end of the file. */
    private fun endRecord(): EndRecord {
        val most = END_BYTES + MOST_COMMENT_BYTES + ZIP64_LOCATOR_BYTES
        val tailStart = maxOf(0, file.length() - most)
        val tail = readAt(tailStart, most)
        for (place in tail.remaining() - END_BYTES downTo 0) {
            if (tail.getInt(place) != END_SIGNATURE) continue
            if (place + END_BYTES + tail.unsignedShort(place + 20) != tail.remaining()) continue
            val locator = maxOf(0, place - ZIP64_LOCATOR_BYTES)
            if (tail.getInt(locator) == ZIP64_LOCATOR_SIGNATURE) {
                throw ZipException("a zip64 file, which a bundle has no use for")
            }
            return EndRecord(
                place = tailStart + place,
                disk = tail.unsignedShort(place + 4),
                firstDisk = tail.unsignedShort(place + 6),
                entriesHere = tail.unsignedShort(place + 8),
                entries = tail.unsignedShort(place + 10),
                directoryBytes = tail.unsignedInt(place + 12),
                directoryOffset = tail.unsignedInt(place + 16),
            )
        }
        throw ZipException("no zip file: it has no end record, or is cut short")
    }

    /** Up to [size] bytes from [place] on, as many as the file has. */
    private fun readAt(place: Long, size: Int): ByteBuffer {
        file.seek(place)
        val content = ByteArray(minOf(size.toLong(), maxOf(0, file.length() - place)).toInt())
        file.readFully(content)
        return ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN)
    }
}

/** @property start of its local header in the file. */
private class Entry(
    val name: ByteArray,
    val flags: Int,
    val method: Int,
    val checksum: Long,
    val compressed: Long,
    val size: Long,
    val fileType: Int,
    val start: Long,
)

private class EndRecord(
    val place: Long,
    val disk: Int,
    val firstDisk: Int,
    val entriesHere: Int,
    val entries: Int,
    val directoryBytes: Long,
    val directoryOffset: Long,
)

private fun directory(content: ByteBuffer, count: Int, before: Long): List<Entry> {
    val entries = ArrayList<Entry>(count)
    var place = 0
    repeat(count) {
        if (content.limit() - place < CENTRAL_BYTES || content.getInt(place) != CENTRAL_SIGNATURE) {
            throw ZipException("bad zip file: its directory has fewer entries than the end record says")
        }
        val nameStart = place + CENTRAL_BYTES
        val nameBytes = content.unsignedShort(place + 28)
        val start = content.unsignedInt(place + 42)
        entries += Entry(
            name = content.array().copyOfRange(
                minOf(nameStart, content.limit()),
                minOf(nameStart + nameBytes, content.limit()),
            ),
            flags = content.unsignedShort(place + 8),
            method = content.unsignedShort(place + 10),
            checksum = content.unsignedInt(place + 16),
            compressed = content.unsignedInt(place + 20),
            size = content.unsignedInt(place + 24),
            fileType = content.unsignedShort(place + 40) and FILE_TYPE,
            start = if (start == IN_ZIP64) IN_ZIP64 else start + before,
        )
        place = nameStart + nameBytes + content.unsignedShort(place + 30) + content.unsignedShort(place + 32)
    }
    if (place != content.limit()) {
        throw ZipException("bad zip file: its directory is not of the size that the end record says")
    }
    return entries
}

/** Refuses before a byte is inflated what could not be right, or could not be read safely. */
private fun check(entry: Entry, most: Long) {
    val known = ENCRYPTED or DEFLATE_EFFORT or SIZES_FOLLOW or UTF_8
    val problem = when {
        entry.flags and ENCRYPTED != 0 -> "encrypted zip entry"
        entry.flags and known.inv() != 0 -> "a zip entry with flags that nobody knows"
        entry.method != STORED && entry.method != DEFLATED -> "compressed with a method other than deflate"
        entry.fileType != 0 && entry.fileType != REGULAR_FILE -> "not a regular file but a link, folder or device"
        IN_ZIP64 in listOf(entry.size, entry.compressed, entry.start) -> "a zip64 entry, which a bundle has no use for"
        entry.size > most -> "more than $most bytes"
        entry.size > MOST_RATIO * entry.compressed + FREE_BYTES ->
            "${entry.size} bytes in ${entry.compressed}: more than $MOST_RATIO times as many"
        else -> return
    }
    throw ZipException(problem)
}

private fun refuseSize(entry: Entry): Nothing =
    throw ZipException("more or less content than the ${entry.size} bytes of its zip header")

private fun refuseBytesBehind(): Nothing =
    throw ZipException("bad zip file: bytes behind the end of its compressed content")

private fun differ(what: String): Nothing =
    throw ZipException("bad zip file: its local header and the directory differ: $what")

private fun ByteBuffer.unsignedShort(place: Int): Int = getShort(place).toInt() and 0xFFFF

private fun ByteBuffer.unsignedInt(place: Int): Long = getInt(place).toLong() and 0xFFFFFFFFL
