"""What a user would pick instead, converted from the same checkpoint and timed beside ours."""
