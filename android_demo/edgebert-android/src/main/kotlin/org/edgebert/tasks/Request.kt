package org.edgebert.tasks

import org.edgebert.Options
import org.edgebert.tokenization.Tokenizer

/** What a caller wants to know, and what it takes to say it. */
internal class Request(val labels: List<String>, val tokenizer: Tokenizer, val options: Options)
