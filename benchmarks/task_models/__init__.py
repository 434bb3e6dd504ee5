"""Small checkpoints that are really trained, one for each kind of task."""
