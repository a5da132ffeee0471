//go:build !race

package sandbox

const shadowMemory = false
