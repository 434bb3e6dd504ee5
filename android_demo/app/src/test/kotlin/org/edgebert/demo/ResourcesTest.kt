package org.edgebert.demo

import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import kotlin.math.pow
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.w3c.dom.Element

class ResourcesTest {
    private val resources = File("src/main/res")

    @Test
    fun `every string is there in both languages, with the same places to fill in`() {
        val english = strings("values")
        val chinese = strings(CHINESE)
        assertEquals(english.keys, chinese.keys)
        assertTrue(english.size > 50)
        for ((name, text) in english) {
            assertEquals(name, placeholders(text), placeholders(chinese.getValue(name)))
            assertTrue(name, text.isNotBlank() && chinese.getValue(name).isNotBlank())
        }
        assertEquals(plurals("values").keys, plurals(CHINESE).keys)
        for (name in plurals("values").keys) {
            assertEquals(name, setOf("one", "other"), plurals("values").getValue(name))
            assertEquals(name, setOf("other"), plurals(CHINESE).getValue(name))
        }
    }

    @Test
    fun `languages to choose from are those that are there, Chinese in simplified characters alone`() {
        val offered = elements(parse(File(resources, "xml/locales_config.xml")), "locale").map { it.android("name") }
        assertEquals(listOf("en", "zh-Hans"), offered)
        val translated = resources.walk().filter { it.name == "strings.xml" }.map { it.parentFile.name }.toSet()
        assertEquals(setOf("values", CHINESE), translated)
    }

    @Test
    fun `what the system keeps of the fields is far less than it can`() {
        val most = elements(parse(File(resources, "values/integers.xml")), "integer")
            .single { it.getAttribute("name") == "most_characters" }.textContent.toInt()
        val fields = views().filter { it.tagName == "EditText" }
        for (field in fields) {
            assertEquals(field.id, "false", field.android("allowUndo"))
            assertEquals(field.id, "@integer/most_characters", field.android("maxLength"))
        }
        assertTrue(fields.size * most * Char.SIZE_BYTES <= SAVED_BYTES / 10)
    }

    @Test
    fun `dark signs of the system are on a bar of the app's own colour, where the system knows both`() {
        val styles = resources.walk().filter { it.name == "styles.xml" }
            .flatMap { file -> elements(parse(file), "style").map { file.parentFile.name to it } }
        val dark = styles.filter { "android:windowLightNavigationBar" in items(it.second) }.toList()
        assertTrue(dark.isNotEmpty())
        for ((folder, style) in dark) {
            assertEquals("values-v27", folder)
            assertEquals("@color/background", items(style)["android:navigationBarColor"])
        }
    }

    @Test
    fun `every string is used, and every text of a layout is a string`() {
        val used = (
            File("src/main").walk().filter {
                it.extension in setOf("kt", "xml") &&
                    "values" !in it.parentFile.name
            }
            )
            .joinToString("\n") { it.readText() }
        for (name in strings("values").keys + plurals("values").keys) {
            assertTrue(name, Regex("(R\\.(string|plurals)\\.|@string/)$name\\b").containsMatchIn(used))
        }
        for (view in views()) {
            for (attribute in listOf("text", "hint", "contentDescription")) {
                val text = view.android(attribute)
                assertTrue("$attribute=$text", text == "" || text.startsWith("@string/"))
            }
        }
    }

    @Test
    fun `what is touched is large enough`() {
        val touched = views().filter { it.tagName in setOf("Button", "CheckBox", "EditText", "Spinner") }
        assertTrue(touched.size >= 8)
        for (view in touched) assertEquals(view.android("id"), "48dp", view.android("minHeight"))
    }

    @Test
    fun `fields and choices have labels that a screen reader says`() {
        val views = views()
        val labelled = views.map { it.android("labelFor").substringAfter('/') }.toSet()
        val fields = views.filter { it.tagName == "EditText" || it.tagName == "Spinner" }
        assertEquals(setOf("first", "second", "bundle", "threads"), fields.map { it.id }.toSet())
        for (field in fields) assertTrue(field.id, field.id in labelled)
        val live = views.filter {
            it.android("accessibilityLiveRegion") == "polite"
        }.map { it.android("id").substringAfter('/') }
        assertTrue(live.containsAll(listOf("summary", "import_status", "status")))
    }

