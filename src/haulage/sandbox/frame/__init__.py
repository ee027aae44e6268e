"""What all simulated services share: time, contents, calls, faults, budgets, history, the server and its proxy."""
