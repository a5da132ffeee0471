//go:build race

package sandbox

// shadowMemory says that the race detector maps terabytes, so that limits on
// memory cannot be set.
const shadowMemory = true
