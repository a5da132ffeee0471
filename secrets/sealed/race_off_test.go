//go:build !race

package sealed_test

const unbounded = false
