package org.edgebert

/** Rows of numbers: [rows, columns], row after row in [values]. */
public class Matrix(public val columns: Int, public val values: FloatArray) {
    /** How many there are. */
    public val rows: Int get() = values.size / columns

    /** A copy of one row: [columns]. */
    public fun row(index: Int): FloatArray = values.copyOfRange(index * columns, (index + 1) * columns)
}
