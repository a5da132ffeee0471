//go:build race

package sealed_test

// unbounded: the sandbox cannot bound the memory of a process that the race
// detector watches.
const unbounded = true