    @Test
    fun `text grows with the reader's setting`() {
        val sizes = Regex("textSize\">([^<]+)<").findAll(File(resources, "values/styles.xml").readText()).map {
            it.groupValues[1]
        }.toList()
        assertTrue(sizes.isNotEmpty() && sizes.all { it.endsWith("sp") })
        assertTrue(views().none { it.android("textSize") != "" })
    }

    @Test
    fun `text can be told from what is behind it, by day and by night`() {
        for (folder in listOf("values", "values-night")) {
            val colors = colors(folder)
            assertEquals(colors("values").keys, colors.keys)
            for (text in listOf("text", "text_secondary", "problem", "accent")) {
                assertTrue("$folder $text", contrast(colors.getValue(text), colors.getValue("background")) >= 4.5)
            }
            assertTrue(contrast(colors.getValue("text"), colors.getValue("mark")) >= 4.5)
            assertTrue(contrast(colors.getValue("accent"), colors.getValue("bar_background")) >= 3)
        }
    }

    @Test
    fun `the app asks for no permission, and leaves nothing open`() {
        val manifest = parse(File("src/main/AndroidManifest.xml"))
        assertEquals(0, manifest.getElementsByTagName("uses-permission").length)
        val application = manifest.getElementsByTagName("application").item(0) as Element
        assertEquals("false", application.android("allowBackup"))
        val open = elements(manifest, "activity").filter {
            it.android("exported") == "true" &&
                it.android("permission") == ""
        }
        assertEquals(listOf(".MainActivity"), open.map { it.android("name") })
        for (kind in listOf("service", "receiver", "provider")) {
            assertEquals(emptyList<Element>(), elements(manifest, kind))
        }
    }

    private fun strings(folder: String): Map<String, String> =
        elements(parse(File(resources, "$folder/strings.xml")), "string").associate {
            it.getAttribute("name") to
                it.textContent
        }

    private fun items(style: Element): Map<String, String> =
        elements(style, "item").associate { it.getAttribute("name") to it.textContent }

    private fun plurals(folder: String): Map<String, Set<String>> =
        elements(parse(File(resources, "$folder/strings.xml")), "plurals").associate { plural ->
            plural.getAttribute("name") to elements(plural, "item").map { it.getAttribute("quantity") }.toSet()
        }

    private fun placeholders(text: String): List<String> =
        Regex("%(\\d\\$)?[a-z%]").findAll(text).map { it.value }.toList().sorted()

    private fun colors(folder: String): Map<String, Int> =
        elements(parse(File(resources, "$folder/colors.xml")), "color")
            .associate { it.getAttribute("name") to it.textContent.removePrefix("#").toInt(16) }

    /** As WCAG 2 defines it. */
    private fun contrast(one: Int, other: Int): Double {
        val (dark, light) = listOf(luminance(one), luminance(other)).sorted()
        return (light + 0.05) / (dark + 0.05)
    }

    private fun luminance(color: Int): Double {
        val (red, green, blue) = listOf(16, 8, 0).map { shift ->
            val part = (color shr shift and 0xff) / 255.0
            if (part <= 0.04045) part / 12.92 else ((part + 0.055) / 1.055).pow(2.4)
        }
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    private fun views(): List<Element> =
        File(resources, "layout").listFiles()!!.sorted().flatMap { elements(parse(it), "*") }

    private fun parse(file: File): Element =
        DocumentBuilderFactory.newInstance().run {
            isNamespaceAware = true
            newDocumentBuilder().parse(file).documentElement
        }

    private fun elements(root: Element, name: String): List<Element> {
        val found = root.getElementsByTagName(name)
        return (0 until found.length).map { found.item(it) as Element }
    }

    private val Element.id: String get() = android("id").substringAfter('/')

    private fun Element.android(name: String): String =
        getAttributeNS("http://schemas.android.com/apk/res/android", name)

    private companion object {
        const val CHINESE = "values-b+zh+Hans"

        /** Of all that an app hands to the system at once, its screens' state with it. */
        const val SAVED_BYTES = 1 shl 20
    }
}
