# What runs on workers needs one: until the first has joined, this is tried again.

wait_for "$WAITS"
