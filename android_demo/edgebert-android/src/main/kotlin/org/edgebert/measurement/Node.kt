package org.edgebert.measurement

/**
 * An operator of a graph.
 *
 * @property name as ONNX Runtime's profile has it.
 * @property inputs names of values; weights by their names in the student, "encoder.layers.0.attention.query.bias".
 */
internal class Node(val name: String, val kind: String, val inputs: List<String>, val outputs: List<String>)
