package org.edgebert

/**
 * Base of all exceptions that are thrown on purpose.
 *
 * A message says in one line what was given, what was expected and what to do next. Where the Python runtime is in the
 * same situation, it says the same.
 */
public abstract class EdgeBertException(message: String, cause: Throwable? = null) : RuntimeException(message, cause)

/** A text, a file or an argument that cannot be used. */
public class InputException(message: String) : EdgeBertException(message)

/** A bundle that is missing, altered or not understood. */
public open class ManifestException(message: String) : EdgeBertException(message)

/** A bundle that another version of edgebert wrote. */
public class ManifestVersionException(message: String) : ManifestException(message)

/** The library of a backend is not part of the app. */
public class MissingBackendException(message: String) : EdgeBertException(message)

/** The library of a backend failed on an artifact whose hash was right. */
public class BackendException(message: String, cause: Throwable? = null) : EdgeBertException(message, cause)
