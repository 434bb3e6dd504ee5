"""EdgeBERT's converters: a checkpoint in, a verified bundle out. Needs the `convert` extra."""
